package credential_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func usages(t *testing.T, e *testenv.Env, c testenv.Credentials) (all []store.ClientUsage) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.ClientUsages(t.Context(), estate.Scope{Organization: e.Organization.ID}, c.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestService_Flush counts the tokens of a client at two hosts, twice.
func TestService_Flush(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Credential
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	start := e.Clock.Now()
	for range 3 {
		issue(t, s, register, c)
		e.Clock.Advance(time.Second)
	}
	issue(t, s, at(tenant), c)
	if have := usages(t, e, c); len(have) != 0 {
		t.Errorf("written before it is due: %+v", have)
	}
	s.Flush(t.Context())
	want := []store.ClientUsage{
		{Client: c.ID, FirstUsedAt: start, LastUsedAt: start.Add(2 * time.Second), Tokens: 3},
		{Client: c.ID, Tenant: tenant.ID, FirstUsedAt: start.Add(3 * time.Second), LastUsedAt: start.Add(3 * time.Second), Tokens: 1},
	}
	if diff := cmp.Diff(want, usages(t, e, c)); diff != "" {
		t.Error(diff)
	}

	e.Clock.Advance(time.Hour)
	s.Flush(t.Context()) // nothing to write
	for range 4 {
		issue(t, s, register, c)
	}
	s.Flush(t.Context())
	s.Flush(t.Context())
	want[0].Tokens, want[0].LastUsedAt = 7, e.Clock.Now()
	if diff := cmp.Diff(want, usages(t, e, c)); diff != "" {
		t.Errorf("the second time: %s", diff)
	}

	type summary struct {
		Scope  estate.Scope
		Target string
		Tokens any
		At     time.Time
	}
	var have []summary
	for _, r := range records(t, e, "oauth-token.issue", c.ID) {
		have = append(have, summary{r.Scope, r.Target, r.Data["tokens"], r.Time})
	}
	inRegion := estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID, Region: "us"}
	slices.SortStableFunc(have, func(a, b summary) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(have[:min(2, len(have))], func(a, b summary) int { return strings.Compare(string(a.Scope.Tenant), string(b.Scope.Tenant)) })
	if diff := cmp.Diff([]summary{
		{inRegion, string(c.ID), 3.0, start.Add(3 * time.Second)}, {tenant.Scope(), string(c.ID), 1.0, start.Add(3 * time.Second)}, {inRegion, string(c.ID), 4.0, e.Clock.Now()},
	}, have); diff != "" {
		t.Errorf("records: %s", diff)
	}
}

// TestService_FlushAtOnce issues tokens while they are being written.
func TestService_FlushAtOnce(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Credential
	c := e.OrganizationClient(e.Organization.ID)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := s.IssueToken(t.Context(), console, request(c)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() { s.Flush(t.Context()) })
	}
	wg.Wait()
	s.Flush(t.Context())
	if have := usages(t, e, c); len(have) != 1 || have[0].Tokens != 400 {
		t.Errorf("%+v, want 400 tokens", have)
	}
}

// TestService_Run writes what is left when it is stopped.
func TestService_Run(t *testing.T) {
	e := testenv.Open(t)
	c := e.OrganizationClient(e.Organization.ID)
	issue(t, e.App.Credential, console, c)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	e.App.Credential.Run(ctx)
	if have := usages(t, e, c); len(have) != 1 || have[0].Tokens != 1 {
		t.Errorf("%+v", have)
	}
}

// TestService_FlushFails says in the log what was lost.
func TestService_FlushFails(t *testing.T) {
	e := testenv.Open(t)
	c := e.OrganizationClient(e.Organization.ID)
	var log bytes.Buffer
	a, err := app.Open(t.Context(), e.App.Config, slog.New(slog.NewTextHandler(&log, nil)), e.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	issue(t, a.Credential, console, c)
	issue(t, a.Credential, console, c)
	e.Exec("alter table client_usage rename to gone")
	a.Credential.Flush(t.Context())
	for _, part := range []string{"level=ERROR", "clients=1", "tokens=2"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log says nothing of %s: %s", part, log.String())
		}
	}
	if found := records(t, e, "oauth-token.issue", c.ID); len(found) != 0 {
		t.Errorf("a part was written: %+v", found)
	}
}
