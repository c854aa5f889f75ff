// Package directory holds the people and bots of the estate: accounts at
// organization level and users inside tenants.
package directory

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// Service manages accounts and users. It is safe for concurrent use.
type Service struct {
	store *store.Store
	audit event.Auditor
	now   func() time.Time
}

// New makes the service.
func New(db *store.Store, audit event.Auditor, now func() time.Time) *Service {
	return &Service{store: db, audit: audit, now: now}
}

// argon2Params are OWASP's second choice for argon2id (19 MiB, 2 passes): about
// 100 ms on one small core.
var argon2Params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// MinPasswordLength is in bytes. Length is the only rule for passwords (NIST SP
// 800-63B).
const MinPasswordLength = 12

// NewAccount is what CreateAccount makes an account of.
type NewAccount struct {
	Organization estate.OrganizationID
	Email        string
	Name         string
	Password     estate.Secret // empty: the account can't sign in with a password
}

// CreateAccount makes an account. Only the operator may.
func (s *Service) CreateAccount(ctx context.Context, actor estate.Actor, n NewAccount) (estate.Account, error) {
	if !actor.IsOperator() {
		return estate.Account{}, errOperatorOnly
	}
	if address, err := mail.ParseAddress(n.Email); err != nil || address.Address != n.Email || len(n.Email) > 254 {
		return estate.Account{}, estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid account", fmt.Sprintf("%q is not an e-mail address.", n.Email))
	}
	a := estate.Account{
		ID: estate.NewAccountID(), Organization: n.Organization, Email: n.Email, Name: strings.TrimSpace(n.Name), CreatedAt: s.now(),
	}
	a.UpdatedAt = a.CreatedAt
	if a.Name == "" {
		a.Name = n.Email
	}
	if n.Password != "" {
		var err error
		if a.PasswordHash, err = hashPassword(n.Password); err != nil {
			return estate.Account{}, err
		}
	}
	scope := estate.Scope{Organization: n.Organization}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Organization(ctx, scope); err != nil {
			return err
		}
		stored := a
		stored.PasswordHash = "" // which is a credential like others
		if err := tx.InsertAccount(ctx, stored); err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, a, a.PasswordHash); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "account.create", string(a.ID), map[string]any{"email": a.Email, "name": a.Name})
	})
	return a, err
}

// SetPassword replaces the password of an account. Only the operator may.
func (s *Service) SetPassword(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, id estate.AccountID, password estate.Secret) error {
	if !actor.IsOperator() {
		return errOperatorOnly
	}
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	scope := estate.Scope{Organization: organization}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetAccountPassword(ctx, scope, id, "", s.now()); err != nil { // where hashes used to be
			return err
		}
		a, err := tx.Account(ctx, scope, string(id))
		if err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, a, hash); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "account.set-password", string(id), nil)
	})
}

func hashPassword(password estate.Secret) (string, error) {
	if len(password) < MinPasswordLength {
		return "", estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid account", fmt.Sprintf("A password must have at least %d characters.", MinPasswordLength))
	}
	hash, err := argon2id.CreateHash(password.Reveal(), argon2Params)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// Accounts lists the accounts of an organization. Only the operator may.
func (s *Service) Accounts(ctx context.Context, actor estate.Actor, organization estate.OrganizationID) (all []estate.Account, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		scope := estate.Scope{Organization: organization}
		if all, err = tx.Accounts(ctx, scope); err != nil {
			return err
		}
		for i := range all {
			credentials, err := tx.Credentials(ctx, scope, string(all[i].ID))
			if err != nil {
				return err
			}
			for _, c := range credentials {
				if c.Kind == estate.CredentialPassword {
					all[i].PasswordHash = string(c.Data)
				}
			}
		}
		return nil
	})
	return all, err
}

// setPassword gives an account a password, in place of the one that it has. With an
// empty hash it gets none.
func (s *Service) setPassword(ctx context.Context, tx *store.Tx, a estate.Account, hash string) error {
	person := estate.Person{Organization: a.Organization, ID: string(a.ID)}
	before, err := tx.Credentials(ctx, person.Scope(), person.ID)
	if err != nil {
		return err
	}
	for _, c := range before {
		if c.Kind == estate.CredentialPassword {
			if _, err := tx.DeleteCredential(ctx, person.Scope(), c.ID); err != nil {
				return err
			}
		}
	}
	if hash == "" {
		return nil
	}
	return tx.InsertCredential(ctx, estate.PersonCredential{
		ID: estate.NewCredentialID(), Person: person, Kind: estate.CredentialPassword, Data: []byte(hash), CreatedAt: s.now(),
	})
}

var errOperatorOnly = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only the operator may do this.")
