package filter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a filter. They bound what a request can cost here and in the
// database, well above what a person or a program has reason to send.
const (
	MaxLength      = 64 << 10 // bytes
	MaxNesting     = 32       // levels of "(" and "not"; "not (" is one level
	MaxComparisons = 500
)

// Parse reads a filter whose attributes and their operators are those of
// schema. The error is an [*Error]. A blank input is an error too: only the
// caller knows whether a filter may be absent.
//
// The grammar, in which keywords, operators and attribute names are matched
// without case and white space separates words or is left out where nothing
// runs together:
//
//	or    = and *("or" and)
//	and   = not *("and" not)
//	not   = "not" not / "(" or ")" / attribute operator value
//	value = a string of JSON, in double quotes
func Parse(input string, schema Schema) (Expr, error) {
	if len(input) > MaxLength {
		return nil, errorAt(MaxLength, "the filter is longer than %d bytes", MaxLength)
	}
	p := parser{input: input, schema: schema}
	if p.skipSpace(); p.atEnd() {
		return nil, errorAt(0, "the filter is empty")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skipSpace(); !p.atEnd() {
		return nil, p.expected(`"and", "or" or the end of the filter`)
	}
	return e, nil
}

// parser is a recursive-descent parser without a separate scanner: pos is the
// next byte to read, and each method below reads one rule of the grammar.
type parser struct {
	input  string
	schema Schema
	pos    int

	nesting     int
	comparisons int
}

func (p *parser) or() (Expr, error) {
	var terms []Expr
	for more := true; more; more = p.accept("or") {
		term, err := p.and()
		if err != nil {
			return nil, err
		}
		if same, ok := term.(*Or); ok {
			terms = append(terms, same.Exprs...)
		} else {
			terms = append(terms, term)
		}
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return &Or{Exprs: terms}, nil
}

func (p *parser) and() (Expr, error) {
	var terms []Expr
	for more := true; more; more = p.accept("and") {
		term, err := p.not()
		if err != nil {
			return nil, err
		}
		if same, ok := term.(*And); ok {
			terms = append(terms, same.Exprs...)
		} else {
			terms = append(terms, term)
		}
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return &And{Exprs: terms}, nil
}

func (p *parser) not() (Expr, error) {
	p.skipSpace()
	start := p.pos
	if !p.accept("not") {
		if p.next() == '(' {
			return p.nested(start, p.group)
		}
		return p.compare()
	}
	// The parentheses after "not" are its own and no further level, so that
	// the canonical spelling, which always has them, nests no deeper.
	operand := p.not
	if p.skipSpace(); p.next() == '(' {
		operand = p.group
	}
	e, err := p.nested(start, operand)
	if err != nil {
		return nil, err
	}
	return &Not{Expr: e}, nil
}

// nested reads a rule one level further down. Every recursion passes here.
func (p *parser) nested(start int, rule func() (Expr, error)) (Expr, error) {
	if p.nesting == MaxNesting {
		return nil, errorAt(start, `the filter nests "(" and "not" deeper than %d levels`, MaxNesting)
	}
	p.nesting++
	e, err := rule()
	p.nesting--
	return e, err
}

func (p *parser) group() (Expr, error) {
	start := p.pos
	p.pos++ // the "("
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skipSpace(); p.next() != ')' {
		return nil, p.expected(`"and", "or" or the ")" for the "(" at byte %d`, start)
	}
	p.pos++
	return e, nil
}

func (p *parser) compare() (Expr, error) {
	start := p.pos
	attribute, err := p.attribute()
	if err != nil {
		return nil, err
	}
	if p.comparisons++; p.comparisons > MaxComparisons {
		return nil, errorAt(start, "the filter has more than %d comparisons", MaxComparisons)
	}
	op, err := p.operator(attribute)
	if err != nil {
		return nil, err
	}
	c := &Compare{Attribute: attribute.Name, Op: op, Position: start}
	c.Text, c.Time, err = p.value(attribute.Type)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (p *parser) attribute() (Attribute, error) {
	word := p.word()
	for _, keyword := range []string{"", "and", "or"} {
		if sameName(word, keyword) {
			return Attribute{}, p.expected(`an attribute, "not" or "("`)
		}
	}
	known := make([]string, len(p.schema))
	for i, attribute := range p.schema {
		if sameName(attribute.Name, word) {
			p.pos += len(word)
			return attribute, nil
		}
		known[i] = attribute.Name
	}
	return Attribute{}, unknownAttribute(p.pos, word, known)
}

// otherOpNames are the operators of RFC 7644 that no attribute supports.
var otherOpNames = []string{"pr", "sw", "ew"}

func (p *parser) operator(of Attribute) (Op, error) {
	p.skipSpace()
	word := p.word()
	names := make([]string, len(of.Ops))
	for i, op := range of.Ops {
		names[i] = op.String()
		if sameName(names[i], word) {
			p.pos += len(word)
			return op, nil
		}
	}
	supported := strings.Join(names, ", ")
	if word == "" {
		return 0, p.expected("an operator after the attribute %q, which supports %s", of.Name, supported)
	}
	word = strings.ToLower(word)
	if slices.Contains(opNames[:], word) || slices.Contains(otherOpNames, word) {
		return 0, errorAt(p.pos, "attribute %q does not support %q; it supports %s", of.Name, word, supported)
	}
	return 0, errorAt(p.pos, "unknown operator %s; attribute %q supports %s", show(word), of.Name, supported)
}

// accept reads the keyword if it is next, and tells whether it was.
func (p *parser) accept(keyword string) bool {
	p.skipSpace()
	if !sameName(p.word(), keyword) {
		return false
	}
	p.pos += len(keyword)
	return true
}

// word returns the keyword, operator or name at pos, or "" if there is none.
// It takes what RFC 7644 allows in the path of an attribute, and with that
// also numbers, so that a message can show them whole.
func (p *parser) word() string {
	end := p.pos
	for end < len(p.input) && inWord(p.input[end]) {
		end++
	}
	return p.input[p.pos:end]
}

func inWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '_' || c == '-' || c == '.' || c == ':'
}

func (p *parser) skipSpace() {
	for !p.atEnd() && strings.IndexByte(" \t\r\n", p.input[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) atEnd() bool { return p.pos == len(p.input) }

// next is the byte at pos, or 0 at the end.
func (p *parser) next() byte {
	if p.atEnd() {
		return 0
	}
	return p.input[p.pos]
}

// expected is the error for anything else at pos than what the format says.
func (p *parser) expected(format string, args ...any) error {
	return errorAt(p.pos, "expected %s, found %s", fmt.Sprintf(format, args...), p.found())
}

// found describes what is at pos.
func (p *parser) found() string {
	if p.atEnd() {
		return "the end of the filter"
	}
	if word := p.word(); word != "" {
		return show(word)
	}
	r, size := utf8.DecodeRuneInString(p.input[p.pos:])
	switch {
	case r == utf8.RuneError && size == 1:
		return "a byte that is not UTF-8"
	case r == '"':
		return "a double quote"
	}
	return show(string(r))
}
