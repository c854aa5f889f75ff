package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// savedView is one that keeps the list of tenants for an account.
func savedView(of estate.Account, n int) estate.SavedView {
	return estate.SavedView{
		ID: estate.SavedViewID(fmt.Sprintf("e%031x", n)), Organization: of.Organization, Account: of.ID, List: "tenants", Name: fmt.Sprintf("View %d", n),
		Query: fmt.Sprintf("status=disabled&n=%d", n), CreatedAt: moment(n), UpdatedAt: moment(n),
	}
}

func testSavedView(t *testing.T, db Database) {
	s := newSample(t, db)
	ada, bob := account(s.acme, 21), account(s.acme, 22)
	one, two, bobs := savedView(ada, 1), savedView(ada, 2), savedView(bob, 3)
	write(t, db, func(tx *store.Tx) error {
		for _, a := range []estate.Account{ada, bob} {
			if err := tx.InsertAccount(t.Context(), a); err != nil {
				return err
			}
		}
		for _, v := range []estate.SavedView{two, complete(t, one), bobs} {
			if err := tx.InsertSavedView(t.Context(), v); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(a estate.Account, list string) []estate.SavedView {
		return read(t, db, func(tx *store.Tx) ([]estate.SavedView, error) {
			return tx.SavedViews(t.Context(), all(s.acme), a.ID, list)
		})
	}
	equal(t, "of an account, by name", list(ada, "tenants"), []estate.SavedView{one, two})
	equal(t, "of another list", len(list(ada, "clients")), 0)
	taken := one
	taken.ID, taken.Name = "other", "VIEW 2"
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertSavedView(t.Context(), taken) }), estate.Conflict, api.CodeEstateConflict)
	one.Name, one.Query, one.UpdatedAt = "Renamed", "status=active", moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateSavedView(t.Context(), all(s.acme), one) })
	equal(t, "renamed", list(ada, "tenants"), []estate.SavedView{one, two})
	foreign := bobs
	foreign.Account = ada.ID
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateSavedView(t.Context(), all(s.acme), foreign) }), estate.NotFound, api.CodeEstateNotFound)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.DeleteSavedView(t.Context(), all(s.acme), ada.ID, bobs.ID) }), estate.NotFound, api.CodeEstateNotFound)
	write(t, db, func(tx *store.Tx) error { return tx.DeleteSavedView(t.Context(), all(s.acme), ada.ID, one.ID) })
	equal(t, "after deletion", list(ada, "tenants"), []estate.SavedView{two})
	equal(t, "another account's", list(bob, "tenants"), []estate.SavedView{bobs})
}

// keptViews are one of each account that the world has.
var keptViews = func() []estate.SavedView {
	acme, other := organization(1), organization(2)
	return []estate.SavedView{savedView(account(acme, 1), 1), savedView(account(acme, 2), 2), savedView(account(other, 3), 3)}
}()

func keptViewOf(account string) estate.SavedView {
	for _, v := range keptViews {
		if string(v.Account) == account {
			return v
		}
	}
	return estate.SavedView{}
}

func insertSavedViews(ctx context.Context, tx *store.Tx) error {
	for _, v := range keptViews {
		if err := tx.InsertSavedView(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

func idOfSavedView(v estate.SavedView) string { return string(v.ID) }

// savedViewRows have their account as their key.
func savedViewRows(world) []row {
	return rowsOf(keptViews, func(v estate.SavedView) row {
		return row{owner: estate.Scope{Organization: v.Organization}, key: string(v.Account), id: string(v.ID)}
	})
}

// savedViewReads and savedViewWrites are the cases of methods around saved views.
var savedViewReads = map[string]readCase{
	"SavedViews": {rows: savedViewRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		found, err := tx.SavedViews(ctx, scope, estate.AccountID(key), "tenants")
		return ids(found, err, idOfSavedView)
	}},
}

var savedViewWrites = map[string]writeCase{
	"UpdateSavedView": {
		rows: savedViewRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			v := keptViewOf(key)
			v.Name, v.UpdatedAt = "renamed", moment(99)
			return tx.UpdateSavedView(ctx, scope, v)
		},
		again:   by("update saved_views set name = 'before'"),
		touches: savedViewTouches,
	},
	"DeleteSavedView": {
		rows: savedViewRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteSavedView(ctx, scope, estate.AccountID(key), keptViewOf(key).ID)
		},
		again:   savedAll("saved_views"),
		touches: savedViewTouches,
	},
}

func savedViewTouches(_ world, r row, _ estate.Scope) []string {
	return []string{fmt.Sprintf("saved_views: id=%q", r.id)}
}
