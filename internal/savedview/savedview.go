// Package savedview keeps the views of the console's lists that people give a name.
// They are bookmarks: nobody else sees them, and nothing of the estate depends on
// them, so that they leave no audit records.
package savedview

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Limits.
const (
	maxViews = 50 // of an account and list
	maxName  = 100
	maxQuery = 4000 // bytes
)

// Service keeps views. It is safe for concurrent use.
type Service struct {
	Store *store.Store
	Now   func() time.Time
}

func account(actor estate.Actor) (estate.Scope, estate.AccountID, error) {
	if actor.Kind != estate.ActorAccount {
		return estate.Scope{}, "", estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Views are kept by people.")
	}
	return estate.Scope{Organization: actor.Scope.Organization}, estate.AccountID(actor.ID), nil
}

// List returns the views of a list that actor keeps, by name.
func (s Service) List(ctx context.Context, actor estate.Actor, list string) (all []estate.SavedView, err error) {
	scope, id, err := account(actor)
	if err != nil {
		return nil, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.SavedViews(ctx, scope, id, list)
		return err
	})
	return all, err
}

// Save keeps query, the query of a list's address, under name. A view that has the
// name is replaced.
func (s Service) Save(ctx context.Context, actor estate.Actor, list, name, query string) (v estate.SavedView, err error) {
	scope, id, err := account(actor)
	if err != nil {
		return v, err
	}
	if name, err = checkName(name); err != nil {
		return v, err
	}
	if _, err := url.ParseQuery(query); err != nil || len(query) > maxQuery {
		return v, estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid view", fmt.Sprintf("A view is the query of an address, of at most %d characters.", maxQuery)).At("/query", "too long, or no query")
	}
	now := s.Now()
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.SavedViews(ctx, scope, id, list)
		if err != nil {
			return err
		}
		v = estate.SavedView{
			ID: estate.NewSavedViewID(), Organization: scope.Organization, Account: id, List: list, Name: name, Query: query, CreatedAt: now, UpdatedAt: now,
		}
		if i := slices.IndexFunc(all, func(have estate.SavedView) bool { return strings.EqualFold(have.Name, name) }); i >= 0 {
			v.ID, v.CreatedAt = all[i].ID, all[i].CreatedAt
			return tx.UpdateSavedView(ctx, scope, v)
		}
		if len(all) >= maxViews {
			return estate.E(estate.Conflict, api.CodeEstateConflict, "Too many views", fmt.Sprintf("You can keep %d views of a list.", maxViews))
		}
		return tx.InsertSavedView(ctx, v)
	})
	return v, err
}

// Rename gives a view another name, which none of the others of its list has.
func (s Service) Rename(ctx context.Context, actor estate.Actor, list string, view estate.SavedViewID, name string) error {
	scope, id, err := account(actor)
	if err != nil {
		return err
	}
	if name, err = checkName(name); err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		v, err := find(ctx, tx, scope, id, list, view)
		if err != nil {
			return err
		}
		v.Name, v.UpdatedAt = name, s.Now()
		return tx.UpdateSavedView(ctx, scope, v)
	})
}

// Get returns a view of a list that actor keeps.
func (s Service) Get(ctx context.Context, actor estate.Actor, list string, view estate.SavedViewID) (v estate.SavedView, err error) {
	scope, id, err := account(actor)
	if err != nil {
		return v, err
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		v, err = find(ctx, tx, scope, id, list, view)
		return err
	})
	return v, err
}

func find(ctx context.Context, tx *store.Tx, scope estate.Scope, id estate.AccountID, list string, view estate.SavedViewID) (estate.SavedView, error) {
	all, err := tx.SavedViews(ctx, scope, id, list)
	if err != nil {
		return estate.SavedView{}, err
	}
	i := slices.IndexFunc(all, func(v estate.SavedView) bool { return v.ID == view })
	if i < 0 {
		return estate.SavedView{}, estate.E(estate.NotFound, api.CodeEstateNotFound, "No such view", "It may have been deleted, or be somebody else's.")
	}
	return all[i], nil
}

// Delete forgets a view.
func (s Service) Delete(ctx context.Context, actor estate.Actor, view estate.SavedViewID) error {
	scope, id, err := account(actor)
	if err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.DeleteSavedView(ctx, scope, id, view) })
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxName || name != estate.CutText(name, len(name)) {
		detail := fmt.Sprintf("must have 1 to %d characters, none of them control characters", maxName)
		return "", estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid view", "The name "+detail+".").At("/name", detail)
	}
	return name, nil
}
