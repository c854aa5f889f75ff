package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Approval is a program that acts for a person, who let it.
type Approval struct {
	ID         string // of a grant, or at the console of a family of tokens
	Client     string // name of the client
	Scopes     estate.Permissions
	Since      time.Time
	LastUsedAt time.Time // zero: not known
	EndsAt     time.Time // unless it is used again; zero: never by itself
}

// maxApprovals is how many a person is shown.
const maxApprovals = 200

// Approvals lists the programs that act for the person that actor is.
func (s *Service) Approvals(ctx context.Context, actor estate.Actor) (all []Approval, err error) {
	switch actor.Kind {
	case estate.ActorUser:
		return s.userApprovals(ctx, actor)
	case estate.ActorAccount:
		return s.accountApprovals(ctx, actor)
	}
	return nil, errNoUser
}

func (s *Service) userApprovals(ctx context.Context, actor estate.Actor) (all []Approval, err error) {
	var grants []estate.Grant
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		grants, err = tx.Grants(ctx, actor.Scope, store.GrantQuery{User: actor.User, Limit: maxApprovals})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		name, trusted, err := s.nameOf(ctx, g.Client)
		if err != nil {
			return nil, err
		}
		a := Approval{ID: string(g.ID), Client: name, Scopes: g.Approved, Since: g.CreatedAt, LastUsedAt: g.LastUsedAt}
		if len(a.Scopes) == 0 {
			a.Scopes = trusted // an administrator approved it for everybody
		}
		all = append(all, a)
	}
	return all, nil
}

func (s *Service) accountApprovals(ctx context.Context, actor estate.Actor) (all []Approval, err error) {
	var families []estate.TokenFamily
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		families, err = tx.Families(ctx, actor.Scope, actor.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	now := s.now()
	for _, f := range families {
		if !now.Before(f.ExpiresAt) || len(all) == maxApprovals {
			continue
		}
		name, _, err := s.nameOf(ctx, f.Client)
		if err != nil {
			return nil, err
		}
		a := Approval{ID: string(f.ID), Client: name, Scopes: f.Permissions, Since: f.CreatedAt, EndsAt: f.ExpiresAt}
		if f.Permissions.Holds(api.ScopeOfflineAccess) {
			a.LastUsedAt = f.ExpiresAt.Add(-RefreshLifetime) // by which each use prolongs it
		}
		all = append(all, a)
	}
	return all, nil
}

// nameOf is what a client is called and holds; its id, if it is gone.
func (s *Service) nameOf(ctx context.Context, id estate.ClientID) (name string, held estate.Permissions, err error) {
	client, err := s.clients.Get(ctx, id)
	if estate.HasCode(err, api.CodeClientNotFound) {
		return string(id), nil, nil
	}
	return client.Name, client.Permissions, err
}

// WithdrawApproval takes back what the person that actor is approved: everything that
// came of it ends at once. Nobody can do it for somebody else by this.
func (s *Service) WithdrawApproval(ctx context.Context, actor estate.Actor, id string) error {
	all, err := s.Approvals(ctx, actor)
	if err != nil {
		return err
	}
	for _, a := range all {
		switch {
		case a.ID != id:
		case actor.Kind == estate.ActorUser:
			return s.DeleteGrant(ctx, actor, estate.GrantID(id))
		default:
			return s.withdrawFamily(ctx, actor, estate.FamilyID(id))
		}
	}
	return errTokenNotFound
}

func (s *Service) withdrawFamily(ctx context.Context, actor estate.Actor, id estate.FamilyID) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		families, err := tx.Families(ctx, actor.Scope, actor.ID)
		if err != nil {
			return err
		}
		for _, f := range families {
			if f.ID == id {
				return s.endFamily(ctx, tx, actor, actor.Scope, f, "")
			}
		}
		return errTokenNotFound
	})
}
