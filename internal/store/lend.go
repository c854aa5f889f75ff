package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Handle is a connection pool on the database for a library that has tables of
// its own in it. On SQLite it has one connection, which waits its turn to write.
// Close closes it.
func (s *Store) Handle() *sql.DB { return s.engine.handle }

// Pool is the same for a library that wants PostgreSQL's own driver. It is nil on
// SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.engine.pool }

// Lend gives the transaction to a library that wants a *sql.Tx: what fn writes
// commits with the transaction, or not at all. The library may begin savepoints,
// but whether it commits or rolls back is without effect; a failure of fn has to
// fail the transaction. The *sql.Tx is of no use after fn. fn has to use the
// context that it is given: a statement that is interrupted would cost the other
// writes of the batch their transaction.
func (tx *Tx) Lend(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	if !tx.write {
		return errReadTransaction
	}
	ctx = tx.context(ctx)
	if err := tx.lending(ctx); err != nil {
		return err
	}
	return tx.conn.Raw(func(c any) error {
		engine, ok := c.(engineConn)
		if !ok {
			return errors.New("the driver's connection has not the methods that are lent")
		}
		db := sql.OpenDB(lent{engine})
		defer db.Close()
		t, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		err = fn(ctx, t)
		if end := t.Rollback(); !errors.Is(end, sql.ErrTxDone) { // done: the library believes that it has ended it
			err = errors.Join(err, end)
		}
		return err
	})
}

// LendPgx is Lend for a library that wants PostgreSQL's own driver.
func (tx *Tx) LendPgx(ctx context.Context, fn func(context.Context, pgx.Tx) error) error {
	if !tx.write {
		return errReadTransaction
	}
	if err := tx.lending(tx.context(ctx)); err != nil {
		return err
	}
	return tx.conn.Raw(func(c any) error {
		std, ok := c.(*stdlib.Conn)
		if !ok {
			return errors.New("the database is not PostgreSQL")
		}
		return fn(tx.context(ctx), lentPgx{std.Conn()})
	})
}

// lending writes all that waits: the library may look for it.
func (tx *Tx) lending(ctx context.Context) error {
	tx.touched = true
	if err := tx.group.settle(ctx, tx.conn); err != nil {
		return err
	}
	return tx.conn.flush(ctx)
}

type pgxConn = pgx.Conn

// lentPgx is a transaction that has begun already, and ends elsewhere.
type lentPgx struct{ *pgxConn }

// Conn implements pgx.Tx.
func (t lentPgx) Conn() *pgx.Conn { return t.pgxConn }

// Commit implements pgx.Tx.
func (lentPgx) Commit(context.Context) error { return nil }

// Rollback implements pgx.Tx.
func (lentPgx) Rollback(context.Context) error { return nil }

// LargeObjects implements pgx.Tx.
func (lentPgx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Begin implements pgx.Tx.
func (t lentPgx) Begin(ctx context.Context) (pgx.Tx, error) {
	if _, err := t.Exec(ctx, "savepoint lent"); err != nil {
		return nil, err
	}
	return &nestedPgx{lentPgx: t}, nil
}

// nestedPgx is a savepoint in one.
type nestedPgx struct {
	lentPgx

	ended bool
}

// Commit implements pgx.Tx.
func (t *nestedPgx) Commit(ctx context.Context) error { return t.end(ctx, "release savepoint lent") }

// Rollback implements pgx.Tx.
func (t *nestedPgx) Rollback(ctx context.Context) error {
	return t.end(ctx, "rollback to savepoint lent; release savepoint lent")
}

func (t *nestedPgx) end(ctx context.Context, statement string) error {
	if t.ended {
		return pgx.ErrTxClosed
	}
	t.ended = true
	_, err := t.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}

// engineConn is what a connection of the driver can do.
type engineConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// lent is the one connection of a pool that lends a transaction: it has begun
// already, and ends elsewhere.
type lent struct{ engineConn }

// Connect implements driver.Connector.
func (l lent) Connect(context.Context) (driver.Conn, error) { return l, nil }

// Driver implements driver.Connector.
func (l lent) Driver() driver.Driver { return nil }

// Close implements driver.Conn: the connection goes on.
func (lent) Close() error { return nil }

// BeginTx implements driver.ConnBeginTx.
func (l lent) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return begun{}, nil }

// begun is a transaction whose end is none of the borrower's business.
type begun struct{}

// Commit implements driver.Tx.
func (begun) Commit() error { return nil }

// Rollback implements driver.Tx.
func (begun) Rollback() error { return nil }
