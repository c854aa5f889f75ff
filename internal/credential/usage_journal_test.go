package credential_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestService_Flush_journal has use go through the journal. The process that wrote
// it down ends there, and another one moves it to where it belongs, once.
func TestService_Flush_journal(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c, other := e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID)
	first, err := app.Open(t.Context(), e.App.Config, slog.New(slog.DiscardHandler), e.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := first.Credential
	s.JournalAlways()
	start := e.Clock.Now()
	for range 3 {
		for range 2 {
			issue(t, s, register, c)
		}
		issue(t, s, at(tenant), c)
		issue(t, s, console, other)
		e.Clock.Advance(time.Second)
		s.Flush(t.Context())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	written := len(usages(t, e, c)) + len(usages(t, e, other)) // of the shards that had their turn
	if written == 3 {
		t.Error("all is written at once")
	}

	e.Clock.Advance(time.Hour) // the second process looks into the journal
	for range store.UsageShards {
		e.App.Credential.Flush(t.Context())
	}
	last := start.Add(2 * time.Second)
	want := []store.ClientUsage{
		{Client: c.ID, FirstUsedAt: start, LastUsedAt: last, Tokens: 6},
		{Client: c.ID, Tenant: tenant.ID, FirstUsedAt: start, LastUsedAt: last, Tokens: 3},
		{Client: other.ID, FirstUsedAt: start, LastUsedAt: last, Tokens: 3},
	}
	check := func() {
		t.Helper()
		if diff := cmp.Diff(want, append(usages(t, e, c), usages(t, e, other)...)); diff != "" {
			t.Error(diff)
		}
	}
	check()
	for range store.UsageShards {
		e.App.Credential.Flush(t.Context())
	}
	check()

	var tokens float64
	for _, r := range records(t, e, "oauth-token.issue", c.ID) {
		n, _ := r.Data["tokens"].(float64)
		tokens += n
		if from, _ := r.Data["from"].(string); from != start.Format(time.RFC3339Nano) && written == 0 {
			t.Errorf("a record says that the use began at %q", from)
		}
	}
	if tokens != 9 {
		t.Errorf("the audit trail has %v tokens", tokens)
	}
	var used estate.Client
	err = e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		used, err = tx.Client(t.Context(), estate.Scope{Organization: e.Organization.ID}, c.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if secret := used.Secrets[0]; !secret.FirstUsedAt.Equal(start) || !secret.LastUsedAt.Equal(last) {
		t.Errorf("the secret was used from %v to %v, want %v to %v", secret.FirstUsedAt, secret.LastUsedAt, start, last)
	}
}

// TestService_Flush_journal_wide has the use of many clients in the journal, of all
// groups of shards, beside a row as a program of before wrote them.
func TestService_Flush_journal_wide(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	scope := estate.Scope{Organization: e.Organization.ID}
	var clients []testenv.Credentials
	for range 100 {
		clients = append(clients, e.OrganizationClient(e.Organization.ID))
	}
	region := e.RegionClient(sub, "us")
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.AppendUsageJournal(t.Context(), []store.UsageJournal{{Shard: 77, Entries: fmt.Sprintf(
			`[{"c":%q,"s":{"Organization":%q},"f":1000,"l":2000,"n":7,"v":"organization"}]`, clients[0].ID, scope.Organization)}}, e.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}

	s := e.App.Credential
	s.JournalAlways()
	for range 2 {
		for _, c := range clients {
			issue(t, s, console, c)
		}
		issue(t, s, register, region)
		e.Clock.Advance(time.Second)
		s.Flush(t.Context())
	}
	var rows int
	err = e.App.Store.Handle().QueryRowContext(t.Context(), "select count(*) from usage_journal").Scan(&rows)
	if err != nil || rows > 140 { // two for each of 64 groups, and what has been spread
		t.Errorf("%d rows for the use of %d clients, twice (%v)", rows, len(clients), err)
	}
	for range 2 * store.UsageShards { // a shard can have its turn before the group that it is in
		s.Flush(t.Context())
	}
	for i, c := range clients {
		want := int64(2)
		if i == 0 {
			want += 7
		}
		if all := usages(t, e, c); len(all) != 1 || all[0].Tokens != want {
			t.Errorf("client %d got %+v, want %d tokens", i, all, want)
		}
	}
	if all := usages(t, e, region); len(all) != 1 || all[0].Tokens != 2 {
		t.Errorf("the region client got %+v, want 2 tokens", all)
	}
}
