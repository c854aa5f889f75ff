package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is that of PostgreSQL's notifications on which processes tell one
// another of changes.
const channel = "freehold_changes"

// notifier makes the statement by which this process tells of changes, and the
// function that hears of those of others, on a connection of its own. A process
// is not told of its own changes. Notifications only make things faster: what is
// lost with a connection, Follow finds.
func notifier(config *pgx.ConnConfig, pooler bool) (notify string, listen func(context.Context, chan<- struct{})) {
	self := rand.Text()
	notify = "select pg_notify('" + channel + "', '" + self + "')"
	if pooler {
		return notify, nil // the connection that listens would be handed to somebody else
	}
	return notify, func(ctx context.Context, told chan<- struct{}) {
		for ctx.Err() == nil {
			_ = hear(ctx, config, self, told) // Follow tells of a database that does not answer
			select {
			case <-ctx.Done():
			case <-time.After(listenPause):
			}
		}
	}
}

// listenPause is how long after the loss of a connection the next is tried.
const listenPause = time.Second

// hear listens until the connection is lost or ctx ends.
func hear(ctx context.Context, config *pgx.ConnConfig, self string, told chan<- struct{}) error {
	c, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenPause)
		defer cancel()
		_ = c.Close(within)
	}()
	if _, err := c.Exec(ctx, "listen "+channel); err != nil {
		return err
	}
	for from := ""; ; {
		if from != self { // at first too: there may have been changes while nobody listened
			select {
			case told <- struct{}{}:
			default: // Follow has not looked since it was told
			}
		}
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		from = n.Payload
	}
}
