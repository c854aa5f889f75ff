package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Invitee is who is to be invited.
type Invitee struct {
	Email    string
	Name     string // empty: the e-mail address
	Language string
	Resend   bool // make an invitation that is there last longer
}

// Invited is how an invitation went. User is zero if nobody was invited.
type Invited struct {
	Email  string
	Status InviteStatus
	User   estate.User
	Err    *estate.Error // of InviteError
}

// InviteStatus is how an invitation went.
type InviteStatus string

// The ways.
const (
	InviteOK     InviteStatus = "ok"
	InviteExists InviteStatus = "exists"
	InviteError  InviteStatus = "error"
)

// maxInvitees is how many can be invited at once.
const maxInvitees = 100

// InviteUsers makes users of the actor's tenant who have yet to sign in. Each
// invitation goes on its own; what is wrong with one is in its result.
func (s *Service) InviteUsers(ctx context.Context, actor estate.Actor, invitees []Invitee) (results []Invited, err error) {
	defer s.audit.Refused(ctx, actor, "user.invite", "", &err)
	if err := needs(actor, scopeManageUsers); err != nil {
		return nil, err
	}
	if len(invitees) == 0 || len(invitees) > maxInvitees {
		return nil, errUserInvalid.At("/invitees", fmt.Sprintf("invitees must have 1 to %d items", maxInvitees))
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil { // nobody is invited twice
			return err
		}
		results = make([]Invited, len(invitees))
		for i, invitee := range invitees {
			var err error
			if results[i], err = s.invite(ctx, tx, actor, invitee); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

func (s *Service) invite(ctx context.Context, tx *store.Tx, actor estate.Actor, n Invitee) (Invited, error) {
	email, name := strings.TrimSpace(n.Email), strings.TrimSpace(n.Name)
	result := Invited{Email: n.Email, Status: InviteError}
	if name == "" {
		name = email
	}
	switch {
	case !isEmail(email):
		result.Err = errUserInvalid.At("/email", "email must be an e-mail address")
		return result, nil
	case checkText(name, 1, maxName) != "":
		result.Err = errUserInvalid.At("/name", "name "+checkText(name, 1, maxName))
		return result, nil
	case checkText(n.Language, 0, maxLocale) != "":
		result.Err = errUserInvalid.At("/language", "language "+checkText(n.Language, 0, maxLocale))
		return result, nil
	}
	found, err := tx.UsersByEmail(ctx, actor.Scope, email)
	if err != nil {
		return result, err
	}
	now := s.now()
	if len(found) > 0 {
		return s.inviteAgain(ctx, tx, actor, found, n, result, now)
	}
	u := estate.User{
		ID: estate.NewUserID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, Name: name, Email: email,
		Status: estate.UserInvited, Profile: estate.UserProfile{PreferredLocale: n.Language},
		CreatedAt: now, UpdatedAt: now, InviteExpiresAt: now.Add(inviteLifetime),
	}
	u.Subject = estate.InviteSubject(u.ID)
	result.Status, result.User = InviteOK, u
	if err := tx.InsertUser(ctx, u); err != nil {
		return result, err
	}
	return result, s.audit.Done(ctx, tx, actor, actor.Scope, "user.invite", string(u.ID), userData(u))
}

// inviteAgain answers an invitation of somebody who is there already.
func (s *Service) inviteAgain(ctx context.Context, tx *store.Tx, actor estate.Actor, found []estate.User, n Invitee, result Invited, now time.Time) (Invited, error) {
	u := found[0]
	if i := slices.IndexFunc(found, func(u estate.User) bool { return u.Status != estate.UserInvited }); i >= 0 {
		u = found[i]
	}
	result.User = u
	switch {
	case u.Status == estate.UserDisabled:
		result.Err = errInviteDisabled
		return result, nil
	case u.Status != estate.UserInvited:
		result.Err = errInviteActive
		return result, nil
	case !n.Resend:
		result.Status = InviteExists
		return result, nil
	}
	u.InviteExpiresAt, u.UpdatedAt = now.Add(inviteLifetime), now
	result.Status, result.User = InviteOK, u
	if err := tx.UpdateUser(ctx, actor.Scope, u); err != nil {
		return result, err
	}
	return result, s.audit.Done(ctx, tx, actor, actor.Scope, "user.invite", string(u.ID), userData(u))
}

var (
	errInviteActive   = estate.E(estate.Conflict, api.CodeInviteActive, "User is active", "A user with this e-mail address is active already.")
	errInviteDisabled = estate.E(estate.Conflict, api.CodeInviteDisabled, "User is disabled", "The user with this e-mail address is disabled.")
)
