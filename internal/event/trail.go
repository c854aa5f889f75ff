package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// Trail is the audit trail for those who read it: administrators that of their
// tenant, organization-level clients that of the organization, with its tenants,
// whether they are active or not.
type Trail struct{ Store *store.Store }

// TimeToLive is how long events can be listed, as the contract has it. Here they
// stay, so it is what one may rely on.
const TimeToLive = 90 * 24 * time.Hour

// Query asks for a page of the trail. Texts are as in the query parameters of the
// contract; empty ones restrict nothing.
type Query struct {
	EventTime string // "start/end", either of which may be empty
	EventType string
	Source    string
	UserID    string
	IDs       string // with commas between them
	Tenant    string // of the scope
	Sort      string // eventTime, eventType or source, with sign; empty: -eventTime
	Next      string // cursor: the page after it
	Prev      string // cursor: the page before it
	Limit     int    // 1 to 100
}

// Page is a page of the trail. Next and Prev are cursors, empty at the ends.
type Page struct {
	Records []estate.AuditRecord
	Next    string
	Prev    string
}

// mayReadTrail tells why actor may not read the trail of its scope.
func mayReadTrail(actor estate.Actor) error {
	switch {
	case actor.IsOperator():
		return nil
	case actor.Scope.Tenant != "":
		return AdministersTenant(actor, api.ScopeAdminClassic)
	}
	return actor.Lacks(estate.LevelOrganization, api.ScopeOrgAuditsRead)
}

// AdministersTenant tells why actor does not administer the tenant of its scope
// with a scope that its token needs.
func AdministersTenant(actor estate.Actor, permission string) error {
	if !slices.Contains(actor.Roles, estate.RoleTenantAdmin) {
		return estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The role TenantAdmin is needed.")
	}
	if !actor.Permissions.Holds(permission) {
		return needsScope(permission)
	}
	return nil
}

func needsScope(name string) error {
	return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+name+".")
}

// List returns a page of what happened in the scope of actor.
func (t Trail) List(ctx context.Context, actor estate.Actor, q Query) (page Page, err error) {
	if err := mayReadTrail(actor); err != nil {
		return page, err
	}
	query, list, err := q.parse()
	if err != nil {
		return page, err
	}
	scope := actor.Scope
	if q.Tenant != "" && scope.Tenant == "" {
		scope.Tenant = estate.TenantID(q.Tenant)
	}
	err = t.Store.Read(ctx, func(tx *store.Tx) error {
		records, ends, err := tx.AuditPage(ctx, scope, query)
		page.Records, page.Next, page.Prev = records, formatCursor(list, ends.Next), formatCursor(list, ends.Previous)
		return err
	})
	return page, err
}

// parse reads the query. list names the list that it asks for, in its order.
func (q Query) parse() (query store.AuditQuery, list string, err error) {
	query.Limit = q.Limit
	if query.From, query.Until, err = parseInterval(q.EventTime); err != nil {
		return query, "", err
	}
	if q.EventType != "" {
		query.Types = []string{q.EventType}
	}
	if q.Source != "" {
		query.Sources = []string{q.Source}
	}
	if q.UserID != "" {
		query.Users = []estate.UserID{estate.UserID(q.UserID)}
	}
	for id := range strings.SplitSeq(q.IDs, ",") {
		if id = strings.TrimSpace(id); id != "" {
			query.IDs = append(query.IDs, estate.AuditID(id))
		}
	}
	if len(query.IDs) > store.MaxPage {
		return query, "", paging.BadParameter("id", "id can name at most 100 events")
	}
	keys, err := filter.ParseSort(q.Sort, []string{string(store.SortByTime), string(store.SortByType), string(store.SortBySource)})
	switch {
	case err != nil:
		return query, "", paging.BadParameter("sort", err.Error())
	case len(keys) > 1:
		return query, "", paging.BadParameter("sort", "sort takes one attribute")
	case len(keys) == 0:
		keys = []filter.SortKey{{Attribute: string(store.SortByTime), Descending: true}}
	}
	query.Sort, query.Descending = store.AuditSort(keys[0].Attribute), keys[0].Descending
	list = paging.Sorted("audit", keys)
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil || sent == "" {
		return query, list, err
	}
	after, err := paging.Parse[store.AuditPosition](list, sent)
	if err != nil {
		return query, "", paging.Unparsed(parameter, err)
	}
	query.After, query.Backward = &after, parameter == "prev"
	return query, list, nil
}

// parseInterval reads "start/end". Both ends belong to it.
func parseInterval(text string) (from, until time.Time, err error) {
	if text == "" {
		return from, until, nil
	}
	start, end, ok := strings.Cut(text, "/")
	if !ok || start == "" && end == "" {
		return from, until, paging.BadParameter("eventTime", "eventTime must be start/end, two times of ISO 8601, one of which may be left out")
	}
	read := func(text string) (at time.Time) {
		if text != "" && err == nil {
			if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
				err = paging.BadParameter("eventTime", "eventTime must hold times such as 2026-11-02T08:30:00.000Z")
			}
		}
		return at
	}
	from, until = read(start), read(end)
	if !until.IsZero() {
		until = until.Add(time.Microsecond)
	}
	return from, until, err
}

func formatCursor(list string, p *store.AuditPosition) string {
	if p == nil {
		return ""
	}
	return paging.Format(list, *p)
}

// Get returns one event in the scope of actor.
func (t Trail) Get(ctx context.Context, actor estate.Actor, id estate.AuditID) (r estate.AuditRecord, err error) {
	if err := mayReadTrail(actor); err != nil {
		return r, err
	}
	err = t.Store.Read(ctx, func(tx *store.Tx) error {
		r, err = tx.AuditRecord(ctx, actor.Scope, id)
		return err
	})
	return r, err
}

// Names returns the types and sources of events that there have been in the scope
// of actor.
func (t Trail) Names(ctx context.Context, actor estate.Actor) (types, sources []string, err error) {
	if err := mayReadTrail(actor); err != nil {
		return nil, nil, err
	}
	err = t.Store.Read(ctx, func(tx *store.Tx) error {
		types, sources, err = tx.AuditNames(ctx, actor.Scope)
		return err
	})
	return types, sources, err
}

// MayRead tells why actor may not read the trail.
func (t Trail) MayRead(actor estate.Actor) error { return mayReadTrail(actor) }

// Archive gives fn all events of a day (UTC) in the scope of actor, page by page,
// oldest first. Events that are added meanwhile may be among them.
func (t Trail) Archive(ctx context.Context, actor estate.Actor, date string, fn func([]estate.AuditRecord) error) error {
	if err := mayReadTrail(actor); err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return paging.BadParameter("date", "date must be a day such as 2026-11-02")
	}
	query := store.AuditQuery{From: day, Until: day.AddDate(0, 0, 1), Sort: store.SortByTime, Limit: store.MaxPage}
	for {
		var page []estate.AuditRecord
		var ends store.AuditEnds
		err := t.Store.Read(ctx, func(tx *store.Tx) (err error) {
			page, ends, err = tx.AuditPage(ctx, actor.Scope, query)
			return err
		})
		if err == nil && len(page) > 0 {
			err = fn(page)
		}
		if err != nil || ends.Next == nil {
			return err
		}
		query.After = ends.Next
	}
}

// Chain gives fn the chain of an organization, or of no organization if the id is
// empty, in order. Only the operator may read it.
func (t Trail) Chain(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, fn func([]store.ChainLink) error) error {
	if !actor.IsOperator() {
		return estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only the operator may read chains.")
	}
	const batch = 1000
	after := int64(0)
	for {
		var links []store.ChainLink
		err := t.Store.Read(ctx, func(tx *store.Tx) (err error) {
			if organization == "" {
				links, err = tx.OwnAuditChain(ctx, after, batch)
			} else {
				links, err = tx.AuditChain(ctx, estate.Scope{Organization: organization}, after, batch)
			}
			return err
		})
		if err != nil || len(links) == 0 {
			return err
		}
		if err := fn(links); err != nil {
			return err
		}
		after = links[len(links)-1].Record.Position
	}
}

// Heads returns where all chains end; at position 0 those that are not there,
// although there is an organization or a record to have one. Only the operator may.
func (t Trail) Heads(ctx context.Context, actor estate.Actor) (heads []store.ChainHead, err error) {
	if !actor.IsOperator() {
		return nil, errors.New("only the operator may read chains")
	}
	err = t.Store.Read(ctx, func(tx *store.Tx) error {
		if heads, err = tx.ChainHeads(ctx); err != nil {
			return err
		}
		without, err := tx.Unchained(ctx)
		for _, organization := range without {
			heads = append(heads, store.ChainHead{Organization: organization})
		}
		return err
	})
	return heads, err
}

// Outside tells, as an error, that an organization, or none if the id is empty, has
// records outside its chain, which has to be verified before. Only the operator may.
func (t Trail) Outside(ctx context.Context, actor estate.Actor, organization estate.OrganizationID) error {
	if !actor.IsOperator() {
		return errors.New("only the operator may read chains")
	}
	problem, err := t.outside(ctx, organization)
	if problem != "" {
		err = fmt.Errorf("%s: %s", chainName(organization), problem)
	}
	return err
}

// outside says what is wrong if there are other records than those of the chain:
// there never was a release that appended any.
func (t Trail) outside(ctx context.Context, organization estate.OrganizationID) (problem string, err error) {
	var records, chained int64
	err = t.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if organization == "" {
			records, chained, err = tx.OwnAuditCounts(ctx)
		} else {
			records, chained, err = tx.AuditCounts(ctx, estate.Scope{Organization: organization})
		}
		return err
	})
	switch n := records - chained; {
	case n == 0:
	case n == 1:
		problem = "1 record is outside the chain: it was added, or taken out of it"
	case n > 1:
		problem = fmt.Sprintf("%d records are outside the chain: they were added, or taken out of it", n)
	default:
		problem = "records were removed meanwhile"
	}
	return problem, err
}

// ChainPart is how far the chain of an organization is verified.
type ChainPart struct {
	Position int64  // of the last record that is verified
	Hash     string // of that record
	End      int64  // of the chain, when it was looked at
	Problem  string // what is wrong after Position; empty: nothing yet
}

// Done tells whether there is nothing left to verify.
func (p ChainPart) Done() bool { return p.Problem != "" || p.Position >= p.End }

// Verify goes on verifying the chain of the actor's organization after from, for at
// most so many records, which it reads and keeps to itself. A chain that was written
// anew as a whole is found if noted, where it ended at an earlier time, has a position.
func (t Trail) Verify(ctx context.Context, actor estate.Actor, from, noted ChainPart, atMost int) (part ChainPart, err error) {
	organization := actor.Scope.Organization
	if actor.Scope.Tenant != "" || organization == "" {
		return part, estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The chain is that of an organization, for those who may read all of its trail.")
	}
	if err := mayReadTrail(actor); err != nil {
		return part, err
	}
	var links []store.ChainLink
	var end store.ChainHead
	err = t.Store.Read(ctx, func(tx *store.Tx) error {
		heads, err := tx.ChainHeads(ctx)
		if err != nil {
			return err
		}
		for _, head := range heads {
			if head.Organization == organization {
				end = head
			}
		}
		links, err = tx.AuditChain(ctx, estate.Scope{Organization: organization}, from.Position, atMost)
		return err
	})
	if err != nil {
		return part, err
	}
	part = ChainPart{Position: from.Position, Hash: from.Hash, End: end.Position}
	var verifier Verifier
	verifier.chains = map[estate.OrganizationID]store.ChainHead{organization: {Organization: organization, Position: from.Position, Hash: from.Hash}}
	for _, l := range links {
		if l.Record.Position > end.Position {
			break // it was added meanwhile
		}
		if err := verifier.Link(l); err != nil {
			part.Problem = err.Error()
			return part, nil //nolint:nilerr // it is what was asked for
		}
		part.Position, part.Hash = l.Record.Position, l.Record.Hash
		if part.Position == noted.Position && part.Hash != noted.Hash {
			part.Problem = fmt.Sprintf("record %d is not the one that was noted: the chain was written anew", noted.Position)
			return part, nil
		}
	}
	switch {
	case end.Position == 0:
		part.Problem = chainGone
	case part.Position > end.Position:
		part.Problem = fmt.Sprintf("record %d was there, and the chain ends with %d: records were removed", part.Position, end.Position)
	case len(links) == 0 && part.Position < end.Position, part.Position == end.Position && part.Hash != end.Hash:
		part.Problem = fmt.Sprintf("the chain ends with record %d, and should end with %d: records were removed", part.Position, end.Position)
	case part.Position >= end.Position && noted.Position > end.Position:
		part.Problem = fmt.Sprintf("record %d was noted, and the chain ends with %d: records were removed", noted.Position, end.Position)
	case part.Position == end.Position:
		part.Problem, err = t.outside(ctx, organization)
	}
	return part, err
}
