package signin

import (
	"context"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// claim gives the invitation that a login answers the subject of the login: that of
// the one user of the tenant with the e-mail address, if the identity provider says
// that the address was verified, and nobody has signed in as that user. Whoever has
// signed in before is known by the subject, and never by an address. The zero user:
// there is no such invitation.
func (s *Service) claim(ctx context.Context, tx *store.Tx, scope estate.Scope, a arrival) (none estate.User, err error) {
	if !a.login.EmailVerified || a.login.Email == "" {
		return none, nil
	}
	found, err := tx.UsersByEmail(ctx, scope, a.login.Email)
	if err != nil || len(found) != 1 {
		return none, err
	}
	user := found[0]
	if user.Status != estate.UserInvited || user.ClientID != "" || s.inviteEnded(user) || !estate.IsInviteSubject(user.Subject) {
		return none, nil
	}
	user.Subject, user.UpdatedAt = a.login.Subject, s.now()
	claimed, err := tx.ClaimSubject(ctx, scope, user)
	if err != nil || !claimed {
		return none, err
	}
	return user, s.audit.Done(ctx, tx, actorOf(user, scope, a.visitor.TraceID), scope, "user.update", string(user.ID), map[string]any{
		"subject": user.Subject, "email": user.Email, "identityProvider": a.provider.ID,
	})
}
