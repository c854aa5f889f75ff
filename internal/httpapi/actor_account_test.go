package httpapi_test

import (
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// accounts are people who are signed in to the console, by cookies that they show
// at every surface. A session that idles ends, so they sign in anew as the clock
// moves on; see admit.
func (e *actorEstate) accounts(t *testing.T) []*actor {
	t.Helper()
	signedIn := func(name string, account estate.Account) *actor {
		b := newBrowser(e.Env, e.Console())
		a := &actor{name: name, session: b}
		a.renew = func() {
			in := e.SignIn(account)
			b.cookies, b.csrf = in.Cookies, in.CSRF
		}
		return a
	}
	stranger := e.NewOrganization("Strange accounts")
	theirs := e.SubscriptionOf(stranger.ID, 5)
	foreign := signedIn("owner of a subscription of another organization", e.Account(stranger.ID, "stranger@example.com", theirs))
	foreign.foreign = true
	forged := signedIn("owner of the subscription, by a page of another site", e.Account(e.Organization.ID, "forged@example.com", e.subscription))
	renew := forged.renew
	forged.renew = func() { renew(); forged.session.csrf = "" }
	return []*actor{
		signedIn("owner of the subscription", e.Account(e.Organization.ID, "owner@example.com", e.subscription)),
		signedIn("owner of another subscription", e.Account(e.Organization.ID, "other@example.com", e.Subscription(5))),
		signedIn("account that owns nothing", e.Account(e.Organization.ID, "nobody@example.com")),
		forged, foreign,
	}
}

// TestAccountSessionEnds signs accounts in, and looks when they are in no more.
func TestAccountSessionEnds(t *testing.T) {
	e := testenv.New(t)
	account := e.Account(e.Organization.ID, "owner@example.com", e.Subscription(5))
	get := func(s testenv.Session) int {
		return e.Do(testenv.Request{URL: e.Console() + "/api/core/subscriptions", Header: s.Header()}).Status
	}
	idle, busy := e.SignIn(account), e.SignIn(account)
	for i := range 5 {
		if got := get(busy); got != 200 {
			t.Fatalf("after %d minutes: %d", i*15, got)
		}
		e.Clock.Advance(15 * time.Minute)
	}
	if got := get(idle); got != 401 {
		t.Errorf("after an hour of nothing: %d", got)
	}
	for range 24 * 4 {
		get(busy)
		e.Clock.Advance(15 * time.Minute)
	}
	if got := get(busy); got != 401 {
		t.Errorf("after more than a day: %d", got)
	}
}
