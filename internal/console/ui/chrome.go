// Package ui holds the components that all pages of the console are made of:
// shells, form fields, tables, dialogs, messages. They know nothing of requests;
// what a page says everywhere comes through Chrome, which frame puts into the
// context.
package ui

import (
	"context"
	"net/url"
	"time"
)

// Chrome is what stands around the content of a page.
type Chrome struct {
	Title   string
	Place   string // organization or tenant
	Person  string // who is signed in; empty: nobody
	Theme   string // "light", "dark" or empty: as the system has it
	Path    string // of the page, with its query
	Nav     []NavGroup
	SignOut string // path that a form posts to
	Account string // page about the person's own sign-in; empty: there is none
	Message *Message

	Asset func(name string) string // path of an asset
	Token func() string            // a token for one form
	Now   time.Time
}

// NavGroup is a part of the navigation.
type NavGroup struct {
	Title string // may be empty
	Items []NavItem
}

// NavItem is a link of the navigation.
type NavItem struct {
	Label string
	Href  string
	Key   string // of the keyboard that leads there; empty: none
	Here  bool   // the page is this one, or below it
}

// Message is told at the top of the next page.
type Message struct {
	Kind string // "success", "warning", "error" or "info"
	Text string
}

type chromeKey struct{}

// With returns a context that carries c.
func With(ctx context.Context, c *Chrome) context.Context {
	return context.WithValue(ctx, chromeKey{}, c)
}

// Of is the Chrome that ctx carries.
func Of(ctx context.Context) *Chrome {
	if c, ok := ctx.Value(chromeKey{}).(*Chrome); ok {
		return c
	}
	return &Chrome{Asset: func(string) string { return "" }, Token: func() string { return "" }}
}

// Query is the address path with the given query, in which changes replace what
// is there: pairs of name and value, of which an empty value takes the name out.
func Query(path string, query url.Values, changes ...string) string {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			q.Del(changes[i])
		} else {
			q.Set(changes[i], changes[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
