package credential

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// GrantQuery asks for a page of the grants in the actor's tenant, ordered by
// user.
type GrantQuery struct {
	User       estate.UserID // only of this user; empty: of all
	Page       string        // cursor; empty: the first page
	Descending bool
	Limit      int
}

// GrantPage is a page of grants with the names of their clients.
type GrantPage struct {
	Grants     []estate.Grant
	Names      map[estate.ClientID]string
	Next, Prev string // cursors; empty: no such page
}

// grantCursor is a position in the list of grants. It carries no rights: each
// page is restricted to what the caller may see anew.
type grantCursor struct {
	User     estate.UserID  `json:"u"`
	Grant    estate.GrantID `json:"g"`
	Backward bool           `json:"b,omitempty"`
}

// grantedKey names a grant by who acts for whom. The organization is carried along for
// the scope.
type grantedKey struct {
	organization estate.OrganizationID
	grantKey
}

// findOrMakeGrant sees to it that a grant is in the database before its first token
// leaves, unlike its use: nobody could revoke a token whose grant is not listed.
func (s *Service) findOrMakeGrant(ctx context.Context, key grantedKey) (none struct{}, err error) {
	scope := estate.Scope{Organization: key.organization, Tenant: key.tenant}
	var known []estate.Grant
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		known, err = tx.Grants(ctx, scope, store.GrantQuery{User: key.user, Limit: store.MaxPage})
		return err
	})
	if err != nil || slices.ContainsFunc(known, func(g estate.Grant) bool { return g.Client == key.client }) {
		return none, err
	}
	return none, s.store.Write(ctx, func(tx *store.Tx) error {
		at := s.revocations.issueTime(key.grantKey, s.now())
		return tx.AddGrantUse(ctx, scope, estate.Grant{ID: estate.NewGrantID(), Client: key.client, User: key.user, LastUsedAt: at})
	})
}

// Grants lists the grants in the actor's tenant: all of them to an
// administrator, to anybody else those of the own user.
func (s *Service) Grants(ctx context.Context, actor estate.Actor, q GrantQuery) (GrantPage, error) {
	at, err := parseGrantCursor(q.Page)
	if err != nil {
		return GrantPage{}, err
	}
	page := GrantPage{Names: map[estate.ClientID]string{}}
	search := store.GrantQuery{User: q.User, After: nil, Descending: q.Descending != at.Backward, Limit: q.Limit + 1}
	if !administers(actor) {
		if q.User != "" && q.User != actor.User {
			return page, nil
		}
		search.User = actor.User
	}
	if q.Page != "" {
		search.After = &store.GrantPosition{User: at.User, Grant: at.Grant}
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		page.Grants, err = tx.Grants(ctx, actor.Scope, search)
		return err
	})
	if err != nil {
		return GrantPage{}, err
	}
	more := len(page.Grants) > q.Limit
	if more {
		page.Grants = page.Grants[:q.Limit]
	}
	if at.Backward {
		slices.Reverse(page.Grants)
	}
	if n := len(page.Grants); n > 0 {
		if more || at.Backward {
			page.Next = formatGrantCursor(page.Grants[n-1], false)
		}
		if at.Backward && more || !at.Backward && q.Page != "" {
			page.Prev = formatGrantCursor(page.Grants[0], true)
		}
	}
	for _, g := range page.Grants {
		client, err := s.clients.Get(ctx, g.Client)
		switch {
		case err == nil:
			page.Names[g.Client] = client.Name
		case !estate.HasCode(err, api.CodeClientNotFound):
			return GrantPage{}, err
		}
	}
	return page, nil
}

// DeleteGrant revokes every access token of a grant in the actor's tenant that
// was issued until now. The client can get new ones. An administrator may do it
// to all grants, anybody else to those of the own user.
func (s *Service) DeleteGrant(ctx context.Context, actor estate.Actor, id estate.GrantID) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		g, err := tx.Grant(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if !administers(actor) && g.User != actor.User {
			return errTokenNotFound
		}
		return s.withdraw(ctx, tx, actor, actor.Scope, g)
	})
}

// withdraw revokes all that came of a grant in the tenant of scope.
func (s *Service) withdraw(ctx context.Context, tx *store.Tx, actor estate.Actor, scope estate.Scope, g estate.Grant) error {
	now := s.now() // after whatever was written before
	// Tokens that were issued in advance of a slow clock end a moment later.
	if _, err := tx.RevokeGrant(ctx, scope, g, now, now.Add(TokenLifetime+time.Minute)); err != nil {
		return err
	}
	return s.audit.Done(ctx, tx, actor, scope, "oauth-token.delete", string(g.ID), map[string]any{
		"clientId": g.Client, "userId": g.User, event.KeyEvent: revocation(actor, now, string(g.ID), g.Client, string(g.User), g.ID, false),
	})
}

// administers tells whether actor acts as an administrator of its tenant.
func administers(actor estate.Actor) bool {
	return slices.Contains(actor.Roles, estate.RoleTenantAdmin) && actor.Permissions.Holds(api.ScopeAdminClassic)
}

const grantList = "grants"

func formatGrantCursor(g estate.Grant, backward bool) string {
	return paging.Format(grantList, grantCursor{User: g.User, Grant: g.ID, Backward: backward})
}

func parseGrantCursor(text string) (grantCursor, error) {
	if text == "" {
		return grantCursor{}, nil
	}
	c, err := paging.Parse[grantCursor](grantList, text)
	if err != nil || !c.User.Valid() || !c.Grant.Valid() {
		return grantCursor{}, paging.Unparsed("page", paging.ErrCursor)
	}
	return c, nil
}

var errTokenNotFound = estate.E(estate.NotFound, api.CodeTokenNotFound, "Not found", "No such token.")
