// Package form remembers in the database which forms of pages were sent and what
// came of them, so that each does one thing once, whichever process it reaches.
package form

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Forms is safe for concurrent use.
type Forms struct {
	store *store.Store
	now   func() time.Time
}

// New makes a Forms.
func New(db *store.Store, now func() time.Time) *Forms { return &Forms{db, now} }

// Begin notes that the form with the nonce is being handled, until expires at the
// latest. It returns false if it was before.
func (f *Forms) Begin(ctx context.Context, nonce string, expires time.Time) (first bool, err error) {
	err = f.store.Write(ctx, func(tx *store.Tx) error {
		first, err = tx.BeginForm(ctx, nonce, f.now(), expires)
		return err
	})
	return first, err
}

// Outcome is what End was told of a form that was begun, and when that was; nil:
// nothing yet. Not found: the form was never begun, or nothing came of it.
func (f *Forms) Outcome(ctx context.Context, nonce string) (outcome []byte, begun time.Time, found bool, err error) {
	var form store.Form
	err = f.store.Read(ctx, func(tx *store.Tx) error {
		form, err = tx.Form(ctx, nonce)
		return err
	})
	if estate.HasKind(err, estate.NotFound) {
		return nil, begun, false, nil
	}
	return form.Result, form.BegunAt, err == nil, err
}

// End keeps what came of a form; nil: nothing, so that it may be sent again.
func (f *Forms) End(ctx context.Context, nonce string, outcome []byte) error {
	return f.store.Write(ctx, func(tx *store.Tx) error { return tx.EndForm(ctx, nonce, outcome) })
}
