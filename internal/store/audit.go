package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// AppendAudit adds a record to the chain of its organization. It belongs into the
// transaction of the change.
func (tx *Tx) AppendAudit(ctx context.Context, r estate.AuditRecord) error {
	if !tx.write {
		return errReadTransaction // the first statement returns a row, and would be executed
	}
	data := "{}"
	if len(r.Data) > 0 {
		data = marshal(r.Data)
	}
	tx.touched = true
	end, err := tx.chainEnd(ctx, r.Scope.Organization)
	if err != nil {
		return wrap("take audit position", err)
	}
	r.Position = end.position + 1
	hash := r.ChainHash(end.hash, data)
	record := []any{
		string(r.Scope.Organization), string(r.Scope.Subscription), string(r.Scope.Region), string(r.Scope.Tenant), micros(r.Time),
		string(r.Actor.Kind), r.Actor.ID, string(r.Actor.User), r.Action, r.Target, string(r.Outcome), data, r.Actor.TraceID, string(r.ID), r.Type, r.Source,
		r.Position, hash,
	}
	end.position, end.hash, end.moved = r.Position, hash, true
	g := tx.group
	if g == nil { // alone
		g = &group{chains: map[estate.OrganizationID]*chainEnd{r.Scope.Organization: end}, records: record}
		err = g.settle(tx.context(ctx), tx.conn)
	} else {
		g.records = append(g.records, record...)
		err = g.insertRecords(tx.context(ctx), tx.conn, recordCounts[0])
	}
	if err != nil {
		return err
	}
	tx.happened(r.Scope.Organization)
	return nil
}

// chainEnd is where the chain of an organization ends. Batches are executed one
// after the other, by all processes, so nobody else appends to it meanwhile.
func (tx *Tx) chainEnd(ctx context.Context, organization estate.OrganizationID) (*chainEnd, error) {
	if tx.group != nil && tx.group.chains[organization] != nil {
		return tx.group.chains[organization], nil
	}
	end := &chainEnd{}
	err := tx.conn.row(tx.context(ctx), selectChainEnd, string(organization)).Scan(&end.position, &end.hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if tx.group != nil {
		tx.group.keepChain(organization, end)
	}
	return end, nil
}

const selectChainEnd = "select position, hash from audit_chains where organization_id = $1"

// expectChainEnd has where the chain of an organization ends asked for together with the
// statement that comes next, as there will be a record.
func (tx *Tx) expectChainEnd(organization estate.OrganizationID) {
	if tx.group == nil || tx.group.chains[organization] != nil {
		return
	}
	end := &chainEnd{}
	if tx.conn.expect([]any{&end.position, &end.hash}, selectChainEnd, string(organization)) {
		tx.group.keepChain(organization, end)
	}
}

// auditInserts insert records, by how many.
var auditInserts = func() map[int]string {
	statements := map[int]string{}
	for _, n := range recordCounts {
		place := 0
		rows := make([]string, n)
		for i := range rows {
			places := make([]string, auditWidth)
			for j := range places {
				place++
				places[j] = fmt.Sprintf("$%d", place)
			}
			rows[i] = "(" + strings.Join(places, ", ") + ")"
		}
		statements[n] = `insert into audit_records (organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, user_id,
			action, target, outcome, data, trace_id, id, event_type, source, position, hash) values ` + strings.Join(rows, ", ")
	}
	return statements
}()

// auditWidth is how many columns they fill.
const auditWidth = 18

// happened tells the subscribers of this process that there is something new in
// the log. Those of others look now and then: it is too much for the feed.
func (tx *Tx) happened(organization estate.OrganizationID) {
	c := Change{Kind: ChangeEvent, Key: string(organization)}
	if !slices.Contains(tx.changes, c) {
		tx.changes = append(tx.changes, c)
	}
}

const auditColumns = `id, organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, user_id,
	action, event_type, source, target, outcome, data, trace_id, position, hash`

// storedAudit is a record with its data as it was hashed, and its place in lists.
type storedAudit struct {
	estate.AuditRecord
	data string
	seq  int64
}

func scanAudit(row rowScanner) (r storedAudit, err error) {
	var at int64
	err = row.Scan(&r.ID, &r.Scope.Organization, &r.Scope.Subscription, &r.Scope.Region, &r.Scope.Tenant, &at, &r.Actor.Kind, &r.Actor.ID, &r.Actor.User,
		&r.Action, &r.Type, &r.Source, &r.Target, &r.Outcome, &r.data, &r.Actor.TraceID, &r.Position, &r.Hash, &r.seq)
	r.Time = fromMicros(at)
	if err == nil && r.data != "{}" {
		err = json.Unmarshal([]byte(r.data), &r.Data)
	}
	return r, err
}

func (tx *Tx) auditRows(ctx context.Context, rest string, args []any) ([]storedAudit, error) {
	rows, err := tx.rows(ctx, "select "+auditColumns+", seq from audit_records"+rest, args...)
	all, err := collect(rows, err, scanAudit)
	return all, wrap("select audit records", err)
}

func plainAudit(all []storedAudit) []estate.AuditRecord {
	var plain []estate.AuditRecord
	for _, r := range all {
		plain = append(plain, r.AuditRecord)
	}
	return plain
}

// AuditRecords returns the newest records in scope, at most limit and MaxPage.
func (tx *Tx) AuditRecords(ctx context.Context, scope estate.Scope, limit int) ([]estate.AuditRecord, error) {
	page, _, err := tx.AuditPage(ctx, scope, AuditQuery{Limit: limit})
	return page, err
}

// AuditRecord returns a record in scope.
func (tx *Tx) AuditRecord(ctx context.Context, scope estate.Scope, id estate.AuditID) (estate.AuditRecord, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("id = " + c.arg(id))
	r, err := scanAudit(tx.row(ctx, "select "+auditColumns+", seq from audit_records"+c.where(), c.args...))
	return r.AuditRecord, orNotFound(wrap("select audit record", err), errAuditNotFound)
}

var errAuditNotFound = estate.E(estate.NotFound, api.CodeAuditNotFound, "Not found", "No such audit event.")

// ChainLink is a record with what its hash is over.
type ChainLink struct {
	Record estate.AuditRecord
	Data   string // the JSON text
}

// AuditChain returns what comes after a position in the chain of the organization
// of scope, in order, at most limit. A scope that is narrower has the records of
// its part only, which is no chain.
func (tx *Tx) AuditChain(ctx context.Context, scope estate.Scope, after int64, limit int) ([]ChainLink, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	return tx.chain(ctx, c, after, limit)
}

// OwnAuditChain is AuditChain for the records that belong to no organization.
func (tx *Tx) OwnAuditChain(ctx context.Context, after int64, limit int) ([]ChainLink, error) {
	c := &conditions{}
	c.add("organization_id = " + c.arg(""))
	return tx.chain(ctx, c, after, limit)
}

func (tx *Tx) chain(ctx context.Context, c *conditions, after int64, limit int) ([]ChainLink, error) {
	c.add("position > 0")
	c.add("position > " + c.arg(after))
	rows, err := tx.auditRows(ctx, c.where()+" order by position limit "+c.arg(limit), c.args)
	links := make([]ChainLink, len(rows))
	for i, r := range rows {
		links[i] = ChainLink{Record: r.AuditRecord, Data: r.data}
	}
	return links, err
}

// ChainHead is the last record of a chain.
type ChainHead struct {
	Organization estate.OrganizationID // empty: the records that belong to none
	Position     int64
	Hash         string
}

// ChainHeads returns the heads of all chains.
func (tx *Tx) ChainHeads(ctx context.Context) ([]ChainHead, error) {
	rows, err := tx.rows(ctx, "select organization_id, position, hash from audit_chains order by organization_id")
	heads, err := collect(rows, err, scanChainHead)
	return heads, wrap("select audit chains", err)
}

func scanChainHead(row rowScanner) (h ChainHead, err error) {
	err = row.Scan(&h.Organization, &h.Position, &h.Hash)
	return h, err
}

// Unchained returns the organizations that have no chain, which begins with the
// record of their creation, and whoever else has records and none; empty: those
// that belong to no organization.
func (tx *Tx) Unchained(ctx context.Context) ([]estate.OrganizationID, error) {
	rows, err := tx.rows(ctx, `select organization_id from (select id as organization_id from organizations union select organization_id from audit_records) o
		where not exists (select 1 from audit_chains h where h.organization_id = o.organization_id) order by organization_id`)
	all, err := collect(rows, err, func(row rowScanner) (id estate.OrganizationID, err error) {
		err = row.Scan(&id)
		return id, err
	})
	return all, wrap("select who has no chain", err)
}

// AuditCounts returns how many records the organization has that is the scope, and
// how many its chain should have. If the chain is whole, those that are more have
// never been in it.
func (tx *Tx) AuditCounts(ctx context.Context, scope estate.Scope) (records, chained int64, err error) {
	if scope == (estate.Scope{}) || scope != (estate.Scope{Organization: scope.Organization}) {
		return 0, 0, nil
	}
	return tx.auditCounts(ctx, scope.Organization)
}

// OwnAuditCounts is AuditCounts for the records that belong to no organization.
func (tx *Tx) OwnAuditCounts(ctx context.Context) (records, chained int64, err error) {
	return tx.auditCounts(ctx, "")
}

func (tx *Tx) auditCounts(ctx context.Context, organization estate.OrganizationID) (records, chained int64, err error) {
	err = tx.row(ctx, `select (select count(*) from audit_records where organization_id = $1),
		coalesce((select position from audit_chains where organization_id = $1), 0)`, string(organization)).Scan(&records, &chained)
	return records, chained, wrap("count audit records", err)
}

// ChainsBehind returns the heads of the chains of organizations after the given one
// that have events which consumer has not read yet, by organization, at most limit.
func (tx *Tx) ChainsBehind(ctx context.Context, consumer string, after estate.OrganizationID, limit int) ([]ChainHead, error) {
	rows, err := tx.rows(ctx, `select h.organization_id, h.position, h.hash from audit_chains h
		left join event_cursors c on c.consumer = $1 and c.organization_id = h.organization_id
		where h.organization_id > $2 and h.position > coalesce(c.position, 0) order by h.organization_id limit $3`, consumer, after, limit)
	heads, err := collect(rows, err, scanChainHead)
	return heads, wrap("select chains behind", err)
}

// EventCursor returns how far consumer has read the chain of the organization that
// is the scope, and how far the chain goes. Another node that reads for the same
// consumer is kept out by SetEventCursor.
func (tx *Tx) EventCursor(ctx context.Context, scope estate.Scope, consumer string) (read, head int64, err error) {
	if scope == (estate.Scope{}) || scope != (estate.Scope{Organization: scope.Organization}) {
		return 0, 0, nil
	}
	err = tx.row(ctx, `select h.position, coalesce(c.position, 0) from audit_chains h
		left join event_cursors c on c.consumer = $2 and c.organization_id = h.organization_id
		where h.organization_id = $1`, scope.Organization, consumer).Scan(&head, &read)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return read, head, wrap("select event cursor", err)
}

// SetEventCursor moves consumer from one position to another in the chain of the
// organization that is the scope. It fails when it is not there: somebody else was faster.
func (tx *Tx) SetEventCursor(ctx context.Context, scope estate.Scope, consumer string, from, to int64) error {
	if scope == (estate.Scope{}) || scope != (estate.Scope{Organization: scope.Organization}) {
		return errEventCursor
	}
	n, err := tx.exec(ctx, "update event_cursors set position = $4 where consumer = $1 and organization_id = $2 and position = $3",
		consumer, scope.Organization, from, to)
	if err == nil && n == 0 && from == 0 {
		n, err = tx.exec(ctx, `insert into event_cursors (consumer, organization_id, position) values ($1, $2, $3)
			on conflict (consumer, organization_id) do nothing`, consumer, scope.Organization, to)
	}
	if err == nil && n == 0 {
		err = errEventCursor
	}
	return wrap("set event cursor", err)
}

var errEventCursor = errors.New("the consumer has read on elsewhere")
