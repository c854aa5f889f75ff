package tenancy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// A cursor is a position in a sorted list. It names the values it stands
// between rather than a row number, so it stays right while tenants come and go,
// and reading on from it costs the same anywhere. It carries no rights: every
// page is restricted to the caller's scope anew.
type cursor struct {
	Sort   string `json:"s"` // the order it was made for
	Values []any  `json:"v"` // strings, or integer microseconds
	ID     string `json:"i"`
}

var (
	errCursor     = errors.New("is not a cursor of this list; take it from links.next or links.prev")
	errCursorSort = errors.New("was made for another sort order; keep sort as it was, or start again without a cursor")
)

// maxCursor bounds the text of a cursor; names of 256 characters fit well.
const maxCursor = 8 << 10

func formatCursor(p store.TenantPosition, sort []filter.SortKey) string {
	text, err := json.Marshal(cursor{Sort: sortText(sort), Values: p.Values, ID: string(p.ID)})
	if err != nil {
		panic(err) //nolint:forbidigo // strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string, sort []filter.SortKey) (*store.TenantPosition, error) {
	if len(text) > maxCursor {
		return nil, errCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errCursor
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // microseconds don't fit a float exactly
	var c cursor
	if err := decoder.Decode(&c); err != nil {
		return nil, errCursor
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errCursor // something follows
	}
	if c.Sort != sortText(sort) {
		return nil, errCursorSort
	}
	p := &store.TenantPosition{ID: estate.TenantID(c.ID), Values: slices.Clone(c.Values)}
	for i, v := range p.Values {
		switch v := v.(type) {
		case string:
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, errCursor
			}
			p.Values[i] = n
		default:
			return nil, errCursor
		}
	}
	if !p.Fits(sort) {
		return nil, errCursor
	}
	return p, nil
}

func sortText(sort []filter.SortKey) string {
	parts := make([]string, len(sort))
	for i, key := range sort {
		parts[i] = key.Attribute
		if key.Descending {
			parts[i] = "-" + key.Attribute
		}
	}
	return strings.Join(parts, ",")
}
