package credential

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/freehold-platform/freehold/internal/estate"
)

// newSecretText makes 256 random bits as 64 hexadecimal digits.
func newSecretText() estate.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return estate.Secret(hex.EncodeToString(b[:]))
}

// hintOf returns the part of a secret by which people tell it from others: its
// last five digits, which leaves 236 bits unknown.
func hintOf(secret estate.Secret) string {
	text := secret.Reveal()
	return text[len(text)-5:]
}
