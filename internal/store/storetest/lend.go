package storetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// testLend lends a transaction to a library: what that writes belongs to the
// transaction, whatever the library believes to have committed.
func testLend(t *testing.T, db Database) {
	queue := func(name string, end func(*sql.Tx) error) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: estate.OrganizationID(name), CreatedAt: moment(1), UpdatedAt: moment(1)}); err != nil {
				return err
			}
			return tx.Lend(t.Context(), func(ctx context.Context, lent *sql.Tx) error {
				if _, err := lent.ExecContext(ctx, "insert into river_queue (name) values ($1)", name); err != nil {
					return err
				}
				var n int
				if err := lent.QueryRowContext(ctx, "select count(*) from organizations where id = $1", name).Scan(&n); err != nil || n != 1 {
					t.Errorf("the library sees %d rows of its transaction (%v)", n, err)
				}
				return end(lent)
			})
		}
	}
	nothing := func(*sql.Tx) error { return nil }
	changeMind(t, db, queue("lost", nothing))
	changeMind(t, db, queue("lost", func(lent *sql.Tx) error { return lent.Commit() }))
	if err := refused(t, db, queue("lost", func(*sql.Tx) error { return errChanged })); !errors.Is(err, errChanged) {
		t.Errorf("error %v, want %v", err, errChanged)
	}
	write(t, db, queue("kept", nothing))
	equal(t, "rows", column(t, db, "select name from river_queue"), []string{"kept"})
	equal(t, "organizations", column(t, db, "select id from organizations"), []string{"kept"})

	wantDefect(t, readError(t, db, func(tx *store.Tx) (bool, error) {
		return false, tx.Lend(t.Context(), func(context.Context, *sql.Tx) error { return nil })
	}))

	if _, err := db.Store.Handle().ExecContext(t.Context(), "insert into river_queue (name) values ('beside')"); err != nil {
		t.Error(err)
	}
	equal(t, "rows", column(t, db, "select name from river_queue order by name"), []string{"beside", "kept"})
}
