package people_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestBrowser_SingleSignOn sets single sign-on up at the console as an owner does,
// from the form over the test to the sign-in of an account by it; looks at what who is
// refused sees, ends a session from another browser's page, and takes back what a
// program may. One server and one browser.
func TestBrowser_SingleSignOn(t *testing.T) {
	p := atConsole(t)
	provider := p.OpenIDProvider(person("grace", "grace@acme.example", true))
	p.Account(p.Organization.ID, "grace@acme.example")
	b := consoletest.Open(t)
	b.Go(p.URL + p.link())
	b.Click(".btn-primary")
	b.WaitText("You have nothing to sign in with yet")

	b.Go(p.URL + "/identity-providers")
	b.WaitText("Accounts sign in by what this server keeps itself.")
	b.Check("sso-none")
	b.Go(p.URL + "/identity-providers/new-oidc")
	b.Type("#f-discovery", provider.URL+"/.well-known/openid-configuration")
	b.Type("#f-client", "freehold")
	b.Type("#f-password", "wrong")
	b.Type("#f-description", "Acme ID")
	b.Check("sso-new")
	b.Click("main .btn-primary")
	b.WaitText("The identity provider is saved.")
	b.Check("sso-provider")
	b.Click(`a[href^="/login/test?idp="]`)
	b.WaitText("The test has failed")
	b.WaitText("Check the client id and the client secret")
	b.Check("sso-test-failed")
	b.Click(`a[href^="/identity-providers/"]`)
	b.Click(`a[href$="/edit"]`)
	b.Type("#f-password", "the secret of the client")
	b.Click("main .btn-primary")
	b.WaitText("Saved.")
	b.Click(`a[href^="/login/test?idp="]`)
	b.WaitText("The test has passed.")
	b.WaitText("grace@acme.example")
	b.Check("sso-test-passed")
	b.Click(`form[action$="/promote"] button`)
	b.WaitText("The options are in force.")

	// The owner connects the own account, beside a session elsewhere that is ended.
	provider.Person(person("ada-at-acme", email, true))
	elsewhere := p.SignIn(estate.Account{ID: estate.AccountID(p.person.ID), Organization: p.Organization.ID})
	b.Go(p.URL + "/account")
	b.Click(`form[action$="/end"] button`)
	b.WaitText("The session has ended.")
	if answer := p.Do(testenv.Request{URL: p.URL + "/api/core/subscriptions", Header: elsewhere.Header()}); answer.Status != 401 {
		t.Errorf("the session goes on: %d", answer.Status)
	}
	b.Click(`a[href="/login?link=yes"]`)
	b.WaitText("ada-at-acme")
	b.Check("people-account-connected")
	b.Click(`form[action="/account/sign-out"] button`)
	b.WaitText("You are signed out.")

	// Grace, whose account nobody has used, comes in by it; Ada does by her subject.
	provider.Person(person("grace", "grace@acme.example", true))
	b.Go(p.URL + "/login/local")
	b.Check("people-login-sso")
	b.Click(`a[href^="/login?idp="]`)
	b.WaitText("grace@acme.example")
	b.Go(p.URL + "/subscriptions")
	b.WaitText("freehold operator subscription update")
	b.Check("people-refused-no-owner")
	b.Go(p.URL + "/account")
	b.Click(`form[action="/account/sign-out"] button`)
	b.WaitText("You are signed out.")
	provider.Person(person("mallory", email, true))
	b.Go(p.URL + "/login/local")
	b.Click(`a[href^="/login?idp="]`)
	b.WaitText("One more step for your account")
	b.Check("people-refused-link-first")
	provider.Person(person("unknown", "unknown@acme.example", true))
	b.Go(p.URL + "/login/local")
	b.Click(`a[href^="/login?idp="]`)
	b.WaitText("No account for you here")
	b.Check("people-refused-no-account")
	provider.Person(person("ada-at-acme", "changed@acme.example", false))
	b.Go(p.URL + "/login/local?returnto=/account/programs")
	b.Click(`a[href^="/login?idp="]`)
	b.WaitText("No program acts for you")

	// What a program may is seen, and taken back.
	surface := estate.Surface{Kind: estate.SurfaceConsole, Origin: p.URL}
	actor, err := p.App.SignIn.AccountActor(t.Context(), p.Organization.ID, estate.AccountID(p.person.ID))
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := p.App.Credential.AuthorizeDevice(t.Context(), surface, credential.Credentials{ClientID: api.CLIClientID}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.App.Credential.DecideDevice(t.Context(), surface, credential.Person{Actor: actor, AuthenticatedAt: p.Clock.Now()}, waiting.UserCode, true); err != nil {
		t.Fatal(err)
	}
	token, err := p.App.Credential.IssueToken(t.Context(), surface, credential.TokenRequest{
		GrantType: api.GrantDeviceCode, DeviceCode: waiting.DeviceCode, Credentials: credential.Credentials{ClientID: api.CLIClientID},
	})
	if err != nil {
		t.Fatal(err)
	}
	status := func() int {
		return p.Do(testenv.Request{URL: p.URL + "/api/core/subscriptions", Token: token.Value}).Status
	}
	if got := status(); got != 200 {
		t.Errorf("the program's token: %d", got)
	}
	b.Go(p.URL + "/account/programs")
	b.WaitText("Freehold command line")
	b.Check("people-programs")
	b.Click(`form[action$="/withdraw"] button`)
	b.WaitText("It is taken back.")
	if got := status(); got != 401 {
		t.Errorf("the program's token, taken back: %d", got)
	}
}

// TestBrowser_TenantSingleSignOn signs a user in by the identity provider of a tenant,
// tests another configuration as an administrator, and looks at who may not.
func TestBrowser_TenantSingleSignOn(t *testing.T) {
	p := atTenant(t)
	provider := p.OpenIDProvider(person("grace", "grace@acme.example", true))
	admin := estate.Actor{
		Kind: estate.ActorUser, ID: "admin", Scope: p.tenant.Scope(), Roles: []estate.RoleName{estate.RoleTenantAdmin}, Permissions: estate.Permissions{api.ScopeAdminClassic},
	}
	made, err := p.App.SignIn.CreateIdentityProvider(t.Context(), admin, provider.Request(false))
	if err != nil {
		t.Fatal(err)
	}
	b := consoletest.Open(t)
	b.Go(p.URL + "/login?returnto=/account")
	b.WaitText("Sign-in and sessions")
	b.WaitText("Identity provider")
	b.Check("people-tenant-account-sso")
	b.Go(p.URL + "/login/test/result?idp=" + string(made.ID))
	b.WaitText("TenantAdmin")
	b.Check("people-tenant-result-refused")
	b.Go(p.URL + "/admin")
	b.WaitText("TenantAdmin")
	b.Check("people-tenant-refused")
	provider.Deny("access_denied")
	b.Go(p.URL + "/account")
	b.Click(`form[action="/account/sign-out"] button`)
	b.WaitText("You are signed out.")
	b.Go(p.URL + "/login/local")
	b.Click(`a[href^="/login?prompt=login"]`)
	b.WaitText("The identity provider did not sign you in")
	b.Check("people-tenant-login-refused")
	days := 30
	region := estate.Actor{
		Kind: estate.ActorClient, ID: "region client", Level: estate.LevelRegion, Permissions: estate.Permissions{api.ScopeTenantsDeactivate},
		Scope: estate.Scope{Organization: p.tenant.Organization, Subscription: p.tenant.Subscription, Region: p.tenant.Region},
	}
	confirm := strings.TrimPrefix(p.URL[:strings.LastIndex(p.URL, ":")], "http://")
	if _, err := p.App.Tenancy.DeactivateTenant(t.Context(), region, p.tenant.ID, tenancy.Deactivation{Confirm: confirm, PurgeAfterDays: &days}); err != nil {
		t.Fatal(err)
	}
	b.Go(p.URL + "/login/local")
	b.WaitText("Owners of its subscription")
	b.Check("people-tenant-deactivated")
}
