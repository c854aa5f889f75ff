package job

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/freehold-platform/freehold/internal/store"
)

// client is River's on either engine.
type client interface {
	Start(context.Context) error
	Stopped() <-chan struct{}
	ID() string
	executor() riverdriver.Executor

	// enqueue inserts a job with the transaction.
	enqueue(context.Context, *store.Tx, args, *river.InsertOpts) error
}

// clientOn is River's client on the engine whose driver has transactions of type T.
type clientOn[T any] struct {
	*river.Client[T]

	driver riverdriver.Driver[T]
	lend   func(*store.Tx, context.Context, func(context.Context, T) error) error
}

// newClient makes the client for the engine of db.
func newClient(db *store.Store, config *river.Config) (client, error) {
	if pool := db.Pool(); pool != nil {
		return newClientOn[pgx.Tx](riverpgxv5.New(pool), config, (*store.Tx).LendPgx)
	}
	return newClientOn[*sql.Tx](riversqlite.New(db.Handle()), config, (*store.Tx).Lend)
}

func newClientOn[T any](driver riverdriver.Driver[T], config *river.Config, lend func(*store.Tx, context.Context, func(context.Context, T) error) error) (client, error) {
	c, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return clientOn[T]{Client: c, driver: driver, lend: lend}, nil
}

func (c clientOn[T]) executor() riverdriver.Executor { return c.driver.GetExecutor() }

func (c clientOn[T]) enqueue(ctx context.Context, tx *store.Tx, a args, opts *river.InsertOpts) error {
	return c.lend(tx, ctx, func(ctx context.Context, t T) error {
		_, err := c.InsertTx(ctx, t, a, opts)
		return err
	})
}
