// Package event records what happens in the estate: one record for every change,
// in the transaction of the change, and one for every refused attempt. What was
// done is an event at the same time, in a log that consumers follow.
package event

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Auditor writes audit records.
type Auditor struct {
	Store *store.Store
	Log   *slog.Logger
	Now   func() time.Time
}

// Done records a change, which is an event at the same time: of the type that
// the table of kinds has for the action, with the keys KeyEvent and KeyUpdates of
// data. It belongs into the transaction of the change.
func (a Auditor) Done(ctx context.Context, tx *store.Tx, actor estate.Actor, scope estate.Scope, action, target string, data map[string]any) error {
	_, err := a.Record(ctx, tx, actor, scope, action, target, data)
	return err
}

// Record is Done for who needs the event: it returns it as it is in the log, but for
// its place there.
func (a Auditor) Record(ctx context.Context, tx *store.Tx, actor estate.Actor, scope estate.Scope, action, target string, data map[string]any) (estate.AuditRecord, error) {
	return a.append(ctx, tx, estate.AuditRecord{
		Time: a.Now(), Scope: scope, Actor: actor, Action: action, Target: target, Outcome: estate.OutcomeDone, Data: data,
	})
}

// Refused records an attempt that *err refused, if it did, in the scope of the
// actor. It is meant to be deferred. Requests that are merely wrong are not
// attempts; nor is anything of an actor that is nobody.
func (a Auditor) Refused(ctx context.Context, actor estate.Actor, action, target string, err *error) {
	var refusal *estate.Error
	if !errors.As(*err, &refusal) || refusal.Kind != estate.Forbidden || actor.Scope.Organization == "" {
		return
	}
	record := estate.AuditRecord{
		Time: a.Now(), Scope: actor.Scope, Actor: actor, Action: action, Target: target, Outcome: estate.OutcomeRefused,
		Data: map[string]any{"code": refusal.Code, "reason": refusal.Detail},
	}
	ctx = context.WithoutCancel(ctx) // the caller may be gone; the record must not be
	if failed := a.Store.Write(ctx, func(tx *store.Tx) error { return a.Append(ctx, tx, record) }); failed != nil {
		a.Log.ErrorContext(ctx, "audit record lost", "action", action, "actor", actor.ID, "error", failed)
	}
}

// Append is Done or Refused for a record that neither can make: it adds the id,
// and type and source of the event. An attempt that was refused is no event, but
// its record has a type to be found by.
func (a Auditor) Append(ctx context.Context, tx *store.Tx, r estate.AuditRecord) error {
	_, err := a.append(ctx, tx, r)
	return err
}

func (a Auditor) append(ctx context.Context, tx *store.Tx, r estate.AuditRecord) (estate.AuditRecord, error) {
	k := kindOf(r.Action)
	r.ID, r.Type, r.Source = estate.NewAuditID(r.Time), k.eventType, k.source
	if r.Outcome != estate.OutcomeDone {
		r.Type += ".refused"
	}
	return r, tx.AppendAudit(ctx, r)
}
