package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// Handle is a connection pool on the database for a library that has tables of
// its own in it. It has one connection, which waits its turn to write. Close
// closes it.
func (s *Store) Handle() *sql.DB { return s.engine.handle }

// Lend gives the transaction to a library that wants a *sql.Tx: what fn writes
// commits with the transaction, or not at all. The library may begin savepoints,
// but whether it commits or rolls back is without effect; a failure of fn has to
// fail the transaction. The *sql.Tx is of no use after fn.
func (tx *Tx) Lend(ctx context.Context, fn func(*sql.Tx) error) error {
	if !tx.write {
		return errReadTransaction
	}
	ctx = context.WithoutCancel(ctx)
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
		err = fn(t)
		if end := t.Rollback(); !errors.Is(end, sql.ErrTxDone) { // done: the library believes that it has ended it
			err = errors.Join(err, end)
		}
		return err
	})
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
