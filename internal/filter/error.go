package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// Error says what is wrong with a filter or sort parameter, and where.
type Error struct {
	Position int    // byte offset in the input, from 0 to its length
	Detail   string // written for the caller; safe to show, and never long
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Position, e.Detail) }

func errorAt(position int, format string, args ...any) error {
	return &Error{Position: position, Detail: fmt.Sprintf(format, args...)}
}

// show quotes a piece of the input for an error's detail: printable whatever
// it is, and cut if it is long.
func show(s string) string {
	const enough = 40
	if len(s) > enough {
		s = strings.ToValidUTF8(s[:enough], "") + "…"
	}
	return strconv.Quote(s)
}

func unknownAttribute(position int, name string, known []string) error {
	return errorAt(position, "unknown attribute %s; known are %s", show(name), strings.Join(known, ", "))
}

// sameName compares names and keywords, which are ASCII, without case. The
// length keeps out what Unicode folds into ASCII, such as "ſ" to "s".
func sameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }
