package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// auditRecord is a record as it is appended.
func auditRecord(scope estate.Scope, at int, name string) estate.AuditRecord {
	return estate.AuditRecord{
		ID: estate.AuditID("id of " + name), Time: moment(at), Scope: scope,
		Actor:  estate.Actor{Kind: estate.ActorClient, ID: "somebody", User: "a user", TraceID: "0123"}, // of an actor, a record keeps who it was
		Action: name, Type: "type of " + name, Source: "source", Target: "something", Outcome: estate.OutcomeRefused,
		Data: map[string]any{"text": "a <b> & \"c\"", "number": 1.5, "list": []any{"x", nil, true}, "": map[string]any{"y": "z"}},
	}
}

func appendAudit(t *testing.T, db Database, records ...estate.AuditRecord) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, r := range records {
			if err := tx.AppendAudit(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	})
}

// actions names records, and checks that they are stored with a place in a chain.
func actions(t *testing.T, records []estate.AuditRecord) (names []string) {
	t.Helper()
	for _, r := range records {
		if r.Position < 1 || len(r.Hash) != 64 {
			t.Errorf("record %s has position %d and hash %q", r.Action, r.Position, r.Hash)
		}
		names = append(names, r.Action)
	}
	return names
}

func testAudit(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1).Scope()
	region := home
	region.Tenant = ""
	records := func(scope estate.Scope, limit int) []string {
		return actions(t, read(t, db, func(tx *store.Tx) ([]estate.AuditRecord, error) { return tx.AuditRecords(t.Context(), scope, limit) }))
	}
	equal(t, "no records", records(all(s.acme), 10), nil)
	oldest, second, third := complete(t, auditRecord(home, 5, "first"), "Position", "Hash"), auditRecord(region, 6, "second"), auditRecord(home, 6, "third")
	second.Data, third.Data, third.Source, second.Actor.User = nil, nil, "another source", "another"
	highest, foreign := auditRecord(all(s.acme), 1, "highest"), auditRecord(all(s.other), 9, "foreign")
	appendAudit(t, db, oldest, second, third, highest, foreign)
	equal(t, "records", records(all(s.acme), 10), []string{"third", "second", "first", "highest"})
	equal(t, "newest records", records(all(s.acme), 2), []string{"third", "second"})
	equal(t, "records of the region", records(region, 10), []string{"third", "second", "first"})
	equal(t, "records of the tenant", records(home, 10), []string{"third", "first"})
	equal(t, "records of the other", records(all(s.other), 10), []string{"foreign"})

	got := read(t, db, func(tx *store.Tx) (estate.AuditRecord, error) { return tx.AuditRecord(t.Context(), home, oldest.ID) })
	if got.Position != 1 || len(got.Hash) != 64 {
		t.Errorf("position %d, hash %q", got.Position, got.Hash)
	}
	got.Position, got.Hash = 0, ""
	equal(t, "record", got, oldest)
	wantError(t, readError(t, db, func(tx *store.Tx) (estate.AuditRecord, error) { return tx.AuditRecord(t.Context(), home, second.ID) }), estate.NotFound, "AUDITS-1")
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.AppendAudit(t.Context(), oldest) }))

	testAuditPages(t, db, s)

	for i := range store.MaxPage + 1 {
		r := auditRecord(all(s.other), 10, "many")
		r.ID = estate.AuditID(fmt.Sprint(i))
		appendAudit(t, db, r)
	}
	for limit, want := range map[int]int{-1000: 0, -1: 0, 0: 0, 1: 1, store.MaxPage: store.MaxPage, store.MaxPage + 1: store.MaxPage} {
		if got := records(all(s.other), limit); len(got) != want {
			t.Errorf("limit %d: %d records, want %d", limit, len(got), want)
		}
	}
}

// testAuditPages pages through what testAudit has written, there and back.
func testAuditPages(t *testing.T, db Database, s sample) {
	t.Helper()
	page := func(q store.AuditQuery) (names []string, ends store.AuditEnds) {
		q.Limit = max(q.Limit, 1)
		write(t, db, func(tx *store.Tx) error { // a transaction like any other
			records, around, err := tx.AuditPage(t.Context(), all(s.acme), q)
			names, ends = actions(t, records), around
			return err
		})
		return names, ends
	}
	newest := []string{"third", "second", "first", "highest"}
	oldest := []string{"highest", "first", "second", "third"}
	for name, c := range map[string]struct {
		query store.AuditQuery
		want  []string
	}{
		"newest":      {store.AuditQuery{}, newest},
		"by time":     {store.AuditQuery{Sort: store.SortByTime}, oldest},
		"by time -":   {store.AuditQuery{Sort: store.SortByTime, Descending: true}, newest},
		"by type":     {store.AuditQuery{Sort: store.SortByType}, []string{"first", "highest", "second", "third"}},
		"by type -":   {store.AuditQuery{Sort: store.SortByType, Descending: true}, []string{"third", "second", "highest", "first"}},
		"by source":   {store.AuditQuery{Sort: store.SortBySource}, []string{"third", "highest", "first", "second"}},
		"by source -": {store.AuditQuery{Sort: store.SortBySource, Descending: true}, []string{"second", "first", "highest", "third"}},
		"from":        {store.AuditQuery{From: moment(5)}, []string{"third", "second", "first"}},
		"until":       {store.AuditQuery{Until: moment(6)}, []string{"first", "highest"}},
		"type":        {store.AuditQuery{Types: []string{"type of first"}}, []string{"first"}},
		"types":       {store.AuditQuery{Types: []string{"type of first", "type of third"}}, []string{"third", "first"}},
		"source":      {store.AuditQuery{Sources: []string{"source"}}, []string{"second", "first", "highest"}},
		"user":        {store.AuditQuery{Users: []estate.UserID{"another"}}, []string{"second"}},
		"ids":         {store.AuditQuery{IDs: []estate.AuditID{"id of second", "id of foreign"}}, []string{"second"}},
	} {
		for _, limit := range []int{1, 2, 3, 4, 5} {
			q := c.query
			q.Limit = limit
			var forth, back []string
			var last []string
			names, ends := page(q)
			for {
				forth, last = append(forth, names...), names
				if ends.Next == nil {
					break
				}
				q.After = ends.Next
				names, ends = page(q)
			}
			equal(t, fmt.Sprintf("%s, %d at a time", name, limit), forth, c.want)
			back = slices.Clone(last)
			for ends.Previous != nil {
				q.After, q.Backward = ends.Previous, true
				names, ends = page(q)
				back = append(slices.Clone(names), back...)
			}
			equal(t, fmt.Sprintf("%s backward, %d at a time", name, limit), back, c.want)
		}
	}
	write(t, db, func(tx *store.Tx) error {
		types, sources, err := tx.AuditNames(t.Context(), all(s.acme))
		equal(t, "types", types, []string{"type of first", "type of highest", "type of second", "type of third"})
		equal(t, "sources", sources, []string{"another source", "source"})
		return err
	})
}

// testAuditChain checks the hashes against the records, each chain for itself.
func testAuditChain(t *testing.T, db Database) {
	s := newSample(t, db)
	unchained := func() []estate.OrganizationID {
		return read(t, db, func(tx *store.Tx) ([]estate.OrganizationID, error) { return tx.Unchained(t.Context()) })
	}
	equal(t, "without a chain at first", unchained(), []estate.OrganizationID{s.acme.ID, s.other.ID})
	home := tenant(s.sub, europe, 1).Scope()
	appendAudit(t, db, auditRecord(home, 1, "a"), auditRecord(all(s.other), 2, "x"), auditRecord(all(s.acme), 3, "b"), auditRecord(estate.Scope{}, 4, "own"))
	changeMind(t, db, func(tx *store.Tx) error { return tx.AppendAudit(t.Context(), auditRecord(home, 4, "lost")) })
	third := auditRecord(home, 5, "c")
	third.Data = nil
	appendAudit(t, db, third)

	heads := map[estate.OrganizationID]store.ChainHead{}
	for _, h := range read(t, db, func(tx *store.Tx) ([]store.ChainHead, error) { return tx.ChainHeads(t.Context()) }) {
		heads[h.Organization] = h
	}
	check := func(organization estate.OrganizationID, chain []store.ChainLink, want ...string) {
		t.Helper()
		var names []string
		previous := ""
		for i, link := range chain {
			names = append(names, link.Record.Action)
			if link.Record.Position != int64(i+1) || link.Record.Hash != link.Record.ChainHash(previous, link.Data) {
				t.Errorf("%s: link %d does not follow the one before: %+v", organization, i, link)
			}
			previous = link.Record.Hash
		}
		equal(t, "chain", names, want)
		equal(t, "head", heads[organization], store.ChainHead{Organization: organization, Position: int64(len(want)), Hash: previous})
	}
	chain := func(scope estate.Scope, after int64, limit int) []store.ChainLink {
		return read(t, db, func(tx *store.Tx) ([]store.ChainLink, error) { return tx.AuditChain(t.Context(), scope, after, limit) })
	}
	check(s.acme.ID, chain(all(s.acme), 0, 10), "a", "b", "c")
	check(s.other.ID, chain(all(s.other), 0, 10), "x")
	check("", read(t, db, func(tx *store.Tx) ([]store.ChainLink, error) { return tx.OwnAuditChain(t.Context(), 0, 10) }), "own")
	if got := chain(all(s.acme), 1, 1); len(got) != 1 || got[0].Record.Action != "b" || !strings.Contains(got[0].Data, `"number":1.5`) {
		t.Errorf("after the first: %+v", got)
	}

	counts := func(call func(tx *store.Tx) (int64, int64, error)) [2]int64 {
		return read(t, db, func(tx *store.Tx) (n [2]int64, err error) {
			n[0], n[1], err = call(tx)
			return n, err
		})
	}
	countsOf := func(scope estate.Scope) [2]int64 {
		return counts(func(tx *store.Tx) (int64, int64, error) { return tx.AuditCounts(t.Context(), scope) })
	}
	equal(t, "without a chain", unchained(), nil)
	equal(t, "counts", countsOf(all(s.acme)), [2]int64{3, 3})
	equal(t, "counts of a part", countsOf(home), [2]int64{})
	equal(t, "counts of its own", counts(func(tx *store.Tx) (int64, int64, error) { return tx.OwnAuditCounts(t.Context()) }), [2]int64{1, 1})
	for _, organization := range []estate.OrganizationID{s.acme.ID, "unheard"} { // records that nobody has appended
		_, err := db.SQL.ExecContext(t.Context(), `insert into audit_records (organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, action, target, outcome, data, trace_id)
			values ($1, '', '', '', 1, '', '', 'forged', '', 'done', '{}', '')`, string(organization))
		if err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "counts with another record", countsOf(all(s.acme)), [2]int64{4, 3})
	equal(t, "without a chain at last", unchained(), []estate.OrganizationID{"unheard"})
}

func testEventCursor(t *testing.T, db Database) {
	s := newSample(t, db)
	cursor := func(scope estate.Scope, consumer string) [2]int64 {
		return read(t, db, func(tx *store.Tx) (c [2]int64, err error) {
			c[0], c[1], err = tx.EventCursor(t.Context(), scope, consumer)
			return c, err
		})
	}
	behind := func(consumer string, after estate.OrganizationID, limit int) (all []estate.OrganizationID) {
		for _, head := range read(t, db, func(tx *store.Tx) ([]store.ChainHead, error) {
			return tx.ChainsBehind(t.Context(), consumer, after, limit)
		}) {
			equal(t, "head of the chain behind", head.Position, cursor(estate.Scope{Organization: head.Organization}, consumer)[1])
			all = append(all, head.Organization)
		}
		return all
	}
	move := func(consumer string, from, to int64) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.SetEventCursor(t.Context(), all(s.acme), consumer, from, to) }
	}
	equal(t, "cursor without events", cursor(all(s.acme), "one"), [2]int64{})
	equal(t, "behind without events", behind("one", "", 10), nil)
	appendAudit(t, db, auditRecord(all(s.acme), 1, "a"), auditRecord(all(s.acme), 1, "b"), auditRecord(all(s.other), 1, "c"), auditRecord(estate.Scope{}, 1, "own"))
	equal(t, "cursor at the start", cursor(all(s.acme), "one"), [2]int64{0, 2})
	equal(t, "behind at the start", behind("one", "", 10), []estate.OrganizationID{s.acme.ID, s.other.ID})
	equal(t, "behind, the first", behind("one", "", 1), []estate.OrganizationID{s.acme.ID})
	equal(t, "behind, the second", behind("one", s.acme.ID, 1), []estate.OrganizationID{s.other.ID})
	write(t, db, move("one", 0, 1))
	wantDefect(t, refused(t, db, move("one", 0, 2)))
	equal(t, "cursor", cursor(all(s.acme), "one"), [2]int64{1, 2})
	equal(t, "cursor of another", cursor(all(s.acme), "two"), [2]int64{0, 2})
	write(t, db, move("one", 1, 2))
	wantDefect(t, refused(t, db, move("one", 1, 2)))
	equal(t, "behind at the end", behind("one", "", 10), []estate.OrganizationID{s.other.ID})
	appendAudit(t, db, auditRecord(all(s.acme), 1, "d"))
	equal(t, "behind again", behind("one", "", 10), []estate.OrganizationID{s.acme.ID, s.other.ID})
}

func recordRows(w world) []row {
	return rowsOf(w.records, func(r estate.AuditRecord) row { return row{owner: r.Scope, key: "id of " + r.Target, id: r.Target} })
}

func targets(records []estate.AuditRecord, err error) ([]string, error) {
	return ids(records, err, func(r estate.AuditRecord) string { return r.Target })
}

// chainRows are the chains of the organizations.
func chainRows(w world) []row {
	return rowsOf(w.organizations, func(o estate.Organization) row { return row{owner: all(o), key: "consumer", id: string(o.ID)} })
}

// isOrganization: a chain is that of a whole organization.
func isOrganization(scope estate.Scope, r row) bool { return scope == r.owner }

// eventReads are the cases of methods around events that read.
var eventReads = map[string]readCase{
	"AuditRecords": {rows: recordRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return targets(tx.AuditRecords(ctx, scope, store.MaxPage))
	}},
	"AuditPage": {rows: recordRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		page, _, err := tx.AuditPage(ctx, scope, store.AuditQuery{IDs: []estate.AuditID{estate.AuditID(key)}, Limit: store.MaxPage})
		return targets(page, err)
	}},
	"AuditRecord": {rows: recordRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		r, err := tx.AuditRecord(ctx, scope, estate.AuditID(key))
		return oneID(r, err, func(r estate.AuditRecord) string { return r.Target })
	}},
	"AuditNames": {rows: recordRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		types, _, err := tx.AuditNames(ctx, scope)
		return ids(types, err, func(name string) string { return strings.TrimPrefix(name, "type of ") })
	}},
	"AuditChain": {rows: recordRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		chain, err := tx.AuditChain(ctx, scope, 0, store.MaxPage)
		return ids(chain, err, func(l store.ChainLink) string { return l.Record.Target })
	}},
	"AuditCounts": {rows: chainRows, covers: isOrganization, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		records, chained, err := tx.AuditCounts(ctx, scope)
		if records == 0 && chained == 0 {
			return nil, err
		}
		return []string{string(scope.Organization)}, err
	}},
	"EventCursor": {rows: chainRows, covers: isOrganization, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		_, head, err := tx.EventCursor(ctx, scope, key)
		if head == 0 {
			return nil, err
		}
		return []string{string(scope.Organization)}, err
	}},
}

// eventWrites are the cases of methods around events that write.
var eventWrites = map[string]writeCase{
	"SetEventCursor": {
		rows:   chainRows,
		covers: func(_ world, scope estate.Scope, r row) bool { return isOrganization(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.SetEventCursor(ctx, scope, key, 0, 1)
		},
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("event_cursors: consumer=%q organization_id=%q", r.key, r.id)}
		},
	},
}
