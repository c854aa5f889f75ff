package store

import (
	"context"
	"time"
)

// Form is a form of a page that was sent.
type Form struct {
	BegunAt time.Time // being handled
	Result  []byte    // what came of it, sealed; nil: nothing yet
}

// BeginForm notes that the form with the nonce is being handled from now on, until
// expires at the latest. It returns false if it was before: of two that send the same
// form one is first, whichever processes they reach.
func (tx *Tx) BeginForm(ctx context.Context, nonce string, now, expires time.Time) (first bool, err error) {
	n, err := tx.exec(ctx, "insert into forms (nonce, begun_at, expires_at, result) values ($1, $2, $3, null) on conflict (nonce) do nothing", nonce, micros(now), micros(expires))
	return n == 1, wrap("begin form", err)
}

// Form returns the form with the nonce.
func (tx *Tx) Form(ctx context.Context, nonce string) (f Form, err error) {
	var begun int64
	err = tx.row(ctx, "select begun_at, result from forms where nonce = $1", nonce).Scan(&begun, &f.Result)
	f.BegunAt = fromMicros(begun)
	return f, wrap("select form", orNotFound(err, errFormNotFound))
}

// EndForm keeps what came of the form with the nonce or, if nothing did, makes as if
// it had never been sent.
func (tx *Tx) EndForm(ctx context.Context, nonce string, result []byte) error {
	if result == nil {
		_, err := tx.exec(ctx, "delete from forms where nonce = $1", nonce)
		return wrap("forget form", err)
	}
	_, err := tx.exec(ctx, "update forms set result = $1 where nonce = $2", result, nonce)
	return wrap("end form", err)
}

// trimForms deletes the forms that nobody can send any more.
func (tx *Tx) trimForms(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from forms where expires_at < $1", micros(now))
	return wrap("trim forms", err)
}
