// Package filter turns the text of a list request's filter and sort parameters
// into typed values that can be checked, authorized and handed to the store.
//
// A filter is SCIM's (RFC 7644, section 3.4.2.2), without attribute presence,
// value paths and the operators sw and ew:
//
//	subscriptionId eq "9876543210987654" and not (status eq "deleted" or status eq "disabled")
//
// What may be compared, and how, is the caller's [Schema]; this package knows
// no attribute and no SQL. Every error carries the byte position it is about,
// so that a person can find the mistake in a filter that a program built.
package filter

import (
	"fmt"
	"strings"
	"time"
)

// Type says how the values of an attribute are read.
type Type uint8

// The types of attributes.
const (
	String Type = iota // compared without case: the value is folded with Fold
	Exact              // compared as given, for ids in which case matters
	Time               // a time of RFC 3339, or a date, which is its midnight in UTC
)

// Op is a comparison operator.
type Op uint8

// The operators.
const (
	EQ Op = iota // equal
	NE           // not equal
	GT           // greater than
	GE           // greater than or equal
	LT           // less than
	LE           // less than or equal
	CO           // contains; it has no meaning for Time
)

var opNames = [...]string{EQ: "eq", NE: "ne", GT: "gt", GE: "ge", LT: "lt", LE: "le", CO: "co"}

// String returns the operator as filters spell it, such as "eq".
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// Attribute is something a filter can compare.
type Attribute struct {
	Name string // canonical spelling, e.g. "regionCode": letters, digits and "_-.:"
	Type Type
	Ops  []Op // the operators it supports, in the order messages list them
}

// Schema is the attributes a filter may use. Their names are matched without
// case, as RFC 7644 wants it, so no two may differ in case only; "and", "or"
// and "not" are keywords and can't be names.
type Schema []Attribute

// Expr is a parsed filter: an [*And], [*Or], [*Not] or [*Compare], and nothing
// else. Its String method prints it in a canonical spelling, which Parse reads
// back as the same expression unless it outgrows MaxLength.
type Expr interface {
	fmt.Stringer
	isExpr()
}

// And holds when all of Exprs hold. Parse makes it of two or more, none of
// which is an And.
type And struct{ Exprs []Expr }

// Or holds when one of Exprs holds. Parse makes it of two or more, none of
// which is an Or.
type Or struct{ Exprs []Expr }

// Not holds when Expr does not.
type Not struct{ Expr Expr }

// Compare holds when the attribute's value stands in the relation Op to the
// one given here.
type Compare struct {
	Attribute string // canonical name
	Op        Op

	// Text is the value: folded for String, as given for Exact, and for Time
	// the canonical RFC 3339 text of Time below. It is valid UTF-8 without
	// U+0000, but may be empty.
	Text string

	// Time is the value of a Time attribute, in UTC and with the nanoseconds
	// of the input; a store that keeps less has to mind that. It is zero for
	// the other types.
	Time time.Time

	// Position is the byte offset of the comparison, where its attribute is
	// named, for errors that only the caller can find.
	Position int
}

func (*And) isExpr()     {}
func (*Or) isExpr()      {}
func (*Not) isExpr()     {}
func (*Compare) isExpr() {}

func (e *And) String() string {
	terms := make([]string, len(e.Exprs))
	for i, term := range e.Exprs {
		switch term.(type) {
		case *And, *Or:
			terms[i] = "(" + term.String() + ")"
		default:
			terms[i] = term.String()
		}
	}
	return strings.Join(terms, " and ")
}

func (e *Or) String() string {
	terms := make([]string, len(e.Exprs))
	for i, term := range e.Exprs {
		if _, same := term.(*Or); same {
			terms[i] = "(" + term.String() + ")"
		} else {
			terms[i] = term.String()
		}
	}
	return strings.Join(terms, " or ")
}

func (e *Not) String() string { return "not (" + e.Expr.String() + ")" }

func (e *Compare) String() string {
	return e.Attribute + " " + e.Op.String() + " " + Quote(e.Text)
}

// Values returns every Text that the attribute of this canonical name is
// compared to anywhere in e, in order of appearance and with repetitions. It
// includes what stands under an Or or a Not or with an operator other than EQ:
// it tells what a filter names, not what it is restricted to. A nil e, which
// callers have for no filter, has no values.
func Values(e Expr, attribute string) []string {
	var values []string
	each(e, func(c *Compare) {
		if c.Attribute == attribute {
			values = append(values, c.Text)
		}
	})
	return values
}

// Mentions tells whether e compares the attribute of this canonical name
// anywhere. A nil e mentions nothing.
func Mentions(e Expr, attribute string) bool { return len(Values(e, attribute)) > 0 }

// each visits the comparisons of e from left to right.
func each(e Expr, visit func(*Compare)) {
	switch e := e.(type) {
	case *And:
		for _, term := range e.Exprs {
			each(term, visit)
		}
	case *Or:
		for _, term := range e.Exprs {
			each(term, visit)
		}
	case *Not:
		each(e.Expr, visit)
	case *Compare:
		visit(e)
	}
}

// Fold returns the form of s in which String values are compared. Whoever
// stores such an attribute keeps Fold of it in a key column beside it, so that
// the database compares bytes and both engines agree.
//
// It is strings.ToLower: character by character, the same in every locale, and
// Fold(Fold(s)) == Fold(s). It neither normalizes nor expands, so "é" written
// as one character and as two stay different, as do "ß" and "ss" or "σ" and
// "ς". s is valid UTF-8; an invalid byte would become U+FFFD. A change to Fold
// is a change of the stored keys and needs a migration.
func Fold(s string) string { return strings.ToLower(s) }
