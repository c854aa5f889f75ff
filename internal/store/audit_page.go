package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// AuditQuery asks for a page of records. The zero query is for the newest.
type AuditQuery struct {
	From, Until time.Time // from the one and before the other; zero: no limit
	Types       []string
	Sources     []string
	Users       []estate.UserID
	IDs         []estate.AuditID

	Sort       AuditSort
	Descending bool // of Sort, if it is set; without, the newest come first

	After    *AuditPosition // nil: from the start
	Backward bool           // the rows before After instead of those after
	Limit    int            // at most MaxPage; 0 or less: only whether there are any
}

// AuditSort is what records can be sorted by. Those that are alike are sorted by
// time, in the same direction.
type AuditSort string

// The attributes.
const (
	SortByTime   AuditSort = "eventTime"
	SortByType   AuditSort = "eventType"
	SortBySource AuditSort = "source"
)

// AuditPosition is a place between records in the order of a query: just past the
// record that has these values.
type AuditPosition struct {
	Text string // type or source, if that is sorted by
	Time int64  // microseconds
	Seq  int64
}

// AuditPage returns a page of the records in scope in the order of q, and where
// the pages beside it begin; nil: there is none.
//
// Indexes have the records of one type, or of one user, by time. What asks for several
// types, or for sources, is put together from the types: it reads little more than the
// page, however many records there are.
func (tx *Tx) AuditPage(ctx context.Context, scope estate.Scope, q AuditQuery) (page []estate.AuditRecord, ends AuditEnds, err error) {
	limit := max(0, min(q.Limit, MaxPage))
	groups, err := tx.auditGroups(ctx, scope, q)
	if err != nil {
		return nil, ends, err
	}
	var rows []storedAudit
	for _, g := range groups {
		if len(rows) > limit {
			break
		}
		some, err := tx.auditGroup(ctx, scope, q, g, limit+1-len(rows))
		if err != nil {
			return nil, ends, err
		}
		rows = append(rows, some...)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	if q.Backward {
		slices.Reverse(rows)
	}
	if len(rows) > 0 {
		if more || q.Backward {
			ends.Next = q.positionOf(rows[len(rows)-1])
		}
		if q.Backward && more || !q.Backward && q.After != nil {
			ends.Previous = q.positionOf(rows[0])
		}
	}
	return plainAudit(rows), ends, nil
}

// descending tells how the rows are read, which is backward for the page before.
func (q AuditQuery) descending() bool { return (q.Sort == "" || q.Descending) != q.Backward }

// auditKind is a type of events with a source that it has.
type auditKind struct{ name, source string }

// auditGroup are records that follow one another in the order of a query: those of
// some kinds, by time. Without kinds they are all that there are.
type auditGroup struct {
	key   string // by what groups are sorted; empty: there is one
	kinds []auditKind
}

// auditGroups are the groups that a page can have rows of, in the order of reading.
func (tx *Tx) auditGroups(ctx context.Context, scope estate.Scope, q AuditQuery) (groups []auditGroup, err error) {
	var kinds []auditKind
	switch {
	case (q.Sort == "" || q.Sort == SortByTime) && (len(q.IDs) > 0 || len(q.Users) > 0):
		return []auditGroup{{}}, nil // they have indexes of their own
	case q.Sort == SortByType && len(q.Types) == 0 && len(q.Sources) == 0:
		return []auditGroup{{}}, nil // an index has them so
	case len(q.Sources) > 0 || q.Sort == SortBySource:
		if kinds, err = tx.auditKinds(ctx, scope); err != nil {
			return nil, err
		}
		kinds = slices.DeleteFunc(kinds, func(k auditKind) bool {
			return len(q.Types) > 0 && !slices.Contains(q.Types, k.name) || len(q.Sources) > 0 && !slices.Contains(q.Sources, k.source)
		})
	case len(q.Types) > 0:
		for _, name := range q.Types {
			kinds = append(kinds, auditKind{name: name})
		}
	default:
		return []auditGroup{{}}, nil
	}
	key := func(auditKind) string { return "" }
	switch q.Sort {
	case SortByType:
		key = func(k auditKind) string { return k.name }
	case SortBySource:
		key = func(k auditKind) string { return k.source }
	}
	slices.SortFunc(kinds, func(a, b auditKind) int {
		n := strings.Compare(key(a), key(b))
		if q.descending() {
			n = -n
		}
		return cmp.Or(n, strings.Compare(a.name, b.name), strings.Compare(a.source, b.source))
	})
	for _, k := range slices.Compact(kinds) {
		if len(groups) == 0 || groups[len(groups)-1].key != key(k) {
			groups = append(groups, auditGroup{key: key(k)})
		}
		last := &groups[len(groups)-1]
		last.kinds = append(last.kinds, k)
	}
	return groups, nil
}

// auditGroup returns at most limit rows of a group that are behind q.After, in the
// order of reading.
func (tx *Tx) auditGroup(ctx context.Context, scope estate.Scope, q AuditQuery, g auditGroup, limit int) ([]storedAudit, error) {
	after := q.After
	if g.kinds != nil && after != nil {
		switch order := strings.Compare(g.key, after.Text); {
		case q.Sort != SortByType && q.Sort != SortBySource, order == 0:
		case (order < 0) != q.descending(): // the page began behind it
			return nil, nil
		default: // all of it is behind
			after = nil
		}
	}
	if len(g.kinds) == 0 {
		return tx.auditStream(ctx, scope, q, auditKind{}, after, q.Sort == SortByType, limit)
	}
	var rows []storedAudit
	for _, k := range g.kinds {
		some, err := tx.auditStream(ctx, scope, q, k, after, false, limit)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	if len(g.kinds) > 1 {
		slices.SortFunc(rows, func(a, b storedAudit) int {
			n := cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.seq, b.seq))
			if q.descending() {
				return -n
			}
			return n
		})
	}
	return rows[:min(len(rows), limit)], nil
}

// auditStream returns at most limit rows of a kind behind a position, by time, or by
// type and time. An empty name or source stands for those that q asks for.
func (tx *Tx) auditStream(ctx context.Context, scope estate.Scope, q AuditQuery, k auditKind, after *AuditPosition, byType bool, limit int) ([]storedAudit, error) {
	tenant, kind := "tenant_id", "event_type"
	if len(q.Users) > 0 { // no index but that of users is to be used
		tenant, kind = "tenant_id || ''", "event_type || ''"
	}
	c := within(scope, "subscription_id", "region", tenant)
	// Bounds that the position implies are left out: SQLite would search by them, and
	// walk to the position.
	descending := q.descending()
	if !q.From.IsZero() && (descending || byType || after == nil || after.Time < micros(q.From)) {
		c.add("time >= " + c.arg(micros(q.From)))
	}
	if !q.Until.IsZero() && (!descending || byType || after == nil || after.Time >= micros(q.Until)) {
		c.add("time < " + c.arg(micros(q.Until)))
	}
	types, sources := q.Types, q.Sources
	if k.name != "" {
		types = []string{k.name}
	}
	if k.source != "" {
		sources = []string{k.source}
	}
	among(c, kind, types)
	among(c, "source", sources)
	among(c, "user_id", q.Users)
	if len(q.Users) > 0 {
		c.add("user_id <> ''") // the index has no others
	}
	among(c, "id", q.IDs)
	order := []orderColumn{{"time", descending}, {"seq", descending}}
	var place []any
	if byType {
		order = append([]orderColumn{{"event_type", descending}}, order...)
	}
	if after != nil {
		if byType {
			place = append(place, after.Text)
		}
		c.add(keysetCondition(c, order, append(place, after.Time, after.Seq)))
	}
	by := make([]string, len(order))
	for i, o := range order {
		by[i] = o.column
		if descending {
			by[i] += " desc"
		}
	}
	return tx.auditRows(ctx, c.where()+" order by "+strings.Join(by, ", ")+" limit "+c.arg(limit), c.args)
}

// auditKinds returns the types of the events that there have been in scope, with their
// sources. It looks for one type after the other in an index, and takes the source from
// the first and last event of each: a type keeps its source for as long as a version
// of the program lasts.
func (tx *Tx) auditKinds(ctx context.Context, scope estate.Scope) (kinds []auditKind, err error) {
	one := func(condition, value, order string) (k auditKind, found bool, err error) {
		c := within(scope, "subscription_id", "region", "tenant_id")
		c.add("event_type " + condition + " " + c.arg(value))
		err = tx.row(ctx, "select event_type, source from audit_records"+c.where()+" order by "+order+" limit 1", c.args...).Scan(&k.name, &k.source)
		if errors.Is(err, sql.ErrNoRows) {
			return k, false, nil
		}
		return k, err == nil, wrap("select audit names", err)
	}
	for name := ""; ; {
		first, found, err := one(">", name, "event_type, time, seq")
		if err != nil || !found {
			return kinds, err
		}
		name = first.name
		last, _, err := one("=", name, "time desc, seq desc")
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, first)
		if last != first {
			kinds = append(kinds, last)
		}
	}
}

// AuditEnds are where the pages beside a page begin.
type AuditEnds struct{ Next, Previous *AuditPosition }

func (q AuditQuery) positionOf(r storedAudit) *AuditPosition {
	p := &AuditPosition{Time: micros(r.Time), Seq: r.seq}
	switch q.Sort {
	case SortByType:
		p.Text = r.Type
	case SortBySource:
		p.Text = r.Source
	}
	return p
}

// among restricts a column to one of some values; none: no restriction.
func among[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = c.arg(string(v))
	}
	c.add(column + " in (" + strings.Join(places, ", ") + ")")
}

// AuditNames returns the types and sources of the events that there have been in
// scope, sorted.
func (tx *Tx) AuditNames(ctx context.Context, scope estate.Scope) (types, sources []string, err error) {
	kinds, err := tx.auditKinds(ctx, scope)
	for _, k := range kinds {
		types, sources = append(types, k.name), append(sources, k.source)
	}
	slices.Sort(sources)
	return slices.Compact(types), slices.Compact(sources), err
}
