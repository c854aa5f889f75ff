package store

import (
	"context"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const savedViewColumns = "id, organization_id, account_id, list, name, query, created_at, updated_at"

func scanSavedView(row rowScanner) (v estate.SavedView, err error) {
	var created, updated int64
	err = row.Scan(&v.ID, &v.Organization, &v.Account, &v.List, &v.Name, &v.Query, &created, &updated)
	v.CreatedAt, v.UpdatedAt = fromMicros(created), fromMicros(updated)
	return v, err
}

// InsertSavedView adds v.
func (tx *Tx) InsertSavedView(ctx context.Context, v estate.SavedView) error {
	_, err := tx.exec(ctx, "insert into saved_views (name_key, "+savedViewColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		filter.Fold(v.Name), v.ID, v.Organization, v.Account, v.List, v.Name, v.Query, micros(v.CreatedAt), micros(v.UpdatedAt))
	return wrap("insert saved view", err)
}

// SavedViews returns the views of a list that an account keeps, by name.
func (tx *Tx) SavedViews(ctx context.Context, scope estate.Scope, account estate.AccountID, list string) ([]estate.SavedView, error) {
	c := within(scope, "", "", "")
	c.add("account_id = " + c.arg(account))
	c.add("list = " + c.arg(list))
	rows, err := tx.rows(ctx, "select "+savedViewColumns+" from saved_views"+c.where()+" order by name_key", c.args...)
	all, err := collect(rows, err, scanSavedView)
	return all, wrap("select saved views", err)
}

// UpdateSavedView replaces name and query of a view that v.Account keeps.
func (tx *Tx) UpdateSavedView(ctx context.Context, scope estate.Scope, v estate.SavedView) error {
	c := within(scope, "", "", "")
	set := "update saved_views set name = " + c.arg(v.Name) + ", name_key = " + c.arg(filter.Fold(v.Name)) + ", query = " + c.arg(v.Query) + ", updated_at = " + c.arg(micros(v.UpdatedAt))
	c.add("account_id = " + c.arg(v.Account))
	c.add("id = " + c.arg(v.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSavedViewNotFound
	}
	return wrap("update saved view", err)
}

// DeleteSavedView erases a view that account keeps.
func (tx *Tx) DeleteSavedView(ctx context.Context, scope estate.Scope, account estate.AccountID, id estate.SavedViewID) error {
	c := within(scope, "", "", "")
	c.add("account_id = " + c.arg(account))
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from saved_views"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSavedViewNotFound
	}
	return wrap("delete saved view", err)
}
