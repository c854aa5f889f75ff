package app

import (
	"context"
	"errors"
	"time"
)

// answerTimeout bounds how long readiness and metrics wait for the database: whoever
// asks, a load balancer say, gives up after a second, and would take a node that does
// not answer out, tokens and all.
const answerTimeout = 800 * time.Millisecond

var errNoAnswer = errors.New("the database has not answered in time")

// databaseAnswers tells whether the database answers, within answerTimeout. While
// it does not, one question to it waits, however many ask.
func (a *App) databaseAnswers(ctx context.Context) error {
	return a.ask(ctx, "read", a.Store.Ping)
}

// databaseWrites tells whether what is written to a database that answers becomes
// durable, as databaseAnswers does.
func (a *App) databaseWrites(ctx context.Context) error {
	return a.ask(ctx, "write", func(ctx context.Context) error { return a.Store.Writable(ctx, a.now()) })
}

func (a *App) ask(ctx context.Context, what string, question func(context.Context) error) error {
	answer := a.asking.DoChan(what, func() (any, error) { return nil, question(context.WithoutCancel(ctx)) })
	enough := time.NewTimer(answerTimeout)
	defer enough.Stop()
	select {
	case result := <-answer:
		return result.Err
	case <-enough.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	}
}
