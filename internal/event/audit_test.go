package event_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// auditor writes into the store of e, and its complaints into log.
func auditor(e *testenv.Env, log *bytes.Buffer) event.Auditor {
	return event.Auditor{Store: e.App.Store, Log: slog.New(slog.NewTextHandler(log, nil)), Now: e.Clock.Now}
}

// records are those of the actions that the test itself made.
func records(t *testing.T, e *testenv.Env, scope estate.Scope) (found []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), scope, 100)
		for _, r := range all {
			if strings.HasPrefix(r.Action, "test.") {
				wantType := "com.freehold." + r.Action
				if r.Outcome == estate.OutcomeRefused {
					wantType += ".refused"
				}
				if len(r.ID) != 32 || r.Position < 1 || len(r.Hash) != 64 || r.Type != wantType || r.Source != "com.freehold/test" {
					t.Errorf("%+v", r)
				}
				r.ID, r.Position, r.Hash, r.Type, r.Source = "", 0, "", "", ""
				found = append(found, r)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAuditor_Done(t *testing.T) {
	e := testenv.Open(t)
	var log bytes.Buffer
	a := auditor(e, &log)
	scope := estate.Scope{Organization: e.Organization.ID, Subscription: "s", Region: "us", Tenant: "t"}
	actor := estate.Actor{Kind: estate.ActorClient, ID: "client", Level: estate.LevelRegion, TraceID: "trace"}
	write := func(data map[string]any, fail error) error {
		return e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
			if err := a.Done(t.Context(), tx, actor, scope, "test.done", "target", data); err != nil {
				return err
			}
			return fail
		})
	}
	if err := write(map[string]any{"name": "Acmé <1>"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := write(nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := write(nil, errors.New("changed its mind")); err == nil {
		t.Fatal("the transaction went through")
	}
	stored := actor
	stored.Level = "" // known from the actor's id
	want := estate.AuditRecord{Time: e.Clock.Now(), Scope: scope, Actor: stored, Action: "test.done", Target: "target", Outcome: estate.OutcomeDone}
	with := want
	with.Data = map[string]any{"name": "Acmé <1>"}
	if have := records(t, e, estate.Scope{Organization: e.Organization.ID}); !reflect.DeepEqual(have, []estate.AuditRecord{want, with}) {
		t.Errorf("%+v\nwant %+v", have, []estate.AuditRecord{want, with})
	}
	for name, scope := range map[string]estate.Scope{"other tenant": {Organization: e.Organization.ID, Tenant: "x"}, "other organization": {Organization: "x"}, "none": {}} {
		if have := records(t, e, scope); len(have) != 0 {
			t.Errorf("%s sees %+v", name, have)
		}
	}
}

// TestAuditor_Refused records refusals, and nothing else.
func TestAuditor_Refused(t *testing.T) {
	e := testenv.Open(t)
	var log bytes.Buffer
	a := auditor(e, &log)
	actor := estate.Actor{Kind: estate.ActorClient, ID: "client", Scope: estate.Scope{Organization: e.Organization.ID}, TraceID: "trace"}
	forbidden := estate.E(estate.Forbidden, "TENANTS-22", "License quota limit reached", "No place.").Because(errors.New("for the log only"))
	attempt := func(ctx context.Context, actor estate.Actor, action string, outcome error) (err error) {
		defer a.Refused(ctx, actor, action, "target", &err)
		return outcome
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, try := range []struct {
		ctx    context.Context
		actor  estate.Actor
		action string
		err    error
	}{
		{t.Context(), actor, "test.refused", forbidden},
		{gone, actor, "test.wrapped", fmt.Errorf("create: %w", forbidden)}, // by a caller that did not wait
		{t.Context(), actor, "test.done", nil},
		{t.Context(), actor, "test.wrong", estate.E(estate.Invalid, "X-1", "Invalid", "")},
		{t.Context(), actor, "test.missing", estate.E(estate.NotFound, "X-1", "Not found", "")},
		{t.Context(), actor, "test.broken", errors.New("disk full")},
		{t.Context(), estate.Actor{}, "test.nobody", forbidden},
	} {
		if err := attempt(try.ctx, try.actor, try.action, try.err); !errors.Is(err, try.err) {
			t.Errorf("%s: the error became %v", try.action, err)
		}
	}
	want := estate.AuditRecord{
		Time: e.Clock.Now(), Scope: actor.Scope, Actor: estate.Actor{Kind: actor.Kind, ID: actor.ID, TraceID: actor.TraceID}, Target: "target",
		Outcome: estate.OutcomeRefused, Data: map[string]any{"code": "TENANTS-22", "reason": "No place."},
	}
	refused, wrapped := want, want
	refused.Action, wrapped.Action = "test.refused", "test.wrapped"
	if have := records(t, e, actor.Scope); !reflect.DeepEqual(have, []estate.AuditRecord{wrapped, refused}) {
		t.Errorf("%+v\nwant %+v", have, []estate.AuditRecord{wrapped, refused})
	}
	if log.Len() != 0 {
		t.Errorf("log: %s", log.String())
	}
}

// TestAuditor_RefusedWithoutATable still gives the caller the refusal, and tells
// the operator that a record is lost.
func TestAuditor_RefusedWithoutATable(t *testing.T) {
	e := testenv.Open(t)
	e.Exec("drop table audit_records")
	var log bytes.Buffer
	a := auditor(e, &log)
	refusal := error(estate.E(estate.Forbidden, "X-1", "Forbidden", ""))
	err := refusal
	a.Refused(t.Context(), estate.Actor{ID: "client", Scope: estate.Scope{Organization: e.Organization.ID}}, "test.refused", "", &err)
	if !errors.Is(err, refusal) {
		t.Errorf("the error became %v", err)
	}
	for _, part := range []string{"level=ERROR", "audit record lost", "action=test.refused", "actor=client", "audit_records"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log says nothing of %q: %s", part, log.String())
		}
	}
}

// allRecords are the newest records in a scope.
func allRecords(t *testing.T, e *testenv.Env, scope estate.Scope) (all []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.AuditRecords(t.Context(), scope, 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
