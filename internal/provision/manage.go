package provision

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Limits.
const (
	maxProvisioners = 10 // of a subscription
	maxName         = 256
	secretBytes     = 32
)

// mayRead and mayManage: provisioners are managed by those who manage the
// subscription's region-level clients.

func mayRead(actor estate.Actor, id estate.SubscriptionID) error {
	return actor.LacksFor(id, api.ScopeOrgSubscriptionsRead)
}

func mayManage(actor estate.Actor, id estate.SubscriptionID) error {
	return actor.LacksFor(id, api.ScopeOrgSubscriptions)
}

// within is the scope of a subscription of the actor's organization.
func within(ctx context.Context, tx *store.Tx, actor estate.Actor, id estate.SubscriptionID) (estate.Scope, error) {
	scope := estate.Scope{Organization: actor.Scope.Organization, Subscription: id}
	_, err := tx.Subscription(ctx, estate.Scope{Organization: scope.Organization}, id)
	return scope, err
}

// Create makes a provisioner of a subscription. The secret, with which calls are
// signed, is shown this once. Tenants that there are already are told of their next
// change, or when they are retried by hand.
func (s *Service) Create(ctx context.Context, actor estate.Actor, id estate.SubscriptionID, in api.CreateProvisionerRequest) (p estate.Provisioner, secret estate.Secret, err error) {
	defer s.audit.Refused(ctx, actor, "provisioner.create", string(id), &err)
	if err := mayManage(actor, id); err != nil {
		return p, "", err
	}
	now := s.now()
	p = estate.Provisioner{ID: estate.NewProvisionerID(), Name: in.Name, URL: in.URL, CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now}
	if err := s.check(&p); err != nil {
		return p, "", err
	}
	if secret, err = s.newSecret(&p); err != nil {
		return p, "", err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		scope, err := within(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		p.Organization, p.Subscription = scope.Organization, scope.Subscription
		there, err := tx.Provisioners(ctx, scope)
		if err != nil {
			return err
		}
		if len(there) >= maxProvisioners {
			return estate.E(estate.Conflict, api.CodeProvisionerLimit, "Too many provisioners", fmt.Sprintf("A subscription has at most %d.", maxProvisioners))
		}
		if err := tx.InsertProvisioner(ctx, p); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "provisioner.create", string(p.ID), map[string]any{"name": p.Name, "url": p.URL})
	})
	return p, secret, err
}

// newSecret gives p another secret.
func (s *Service) newSecret(p *estate.Provisioner) (secret estate.Secret, err error) {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails, by its documentation
	p.SealedSecret, err = s.keys.Seal(secretPurpose, string(p.ID), key)
	return estate.Secret("whsec_" + base64.StdEncoding.EncodeToString(key)), err
}

// check validates what the caller chose.
func (s *Service) check(p *estate.Provisioner) error {
	p.Name = strings.TrimSpace(p.Name)
	if p.Name == "" || utf8.RuneCountInString(p.Name) > maxName || p.Name != estate.CutText(p.Name, len(p.Name)) {
		detail := fmt.Sprintf("must have 1 to %d characters, none of them control characters", maxName)
		return errInvalid("The name "+detail+".").At("/name", detail)
	}
	if err := s.guard.CheckURL(p.URL); err != nil {
		return errInvalid("The URL "+err.Error()+".").At("/url", err.Error())
	}
	return nil
}

// List returns the provisioners of a subscription, oldest first.
func (s *Service) List(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (all []estate.Provisioner, err error) {
	if err := mayRead(actor, id); err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		scope, err := within(ctx, tx, actor, id)
		if err == nil {
			all, err = tx.Provisioners(ctx, scope)
		}
		return err
	})
	return all, err
}

// Get returns a provisioner of a subscription.
func (s *Service) Get(ctx context.Context, actor estate.Actor, sub estate.SubscriptionID, id estate.ProvisionerID) (p estate.Provisioner, err error) {
	if err := mayRead(actor, sub); err != nil {
		return p, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		scope, err := within(ctx, tx, actor, sub)
		if err == nil {
			p, err = tx.Provisioner(ctx, scope, id)
		}
		return err
	})
	return p, err
}

// Changes are what is to be changed of a provisioner; nil: nothing.
type Changes struct {
	Name *string
	URL  *string
}

// Update changes name or URL of a provisioner. Calls that wait go to the new URL.
func (s *Service) Update(ctx context.Context, actor estate.Actor, sub estate.SubscriptionID, id estate.ProvisionerID, c Changes) error {
	_, err := s.change(ctx, actor, sub, id, "provisioner.update", func(p *estate.Provisioner) error {
		if c.Name != nil {
			p.Name = *c.Name
		}
		if c.URL != nil {
			p.URL = *c.URL
		}
		return s.check(p)
	})
	return err
}

// RotateSecret gives a provisioner another secret, which is shown this once. The
// next attempt is signed with it.
func (s *Service) RotateSecret(ctx context.Context, actor estate.Actor, sub estate.SubscriptionID, id estate.ProvisionerID) (p estate.Provisioner, secret estate.Secret, err error) {
	p, err = s.change(ctx, actor, sub, id, "provisioner.rotate-secret", func(p *estate.Provisioner) (err error) {
		secret, err = s.newSecret(p)
		return err
	})
	return p, secret, err
}

func (s *Service) change(ctx context.Context, actor estate.Actor, sub estate.SubscriptionID, id estate.ProvisionerID, action string, fn func(*estate.Provisioner) error) (p estate.Provisioner, err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayManage(actor, sub); err != nil {
		return p, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		scope, err := within(ctx, tx, actor, sub)
		if err != nil {
			return err
		}
		if p, err = tx.Provisioner(ctx, scope, id); err != nil {
			return err
		}
		if err := fn(&p); err != nil {
			return err
		}
		p.UpdatedAt = s.now()
		if err := tx.UpdateProvisioner(ctx, scope, p); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, action, string(id), map[string]any{"name": p.Name, "url": p.URL})
	})
	return p, err
}

// Delete erases a provisioner. Tenants wait for it no more.
func (s *Service) Delete(ctx context.Context, actor estate.Actor, sub estate.SubscriptionID, id estate.ProvisionerID) (err error) {
	defer s.audit.Refused(ctx, actor, "provisioner.delete", string(id), &err)
	if err := mayManage(actor, sub); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		scope, err := within(ctx, tx, actor, sub)
		if err != nil {
			return err
		}
		if err := tx.DeleteProvisioner(ctx, scope, id, s.now()); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "provisioner.delete", string(id), nil)
	})
}
