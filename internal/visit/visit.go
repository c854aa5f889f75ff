// Package visit is what the pages of the console are told about a request: to
// which surface it came, and who is signed in. httpapi finds out, and knows
// nothing of pages; the pages decide what to make of it.
package visit

import (
	"context"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// Visit is a request for a page.
type Visit struct {
	Surface estate.Surface
	Actor   estate.Actor // zero: nobody is signed in
	TraceID string

	Session   estate.Session      // of Actor
	Guest     signin.Visitor      // who asks, also if nobody is signed in
	SignedIn  func(signin.Cookie) // hands the cookies of a session to the browser
	SignedOut func()              // makes the browser forget them

	// Problem is why there is no page to be had at all: the host is nobody's, or
	// its tenant is deactivated. The answer then only says so.
	Problem error

	// What the page tells for the log:
	Page string // its id
	Err  error  // why it failed
}

type key struct{}

// With returns a context that carries v.
func With(ctx context.Context, v *Visit) context.Context { return context.WithValue(ctx, key{}, v) }

// From is the visit that ctx carries, or an empty one.
func From(ctx context.Context) *Visit {
	if v, ok := ctx.Value(key{}).(*Visit); ok {
		return v
	}
	return &Visit{}
}
