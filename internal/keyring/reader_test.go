package keyring_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/keyring"
)

type subject struct {
	Subject string `json:"sub"`
}

// TestReader: what a reader answers the second time is what it answered at first,
// and nothing is taken for a token that it knows.
func TestReader(t *testing.T) {
	k := newFiles(t).open(t)
	const limit = 4
	r := keyring.NewReader[subject](k, estate.KeyAccessToken, limit)
	var tokens []string
	for i := range 3 * limit {
		tokens = append(tokens, sign(t, k, estate.KeyAccessToken, fmt.Sprintf(`{"sub":"s%d"}`, i)))
	}
	for range 3 {
		for i, token := range tokens {
			for range 2 {
				claims, err := r.Read(token)
				if err != nil || claims.Subject != fmt.Sprintf("s%d", i) {
					t.Fatalf("token %d: %v, %v", i, claims, err)
				}
			}
		}
	}
	first, _ := r.Read(tokens[0])
	if again, _ := r.Read(strings.Clone(tokens[0])); again != first {
		t.Error("a token that was just shown was verified again")
	}
	header, rest, _ := strings.Cut(tokens[0], ".")
	body, _, _ := strings.Cut(rest, ".")
	_, otherRest, _ := strings.Cut(tokens[1], ".")
	_, otherSignature, _ := strings.Cut(otherRest, ".")
	for what, forged := range map[string]string{
		"another signature": header + "." + body + "." + otherSignature, "cut off": tokens[0][:len(tokens[0])-1], "more": tokens[0] + "A", "empty": "",
		"another purpose": sign(t, k, estate.KeyLicense, `{"sub":"s0"}`), "not an object": sign(t, k, estate.KeyAccessToken, `[]`),
	} {
		for range 2 {
			if claims, err := r.Read(forged); !errors.Is(err, keyring.ErrInvalidToken) || claims != nil {
				t.Errorf("%s: %v, %v", what, claims, err)
			}
		}
	}
}
