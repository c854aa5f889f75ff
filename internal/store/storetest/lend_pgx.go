package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// testLendPgx lends a transaction in PostgreSQL's own form, with the promises of
// testLend; other engines have none to lend.
func testLendPgx(t *testing.T, db Database) {
	insert := func(ctx context.Context, in pgx.Tx, name string) {
		if _, err := in.Exec(ctx, "insert into river_queue (name) values ($1)", name); err != nil {
			t.Errorf("insert %s: %v", name, err)
		}
	}
	queue := func(name string, use func(context.Context, pgx.Tx) error) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: estate.OrganizationID(name), CreatedAt: moment(1), UpdatedAt: moment(1)}); err != nil {
				return err
			}
			return tx.LendPgx(t.Context(), func(ctx context.Context, lent pgx.Tx) error {
				insert(ctx, lent, name)
				var n int
				if err := lent.QueryRow(ctx, "select count(*) from organizations where id = $1", name).Scan(&n); err != nil || n != 1 {
					t.Errorf("the library sees %d rows of its transaction (%v)", n, err)
				}
				return use(ctx, lent)
			})
		}
	}
	nothing := func(context.Context, pgx.Tx) error { return nil }
	wantDefect(t, readError(t, db, func(tx *store.Tx) (bool, error) { return false, tx.LendPgx(t.Context(), nothing) }))
	if db.Store.Pool() == nil {
		wantDefect(t, refused(t, db, queue("none", nothing)))
		return
	}

	changeMind(t, db, queue("lost", nothing))
	changeMind(t, db, queue("lost", func(ctx context.Context, lent pgx.Tx) error { return lent.Commit(ctx) }))
	if err := refused(t, db, queue("lost", func(context.Context, pgx.Tx) error { return errChanged })); !errors.Is(err, errChanged) {
		t.Errorf("error %v, want %v", err, errChanged)
	}
	write(t, db, queue("kept", func(ctx context.Context, lent pgx.Tx) error {
		for name, keep := range map[string]bool{"inside": true, "undone": false} {
			nested, err := lent.Begin(ctx)
			if err != nil {
				return err
			}
			insert(ctx, nested, name)
			end := nested.Rollback
			if keep {
				end = nested.Commit
			}
			if err := end(ctx); err != nil {
				return err
			}
			if err := nested.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) {
				t.Errorf("the end of what has ended: %v", err)
			}
		}
		return lent.Rollback(ctx) // is without effect
	}))
	if _, err := db.Store.Pool().Exec(t.Context(), "insert into river_queue (name) values ('beside')"); err != nil {
		t.Error(err)
	}
	equal(t, "rows", column(t, db, "select name from river_queue order by name"), []string{"beside", "inside", "kept"})
	equal(t, "organizations", column(t, db, "select id from organizations"), []string{"kept"})
}
