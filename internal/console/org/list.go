package org

import (
	"net/url"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
)

// pageSize is how many rows a list shows.
const pageSize = 50

// listing is a list whose whole state is in its address: what is looked for, the
// order, the columns, the place. An address is therefore a view that can be shared;
// savedViews gives it a name.
type listing struct {
	Path    string
	Query   url.Values
	All     []ui.Column // that there are
	Columns []ui.Column // that are shown, in order
	Sort    string      // with sign
	Next    string      // cursor
	Total   int64       // -1: not known
	Views   savedViews
}

// newListing reads the state of a list from its address. shown are the columns that
// are shown if nothing else is asked for.
func newListing(q *frame.Request, all []ui.Column, shown []string, sort string) *listing {
	l := &listing{Path: q.URL.Path, Query: q.URL.Query(), All: all, Sort: q.Value("sort"), Total: -1}
	if l.Sort == "" {
		l.Sort = sort
	}
	if asked := q.Value("columns"); asked != "" {
		shown = strings.Split(asked, ",")
	}
	by, descending := strings.CutPrefix(l.Sort, "-")
	for _, key := range shown {
		i := slices.IndexFunc(all, func(c ui.Column) bool { return c.Key == key })
		if i < 0 || slices.ContainsFunc(l.Columns, func(c ui.Column) bool { return c.Key == key }) {
			continue
		}
		c := all[i]
		c.Drag = true
		if c.Sort != "" {
			to := c.Sort
			if c.Sort == by {
				c.Order = "ascending"
				if descending {
					c.Order = "descending"
				} else {
					to = "-" + to
				}
			}
			c.Href = l.with("sort", to, "next", "")
		}
		l.Columns = append(l.Columns, c)
	}
	if len(l.Columns) == 0 {
		l.Query.Del("columns")
		first := all[0]
		first.Drag = true
		l.Columns = []ui.Column{first}
	}
	return l
}

// with is the address of the list with changes.
func (l *listing) with(changes ...string) string { return ui.Query(l.Path, l.Query, changes...) }

func (l *listing) first() string {
	if !l.Query.Has("next") {
		return ""
	}
	return l.with("next", "")
}

func (l *listing) next() string {
	if l.Next == "" {
		return ""
	}
	return l.with("next", l.Next)
}

func (l *listing) keys() []string {
	keys := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		keys[i] = c.Key
	}
	return keys
}

// move is the address of the list with the column at i by places further to the
// right, or without it if by is 0.
func (l *listing) move(i, by int) string {
	keys := l.keys()
	key := keys[i]
	keys = slices.Delete(keys, i, i+1)
	if by != 0 {
		keys = slices.Insert(keys, max(0, min(len(keys), i+by)), key)
	}
	return l.with("columns", strings.Join(keys, ","))
}

// missing are the columns that are not shown.
func (l *listing) missing() []ui.Column {
	return slices.DeleteFunc(slices.Clone(l.All), func(c ui.Column) bool { return slices.Contains(l.keys(), c.Key) })
}

func (l *listing) add(key string) string {
	return l.with("columns", strings.Join(append(l.keys(), key), ","))
}

// filtered tells whether anything is looked for.
func (l *listing) filtered(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return l.Query.Get(name) != "" })
}

// placed says where in a list the page is.
func placed(l *listing, shown int) string {
	switch {
	case l.Next == "" && !l.Query.Has("next"):
		return "All of them are shown."
	case l.Query.Has("next"):
		return "Further " + ui.Number(int64(shown)) + "."
	}
	return "The first " + ui.Number(int64(shown)) + "."
}

// quote writes text as a string of a SCIM filter.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ", "\t", " ").Replace(text) + `"`
}

// total says how much there is of a list, or of a page where that is not counted.
func total(n int64, shown int, one, many string) string {
	count, where := n, ""
	if n < 0 {
		count, where = int64(shown), " on this page"
	}
	if count == 1 {
		return "1 " + one + where
	}
	return ui.Number(count) + " " + many + where
}
