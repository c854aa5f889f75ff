package signin_test

import (
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPassword_AddressOfTwo: who gets the e-mail address of somebody with a password
// keeps nobody out, and sets no password beside it.
func TestPassword_AddressOfTwo(t *testing.T) {
	h := newHouse(t, testenv.Open(t))
	ada, eve := h.user("ada", estate.UserActive), h.user("eve", estate.UserActive)
	const password = "correct horse battery"
	signIn := func(email, word string) error {
		_, err := h.s.SignInByPassword(t.Context(), h.surface, signin.Proof{Email: email, Password: estate.Secret(word)}, guest("192.0.2.1"))
		return err
	}
	actor, session := h.enters(ada)
	h.wants("password of ada", h.s.SetPassword(t.Context(), actor, session, password), "")
	stolen := eve
	stolen.Email = "ADA@example.com" // as an identity provider may say
	h.write(func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), h.tenant.Scope(), stolen) })
	h.wants("ada, whose address somebody else has too", signIn(ada.Email, password), "")

	actor, session = h.enters(stolen)
	h.wants("password of eve", h.s.SetPassword(t.Context(), actor, session, "another horse battery"), api.CodeCredentialTaken)
	h.wants("eve, by her own password", signIn(ada.Email, "another horse battery"), api.CodeLoginWrong)
	h.wants("a new password of ada", func() error {
		actor, session := h.enters(ada)
		return h.s.SetPassword(t.Context(), actor, session, password)
	}(), "")

	stolen.Email = "eve@example.com"
	h.write(func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), h.tenant.Scope(), stolen) })
	actor, session = h.enters(stolen)
	h.wants("password of eve by her own address", h.s.SetPassword(t.Context(), actor, session, "another horse battery"), "")
	h.wants("eve", signIn(stolen.Email, "another horse battery"), "")
}
