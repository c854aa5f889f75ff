// Package paging writes and reads the cursors that lists are paged by, and says
// what is wrong with the parameters of a list.
package paging

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// A cursor is a position in a sorted list. It names the values it stands between
// rather than a row number, so it stays right while rows come and go, and reading
// on from it costs the same anywhere. It carries no rights: every page is
// restricted to what its reader may see anew.
type cursor[P any] struct {
	List     string `json:"l"` // which list it was made for, and in which order
	Position *P     `json:"p"`
}

// ErrCursor is the error for a text that is no cursor of the list it came to.
var ErrCursor = errors.New("is not a cursor of this list in this order; take it from the links of a page, or start again without one")

// MaxCursor bounds the text of a cursor; names of 256 characters fit well.
const MaxCursor = 8 << 10

// Format returns a cursor of list, which must name the list among all others and
// its order.
func Format[P any](list string, position P) string {
	text, err := json.Marshal(cursor[P]{List: list, Position: &position})
	if err != nil {
		panic(err) //nolint:forbidigo // positions are structs of texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Parse reads what Format wrote for the same list. Whatever else text is, the error
// is ErrCursor.
func Parse[P any](list, text string) (position P, err error) {
	if len(text) > MaxCursor {
		return position, ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return position, ErrCursor
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	var c cursor[P]
	if err := decoder.Decode(&c); err != nil || c.List != list || c.Position == nil {
		return position, ErrCursor
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return position, ErrCursor // something follows
	}
	return *c.Position, nil
}

// Place is a position in a list that is sorted by any of its attributes.
type Place struct {
	Values Values `json:"v"`
	ID     string `json:"i"`
}

// Values are those of the sort keys: a string each, or an int64.
type Values []any

// UnmarshalJSON implements json.Unmarshaler. Numbers are read exactly, which
// microseconds since 1970 are too long for as a float.
func (v *Values) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var values []any
	if err := decoder.Decode(&values); err != nil {
		return err
	}
	for i, value := range values {
		switch value := value.(type) {
		case string:
		case json.Number:
			n, err := value.Int64()
			if err != nil {
				return err
			}
			values[i] = n
		default:
			return ErrCursor
		}
	}
	*v = values
	return nil
}

// Sorted names a list in an order, for Format and Parse.
func Sorted(list string, sort []filter.SortKey) string {
	parts := make([]string, len(sort))
	for i, key := range sort {
		parts[i] = key.Attribute
		if key.Descending {
			parts[i] = "-" + key.Attribute
		}
	}
	return list + ":" + strings.Join(parts, ",")
}

// Sent returns the cursor that the caller sent, and in which of the parameters next
// and prev; both are empty where there is none.
func Sent(next, prev string) (parameter, text string, err error) {
	switch {
	case next != "" && prev != "":
		return "", "", BadParameter("prev", "next and prev exclude each other")
	case next != "":
		return "next", next, nil
	case prev != "":
		return "prev", prev, nil
	}
	return "", "", nil
}

// Narrowed is a filter, possibly empty, narrowed to where a comparison holds for one of
// the values.
func Narrowed(text, attribute, op string, values ...string) string {
	terms := make([]string, len(values))
	for i, value := range values {
		terms[i] = attribute + " " + op + " " + filter.Quote(value)
	}
	term := strings.Join(terms, " or ")
	switch {
	case text != "":
		return "(" + text + ") and (" + term + ")"
	case len(terms) > 1:
		return "(" + term + ")"
	}
	return term
}

// BadParameter is the error for a query parameter that can't be taken.
func BadParameter(name, detail string) error {
	return estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid "+name, detail).InParameter(name, detail)
}

// Unparsed is the error for a query parameter that does not parse. Of a filter it
// tells where.
func Unparsed(name string, err error) error {
	field := estate.Field{Parameter: name, Detail: err.Error()}
	var at *filter.Error
	if errors.As(err, &at) {
		field.Meta = map[string]int{"position": at.Position}
	}
	e := estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid "+name, err.Error())
	e.Fields = []estate.Field{field}
	return e
}
