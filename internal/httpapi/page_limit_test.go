package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// TestPages_Limited: a guest who sends forms without end is held up, and only there:
// who is signed in goes on, and after a while so does the guest.
func TestPages_Limited(t *testing.T) {
	e := testenv.NewAlone(t) // each server counts the pages that it is asked for
	guest := newBrowser(e, e.Console())
	send := func(b *browser) int {
		status, _, _ := b.page(t, "/login/local", url.Values{"email": {"x@example.com"}})
		return status
	}
	for i := range 300 {
		if status := send(guest); status != http.StatusConflict { // its token is none
			t.Fatalf("form %d: %d", i, status)
		}
	}
	if status := send(guest); status != http.StatusTooManyRequests {
		t.Errorf("one more: %d", status)
	}
	if status, _, _ := guest.page(t, "/login/local", nil); status != http.StatusOK {
		t.Errorf("looking at the page: %d", status)
	}
	in := e.SignIn(e.Account(e.Organization.ID, "ada@example.com"))
	ada := newBrowser(e, e.Console())
	ada.cookies, ada.csrf = in.Cookies, in.CSRF
	if status := send(ada); status == http.StatusTooManyRequests {
		t.Error("who is signed in waits for guests")
	}
	e.Clock.Advance(throttle.Span + throttle.Span)
	if status := send(guest); status != http.StatusConflict {
		t.Errorf("later: %d", status)
	}
}

// TestDevice_Limited: nobody alone makes a host have no room for devices.
func TestDevice_Limited(t *testing.T) {
	e := testenv.New(t)
	ask := func() testenv.Answer {
		return e.Do(testenv.Request{URL: e.Console() + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {api.CLIClientID}}})
	}
	for range 60 {
		expect(t, "device", ask(), http.StatusOK, "")
	}
	answer := ask()
	expect(t, "one more", answer, http.StatusTooManyRequests, api.CodeOAuthTooManyAttempts)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestDevice_OfAnotherOrganization: at the console nobody is asked about, or approves,
// a device of a client of another organization.
func TestDevice_OfAnotherOrganization(t *testing.T) {
	e := testenv.New(t)
	rival := e.NewOrganization("Rival")
	c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelOrganization, Scope: estate.Scope{Organization: rival.ID}, Name: "Rival's program", AppType: api.AppTypeWeb,
		Permissions: []string{api.ScopeOrgTenantsRead},
	})
	if err != nil {
		t.Fatal(err)
	}
	surface := estate.Surface{Kind: estate.SurfaceConsole, Origin: e.Console()}
	waiting, err := e.App.Credential.AuthorizeDevice(t.Context(), surface, credential.Credentials{ClientID: string(c.ID), Secret: secret}, "")
	if err != nil {
		t.Fatal(err)
	}
	person := func(organization estate.OrganizationID, email string) credential.Person {
		actor, err := e.App.SignIn.AccountActor(t.Context(), organization, e.Account(organization, email).ID)
		if err != nil {
			t.Fatal(err)
		}
		return credential.Person{Actor: actor, AuthenticatedAt: e.Clock.Now()}
	}
	ada, boss := person(e.Organization.ID, "ada@example.com"), person(rival.ID, "boss@example.com")
	if q, err := e.App.Credential.DeviceQuestion(t.Context(), surface, ada, waiting.UserCode); !estate.HasCode(err, api.CodeOAuthUserCode) || q.Client.Name != "" {
		t.Errorf("asked about %q, %v", q.Client.Name, err)
	}
	if _, err := e.App.Credential.DecideDevice(t.Context(), surface, ada, waiting.UserCode, true); !estate.HasCode(err, api.CodeOAuthUserCode) {
		t.Errorf("approved: %v", err)
	}
	if q, err := e.App.Credential.DeviceQuestion(t.Context(), surface, boss, waiting.UserCode); err != nil || q.Client.Name != "Rival's program" {
		t.Errorf("its own: %+v, %v", q, err)
	}
}
