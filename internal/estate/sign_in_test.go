package estate_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

func TestNewIDs_SignIn(t *testing.T) {
	seen := map[string]bool{}
	for range idAttempts {
		id, token := string(estate.NewIdentityProviderID()), estate.NewSessionToken()
		session := string(estate.SessionIDOf(token))
		if !made(id, "", 24, lowerHex) || !made(token.Reveal(), "", 43, base64URL) || !made(session, "", 64, lowerHex) {
			t.Errorf("%q, %q, %q", id, token.Reveal(), session)
		}
		for _, text := range []string{id, token.Reveal(), session} {
			if seen[text] {
				t.Errorf("%q comes twice", text)
			}
			seen[text] = true
		}
		if estate.SessionIDOf(token) != estate.SessionID(session) || strings.Contains(session, token.Reveal()) {
			t.Errorf("id of the session with the token %q", token.Reveal())
		}
	}
}
