package tenancy

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Administrator is a person who is to administer a new tenant.
type Administrator struct {
	Email string
	Name  string // empty: the e-mail address
}

const maxEmail = 254 // characters; RFC 5321 leaves no room for more

// check validates what the caller wants to have invited; nobody is fine.
func (a *Administrator) check() error {
	if a == nil {
		return nil
	}
	address, err := mail.ParseAddress(a.Email)
	switch {
	case err != nil || address.Address != a.Email || len(a.Email) > maxEmail:
		return invalidTenant("/admin/email", fmt.Sprintf("must be an e-mail address of at most %d characters", maxEmail))
	case nameProblem(a.Name) != "":
		return invalidTenant("/admin/name", nameProblem(a.Name))
	}
	return nil
}

// Created is a tenant that was just made.
type Created struct {
	estate.Tenant
	Admin *CreatedAdministrator // nil: nobody was asked for
}

// CreatedAdministrator is the first user of a tenant, with a link that signs the
// person in. Who asks once more gets none: the link is kept nowhere.
type CreatedAdministrator struct {
	User estate.UserID
	Link estate.Secret
	Ends time.Time // of the link
}

// keptTenant is a tenant as it is kept for a repeated request.
type keptTenant struct {
	estate.Tenant
	AdminUser estate.UserID `json:",omitempty"`
}

// inviteAdministrator makes the first user of a new tenant.
func (s *Service) inviteAdministrator(ctx context.Context, tx *store.Tx, actor estate.Actor, t estate.Tenant, a *Administrator) (*CreatedAdministrator, error) {
	if a == nil {
		return nil, nil //nolint:nilnil // nobody was asked for
	}
	u := estate.User{
		ID: estate.NewUserID(), Organization: t.Organization, Tenant: t.ID, Name: strings.TrimSpace(a.Name), Email: a.Email,
		Status: estate.UserInvited, Roles: []estate.RoleName{estate.RoleTenantAdmin}, CreatedAt: t.CreatedAt, UpdatedAt: t.CreatedAt,
	}
	u.Subject = estate.InviteSubject(u.ID)
	if u.Name == "" {
		u.Name = a.Email
	}
	if err := tx.InsertUser(ctx, u); err != nil {
		return nil, err
	}
	err := s.audit.Done(ctx, tx, actor, t.Scope(), "user.create", string(u.ID), map[string]any{
		"subject": u.Subject, "name": u.Name, "email": u.Email, "status": u.Status, "roles": u.Roles,
	})
	if err != nil {
		return nil, err
	}
	secret, l := estate.NewOneTimeLink(estate.Person{Organization: t.Organization, Tenant: t.ID, ID: string(u.ID)}, false, actor.ID, t.CreatedAt)
	if err := tx.InsertLink(ctx, l); err != nil {
		return nil, err
	}
	return &CreatedAdministrator{User: u.ID, Link: secret, Ends: l.ExpiresAt},
		s.audit.Done(ctx, tx, actor, t.Scope(), "sign-in-link.create", string(u.ID), map[string]any{"recovery": false})
}
