package filter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// value reads the value of an attribute of type t, for Compare.
func (p *parser) value(t Type) (string, time.Time, error) {
	if p.skipSpace(); p.next() != '"' {
		return "", time.Time{}, p.expected("a value in double quotes")
	}
	start := p.pos
	text, err := p.quoted()
	if err != nil {
		return "", time.Time{}, err
	}
	switch t {
	case String:
		return Fold(text), time.Time{}, nil
	case Time:
		at, ok := parseTime(text)
		if !ok {
			return "", time.Time{}, timeError(start, text)
		}
		return at.Format(time.RFC3339Nano), at, nil
	default:
		return text, time.Time{}, nil
	}
}

// rfc3339 is the form of a time, which time.Parse checks less strictly: it lets
// a comma begin the fraction, an hour have one digit and an offset be a day.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// parseTime reads a time of RFC 3339, or a date. Digits beyond nanoseconds are
// dropped. It refuses leap seconds, which time.Time doesn't know, and what its
// offset puts outside the years 0 to 9999 of UTC, which can't be written back.
func parseTime(text string) (time.Time, bool) {
	layout := time.DateOnly
	text = strings.ToUpper(text) // the RFC leaves the case of "T" and "Z" open
	if rfc3339.MatchString(text) {
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, text)
	t = t.UTC()
	return t, err == nil && 0 <= t.Year() && t.Year() <= 9999
}

func timeError(position int, text string) error {
	hint := ""
	if strings.Contains(text, " ") { // most likely an offset's "+" that was not encoded
		hint = ` (in a URL, "+" is written "%2B")`
	}
	return errorAt(position, `expected a time of RFC 3339, such as "2026-01-02T15:04:05Z" or "2026-01-02", found %s%s`, show(text), hint)
}

// quoted reads a JSON string. It is stricter than encoding/json, which
// replaces invalid UTF-8 and half surrogate pairs: a filter that was damaged on
// its way must not match something else.
func (p *parser) quoted() (string, error) {
	start := p.pos
	p.pos++ // the opening quote
	var text strings.Builder
	for !p.atEnd() {
		r, size := utf8.DecodeRuneInString(p.input[p.pos:])
		switch {
		case r == '"':
			p.pos++
			return text.String(), nil
		case r == '\\':
			escaped, err := p.escape()
			if err != nil {
				return "", err
			}
			text.WriteRune(escaped)
			continue
		case r < ' ':
			return "", errorAt(p.pos, `a control character in a value must be escaped, as \u%04x`, r)
		case r == utf8.RuneError && size == 1:
			return "", errorAt(p.pos, "the value is not valid UTF-8")
		}
		text.WriteRune(r)
		p.pos += size
	}
	return "", errorAt(start, "the value that begins here has no closing double quote")
}

// Escapes of one letter, and what they stand for.
const (
	escapeLetters = `"\/bfnrt`
	escapedBytes  = "\"\\/\b\f\n\r\t"
)

// escape reads an escape sequence of JSON. It refuses U+0000, which PostgreSQL
// can't hold in a text and SQLite cuts texts at in places.
func (p *parser) escape() (rune, error) {
	start := p.pos
	rest := p.input[start:]
	if len(rest) > 1 {
		if i := strings.IndexByte(escapeLetters, rest[1]); i >= 0 {
			p.pos += 2
			return rune(escapedBytes[i]), nil
		}
	}
	r, ok := codeUnit(rest)
	if !ok {
		return 0, errorAt(start, `invalid escape in a value; valid are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits`)
	}
	p.pos += escapeSize
	if utf16.IsSurrogate(r) {
		low, _ := codeUnit(p.input[p.pos:])
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, errorAt(start, "the escape is half of a surrogate pair without the other half")
		}
		p.pos += escapeSize
	}
	if r == 0 {
		return 0, errorAt(start, "the character U+0000 can't be part of a value")
	}
	return r, nil
}

const escapeSize = len(`\u0000`)

// codeUnit returns the UTF-16 code unit of the \uXXXX that s begins with.
func codeUnit(s string) (rune, bool) {
	if len(s) < escapeSize || !strings.HasPrefix(s, `\u`) {
		return 0, false
	}
	unit, err := strconv.ParseUint(s[2:escapeSize], 16, 16)
	return rune(unit), err == nil
}

// Quote writes s as a value of a filter, escaping only what must be.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
