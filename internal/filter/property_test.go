package filter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/filter"
)

var (
	anyOp  = []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE, filter.CO}
	schema = filter.Schema{
		{Name: "id", Type: filter.Exact, Ops: anyOp[:2]},
		{Name: "name", Type: filter.String, Ops: anyOp[:1]},
		{Name: "status", Type: filter.String, Ops: anyOp[:2]},
		{Name: "regionCode", Type: filter.String, Ops: anyOp[:2]},
		{Name: "countryCode", Type: filter.String, Ops: anyOp},
		{Name: "createdAt", Type: filter.Time, Ops: anyOp[:6]},
		{Name: "urn:x:2.0:Tenant:label", Type: filter.String, Ops: anyOp[6:]},
		{Name: "groups.id", Type: filter.Exact, Ops: anyOp[:1]},
	}
	sortable = []string{"name", "regionCode", "createdAt", "_id"}

	ignorePositions = cmpopts.IgnoreFields(filter.Compare{}, "Position")
)

func and(exprs ...filter.Expr) *filter.And { return &filter.And{Exprs: exprs} }
func or(exprs ...filter.Expr) *filter.Or   { return &filter.Or{Exprs: exprs} }
func not(e filter.Expr) *filter.Not        { return &filter.Not{Expr: e} }

func compare(attribute string, op filter.Op, text string) *filter.Compare {
	return &filter.Compare{Attribute: attribute, Op: op, Text: text}
}

func parse(t *testing.T, input string) filter.Expr {
	t.Helper()
	e, err := filter.Parse(input, schema)
	if err != nil {
		t.Fatalf("%q: %v", input, err)
	}
	return e
}

// position checks what holds for every error on input, and returns where it is.
func position(t *testing.T, err error, input string) int {
	t.Helper()
	var e *filter.Error
	if !errors.As(err, &e) {
		t.Fatalf("%q: not an *Error: %v", input, err)
	}
	if e.Position < 0 || e.Position > len(input) {
		t.Errorf("%q: position outside the input: %v", input, err)
	}
	if e.Detail == "" || len(e.Detail) > 500 || strings.ContainsFunc(e.Detail, func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
		t.Errorf("%q: a detail that can't be shown: %q", input, e.Detail)
	}
	return e.Position
}

// checkReadsBack checks that e, printed and parsed again, is e.
func checkReadsBack(t interface {
	Helper()
	Errorf(string, ...any)
}, e filter.Expr,
) {
	t.Helper()
	printed := e.String()
	if len(printed) > filter.MaxLength {
		return // the canonical spelling of a short one can be longer
	}
	again, err := filter.Parse(printed, schema)
	if err != nil {
		t.Errorf("%s: %v", printed, err)
		return
	}
	if diff := cmp.Diff(e, again, ignorePositions); diff != "" {
		t.Errorf("%s (-want +got)\n%s", printed, diff)
	}
	if again.String() != printed {
		t.Errorf("printed %s, then %s", printed, again)
	}
}

func TestProperty_PrintedReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkReadsBack(t, drawExpr(t, 4, ""))
	})
}

// drawExpr draws an expression as Parse makes them: no And or Or directly in
// one of its own kind, which parent names.
func drawExpr(t *rapid.T, depth int, parent string) filter.Expr {
	kinds := []string{"compare"}
	if depth > 0 {
		for _, kind := range []string{"not", "and", "or"} {
			if kind != parent || kind == "not" {
				kinds = append(kinds, kind)
			}
		}
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	switch kind {
	case "compare":
		return drawCompare(t)
	case "not":
		return not(drawExpr(t, depth-1, kind))
	}
	terms := make([]filter.Expr, rapid.IntRange(2, 4).Draw(t, "terms"))
	for i := range terms {
		terms[i] = drawExpr(t, depth-1, kind)
	}
	if kind == "and" {
		return and(terms...)
	}
	return or(terms...)
}

func drawCompare(t *rapid.T) *filter.Compare {
	attribute := rapid.SampledFrom(schema).Draw(t, "attribute")
	c := compare(attribute.Name, rapid.SampledFrom(attribute.Ops).Draw(t, "op"), "")
	switch attribute.Type {
	case filter.Time:
		first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		c.Time = time.Unix(
			rapid.Int64Range(first.Unix(), last.Unix()).Draw(t, "seconds"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"),
		).UTC()
		c.Text = c.Time.Format(time.RFC3339Nano)
	case filter.String:
		c.Text = filter.Fold(drawText(t))
	default:
		c.Text = drawText(t)
	}
	return c
}

func drawText(t *rapid.T) string {
	return strings.ReplaceAll(strings.ToValidUTF8(rapid.String().Draw(t, "text"), ""), "\x00", `"\`)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`subscriptionId eq "9876543210987654" and status eq "active"`,
		`not (name eq "a" or id ne "B") and createdAt ge "2026-01-02T03:04:05.6+07:00"`,
		`countryCode co "\ud83d\ude00\n" or not not createdAt lt "2026-01-02"`,
		`urn:x:2.0:Tenant:label co "İ" AND groups.id EQ ""`,
		`((name eq 42`, `status pr`, "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		e, err := filter.Parse(input, schema)
		if err != nil {
			position(t, err, input)
			return
		}
		checkReadsBack(t, e)
	})
}

func FuzzParseSort(f *testing.F) {
	for _, seed := range []string{"", "name,-createdAt", " regionCode,+_id", "-NAME , name", ",", "-é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		keys, err := filter.ParseSort(input, sortable)
		if err != nil {
			position(t, err, input)
			return
		}
		printed := make([]string, len(keys))
		for i, key := range keys {
			printed[i] = key.Attribute
			if key.Descending {
				printed[i] = "-" + key.Attribute
			}
		}
		again, err := filter.ParseSort(strings.Join(printed, ","), sortable)
		if err != nil {
			t.Fatalf("%q: %v", printed, err)
		}
		if diff := cmp.Diff(keys, again); diff != "" {
			t.Errorf("%q (-want +got)\n%s", input, diff)
		}
	})
}
