package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestSession_Seat: who signs in without a seat gets one as the settings say, of
// those that the subscription has left, and comes in without one too.
func TestSession_Seat(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenants := []estate.Tenant{e.Tenant(sub, "us"), e.Tenant(sub, "us")}
	portals := []*portal{newPortal(t, e, tenants[0]), newPortal(t, e, tenants[1])}
	settings := func(professional, analyzer bool) {
		t.Helper()
		for _, p := range portals {
			answer := e.Do(testenv.Request{
				Method: "PUT", URL: p.origin + "/api/v1/licenses/settings", Token: p.admin, JSON: api.LicenseSettings{AutoAssignProfessional: professional, AutoAssignAnalyzer: analyzer},
			})
			expect(t, "settings", answer, http.StatusOK, "")
		}
	}
	seats := func(of estate.SeatType, units int64) {
		t.Helper()
		if err := e.App.Directory.SetSeats(t.Context(), testenv.Operator, sub.ID, of, units); err != nil {
			t.Fatal(err)
		}
	}
	assigned := func(p *portal) (have []string) {
		t.Helper()
		var list api.LicenseAssignmentList
		e.Do(testenv.Request{URL: p.origin + "/api/v1/licenses/assignments", Token: p.admin}).Into(&list)
		for _, a := range list.Data {
			have = append(have, a.Subject+" "+a.Type)
		}
		return have
	}
	wants := func(what string, i int, want ...string) {
		t.Helper()
		if have := assigned(portals[i]); !slices.Equal(have, want) {
			t.Errorf("%s: %v, want %v", what, have, want)
		}
	}
	seats(estate.SeatProfessional, 1)
	seats(estate.SeatAnalyzer, 2)
	portals[0].signIn(t, "ada")
	wants("off", 0)
	settings(true, true)
	portals[0].signIn(t, "ada")
	portals[0].signIn(t, "ada")
	portals[0].signIn(t, "bob")
	wants("professional before analyzer", 0, "ada professional", "bob analyzer")
	settings(true, false)
	portals[1].signIn(t, "ada")
	wants("no professional seat is left, and analyzers' are not given", 1)
	settings(true, true)
	portals[1].signIn(t, "ada")
	portals[1].signIn(t, "bob")
	wants("the last one", 1, "ada analyzer")

	var records []string
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), tenants[1].Scope(), store.MaxPage)
		for _, r := range slices.Backward(all) {
			if r.Action == "license.assignment.add" {
				records = append(records, fmt.Sprint(r.Target, " ", r.Outcome))
			}
		}
		return err
	})
	if want := []string{"ada refused", "ada done", "bob refused"}; err != nil || !slices.Equal(records, want) {
		t.Errorf("records %v, want %v (%v)", records, want, err)
	}

	// Many at once, in both tenants: the subscription's seats are never oversold.
	const people, more = 8, 3
	seats(estate.SeatAnalyzer, 2+more)
	var all sync.WaitGroup
	for i := range 2 * people {
		token := portals[i%2].sign(t, fmt.Sprint("p", i))
		all.Go(func() {
			b := newBrowser(e, portals[i%2].origin)
			if answer := b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: token}); answer.Status != http.StatusOK {
				t.Errorf("sign in of p%d: %d", i, answer.Status)
			}
		})
	}
	all.Wait()
	if have := len(assigned(portals[0])) + len(assigned(portals[1])); have != 3+more {
		t.Errorf("%d seats are taken, want %d", have, 3+more)
	}
}

// TestSession_Navigation: no page of another host can end a session, or begin the
// test of an identity provider, by sending the browser there.
func TestSession_Navigation(t *testing.T) {
	e := testenv.New(t)
	p := newPortal(t, e, e.Tenant(e.Subscription(3), "us"))
	b := p.signIn(t, "ada")
	for _, from := range []string{"cross-site", "same-site"} {
		header := map[string]string{"Sec-Fetch-Site": from, "Sec-Fetch-Mode": "navigate"}
		expect(t, "log out, "+from, b.do(testenv.Request{URL: "/logout", Header: header}), http.StatusForbidden, api.CodeCSRF)
		test := e.Do(testenv.Request{URL: p.origin + "/login/test?idp=000000000000000000000000", Token: p.admin, Header: header})
		expect(t, "test, "+from, test, http.StatusForbidden, api.CodeCSRF)
	}
	if u := b.me(t); u.Subject != "ada" {
		t.Errorf("signed in is %q", u.Subject)
	}
	answer := b.do(testenv.Request{URL: "/logout", Header: map[string]string{"Sec-Fetch-Site": "same-origin"}})
	expect(t, "log out", answer, http.StatusFound, "")
	expect(t, "me, afterwards", b.do(testenv.Request{URL: "/api/v1/users/me"}), http.StatusUnauthorized, "AUTH-1")
}

// TestTenants_RegisterFilter: a filter in the body picks what it does in the query.
func TestTenants_RegisterFilter(t *testing.T) {
	e := testenv.New(t)
	sub, other := e.Subscription(3), e.Subscription(3)
	first := e.Tenant(sub, "us")
	e.Tenant(sub, "us")
	foreign := e.Tenant(other, "us")
	token := e.Token(e.Origin("register.us"), e.RegionClient(sub, "us"))
	filtered := func(filter string) (ids []string) {
		t.Helper()
		var list api.TenantList
		answer := e.Do(testenv.Request{URL: e.Origin("register.us") + "/api/v1/tenants/actions/filter?totalResults=true", Token: token, JSON: api.TenantFilterRequest{Filter: filter}})
		expect(t, filter, answer, http.StatusOK, "")
		answer.Into(&list)
		for _, one := range list.Data {
			ids = append(ids, one.ID)
		}
		return ids
	}
	if have := filtered(fmt.Sprintf(`id eq "%s" or id eq "%s"`, first.ID, foreign.ID)); !slices.Equal(have, []string{string(first.ID)}) {
		t.Errorf("filtered: %v", have)
	}
	if have := filtered(`status eq "active"`); len(have) != 2 {
		t.Errorf("active: %v", have)
	}
	wrong := e.Do(testenv.Request{URL: e.Origin("register.us") + "/api/v1/tenants/actions/filter", Token: token, JSON: api.TenantFilterRequest{Filter: "id is 1"}})
	expect(t, "wrong filter", wrong, http.StatusBadRequest, api.CodeInvalidRequest)
}
