package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func exchangeForm(subject string, more ...string) url.Values {
	form := url.Values{"grant_type": {api.GrantTokenExchange}, "subject_token": {subject}, "subject_token_type": {api.TokenTypeAccessToken}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func TestTokenExchange_NarrowsToTenant(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant, second, elsewhere := e.Tenant(sub, "us"), e.Tenant(sub, "us"), e.Tenant(sub, "eu")
	region := e.RegionClient(sub, "us")
	organization := e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead, api.ScopeAdminClassic)
	register, console := e.Token(e.Register("us"), region), e.Token(e.Console(), organization)
	e.Clock.Advance(time.Hour)

	swap := func(origin, subject string, more ...string) api.TokenResponse {
		t.Helper()
		res, body := postForm(t, e, origin+"/oauth/token", exchangeForm(subject, more...), nil)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("exchange at %s: %d %s", origin, res.StatusCode, body)
		}
		return tokenOf(t, body)
	}
	get := func(origin, path, token string) int {
		t.Helper()
		res, _ := exchangeHTTP(t, e, http.MethodGet, origin+path, http.Header{"Authorization": {"Bearer " + token}}, nil)
		return res.StatusCode
	}
	const resource = "/api/v1/licenses/overview"

	for name, c := range map[string]struct {
		subject string
		client  testenv.Credentials
		level   estate.Level
	}{
		"region":       {register, region, estate.LevelRegion},
		"organization": {console, organization, estate.LevelOrganization},
	} {
		origin := e.TenantURL(tenant)
		token := swap(origin, c.subject)
		claims, before := claimsOf(t, token.AccessToken), claimsOf(t, c.subject)
		if token.Scope != api.ScopeAdminClassic || token.IssuedTokenType != api.TokenTypeAccessToken || token.ExpiresIn != int64((5*time.Hour).Seconds()) {
			t.Errorf("%s: answer %+v", name, token)
		}
		if claims.ExpiresAt != before.ExpiresAt || claims.ClientID != string(c.client.ID) || claims.Level != string(c.level) ||
			claims.Tenant != string(tenant.ID) || claims.Audience != origin || claims.User == "" || !claims.Exchanged {
			t.Errorf("%s: claims %+v", name, claims)
		}
		if status := get(origin, resource, token.AccessToken); status != http.StatusOK {
			t.Errorf("%s: at the tenant: %d", name, status)
		}
		if status := get(e.TenantURL(second), resource, token.AccessToken); status != http.StatusUnauthorized {
			t.Errorf("%s: at another tenant: %d", name, status)
		}
		// Again, in place; but no further.
		again := swap(origin, token.AccessToken, "purpose", "websocket", "client_id", string(c.client.ID))
		if status := get(origin, resource, again.AccessToken); status != http.StatusOK {
			t.Errorf("%s: exchanged twice: %d", name, status)
		}
		for _, foreign := range []string{e.TenantURL(second), e.Console(), e.Register("us")} {
			res, body := postForm(t, e, foreign+"/oauth/token", exchangeForm(token.AccessToken), nil)
			if res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != "invalid_target" {
				t.Errorf("%s: a tenant's token at %s: %d %s", name, foreign, res.StatusCode, body)
			}
		}
	}
	if status := get(e.TenantURL(elsewhere), resource, swap(e.TenantURL(elsewhere), console).AccessToken); status != http.StatusOK {
		t.Errorf("an organization's token in another region: %d", status)
	}
	if token := swap(e.Register("us"), register, "scope", api.ScopeTenantsCreate); token.Scope != api.ScopeTenantsCreate || claimsOf(t, token.AccessToken).Exchanged {
		t.Errorf("narrowed in place: %+v", token)
	}
	// The organization's client has no token of a tenant without the way above.
	res, body := postForm(t, e, e.TenantURL(tenant)+"/oauth/token", secretForm(organization), nil)
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an organization's secret at a tenant: %d %s", res.StatusCode, body)
	}
}

// A client whose scopes no longer let it into tenants is no longer in one.
func TestTokenExchange_ClientNarrowed(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(1), "us")
	client := e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead, api.ScopeAdminClassic)
	origin := e.TenantURL(tenant)
	res, body := postForm(t, e, origin+"/oauth/token", exchangeForm(e.Token(e.Console(), client)), nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if _, err := e.App.Credential.UpdateClient(t.Context(), testenv.Operator, credential.Realm{Scope: client.Client.Scope}, client.ID,
		[]credential.PatchOperation{{Op: "replace", Path: "/allowedScopes", Value: []string{api.ScopeOrgTenantsRead}}}); err != nil {
		t.Fatal(err)
	}
	bearer := http.Header{"Authorization": {"Bearer " + tokenOf(t, body).AccessToken}}
	if res, body := exchangeHTTP(t, e, http.MethodGet, origin+"/api/v1/licenses/overview", bearer, nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestTokenExchange_Refuses(t *testing.T) {
	e := testenv.New(t)
	sub, foreignSub := e.Subscription(5), e.Subscription(5)
	tenant, eu, neighbour := e.Tenant(sub, "us"), e.Tenant(sub, "eu"), e.Tenant(foreignSub, "us")
	other, err := e.App.Tenancy.CreateOrganization(t.Context(), testenv.Operator, "Other")
	if err != nil {
		t.Fatal(err)
	}
	stranger := e.Tenant(e.SubscriptionOf(other.ID, 2), "us")
	region := e.RegionClient(sub, "us")
	register := e.Token(e.Register("us"), region)
	admin := e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead, api.ScopeAdminClassic)
	console := e.Token(e.Console(), admin)
	reader := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	creator := e.Token(e.Register("us"), e.RegionClient(sub, "us", api.ScopeTenantsCreate))
	owned := e.Token(e.TenantURL(tenant), e.TenantClient(tenant))
	here := e.TenantURL(tenant)

	for name, c := range map[string]struct {
		origin string
		form   url.Values
		status int
		code   string
	}{
		"region, another region":       {e.TenantURL(eu), exchangeForm(register), 400, "invalid_target"},
		"region, another subscription": {e.TenantURL(neighbour), exchangeForm(register), 400, "invalid_target"},
		"region, another register":     {e.Register("eu"), exchangeForm(register), 400, "invalid_target"},
		"region, at the console":       {e.Console(), exchangeForm(register), 400, "invalid_target"},
		"organization, another's":      {e.TenantURL(stranger), exchangeForm(console), 400, "invalid_target"},
		"organization, at a register":  {e.Register("us"), exchangeForm(console), 400, "invalid_target"},
		"tenant, another tenant":       {e.TenantURL(eu), exchangeForm(owned), 400, "invalid_target"},
		"without admin_classic":        {here, exchangeForm(reader), 400, "invalid_scope"},
		"only tenants:create":          {here, exchangeForm(creator), 400, "invalid_scope"},
		"more scopes":                  {here, exchangeForm(register, "scope", "apps"), 400, "invalid_scope"},
		"another audience":             {here, exchangeForm(register, "audience", e.Console()), 400, "invalid_target"},
		"no token":                     {here, exchangeForm(""), 400, "invalid_request"},
		"no JWT":                       {here, exchangeForm("secret"), 400, "invalid_request"},
		"a changed token":              {here, exchangeForm(register[:len(register)-4] + "AAAA"), 400, "invalid_request"},
		"another type":                 {here, exchangeForm(register, "subject_token_type", "urn:ietf:params:oauth:token-type:saml2"), 400, "invalid_request"},
		"a refresh token":              {here, exchangeForm(register, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), 400, "invalid_request"},
		"another purpose":              {here, exchangeForm(register, "purpose", "fun"), 400, "invalid_request"},
		"another client":               {here, exchangeForm(register, "client_id", string(admin.ID)), 401, "invalid_client"},
		"a wrong secret":               {here, exchangeForm(register, "client_id", string(region.ID), "client_secret", admin.Secret), 401, "invalid_client"},
	} {
		res, body := postForm(t, e, c.origin+"/oauth/token", c.form, nil)
		if res.StatusCode != c.status || oauthErrorOf(t, body) != c.code {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	e.Clock.Advance(7 * time.Hour)
	if res, body := postForm(t, e, here+"/oauth/token", exchangeForm(register), nil); res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != "invalid_request" {
		t.Errorf("an expired token: %d %s", res.StatusCode, body)
	}
}

func TestTokenExchange_KeepsTheBinding(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	owner, thief := newSender(t, e), newSender(t, e)
	subject := owner.token(e.Register("us"), secretForm(e.RegionClient(sub, "us"))).AccessToken
	origin := e.TenantURL(tenant)
	target := origin + "/oauth/token"
	if res, body := postForm(t, e, target, exchangeForm(subject), nil); res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != "invalid_dpop_proof" {
		t.Errorf("without proof: %d %s", res.StatusCode, body)
	}
	stolen := http.Header{"Dpop": {thief.proof("POST", target, thief.nonce(origin), "", nil)}}
	if res, body := postForm(t, e, target, exchangeForm(subject), stolen); res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != "invalid_dpop_proof" {
		t.Errorf("with another key: %d %s", res.StatusCode, body)
	}
	token := owner.token(origin, exchangeForm(subject))
	if token.TokenType != "DPoP" || *claimsOf(t, token.AccessToken).Confirmation != *claimsOf(t, subject).Confirmation {
		t.Errorf("the binding changed: %+v", token)
	}
}

// TestTokenExchange_KeepsThePerson: what a browser client exchanges stays the
// token of the same person.
func TestTokenExchange_KeepsThePerson(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	bob := person(t, e, tenant, "bob", estate.UserActive)
	portal := impersonator(t, e, tenant, estate.ConsentTrusted, api.GrantUserImpersonation)
	target := e.TenantURL(tenant) + "/oauth/token"
	form := url.Values{
		"grant_type": {api.GrantUserImpersonation}, "client_id": {string(portal.ID)}, "client_secret": {portal.Secret},
		"user_lookup": {`{"field":"subject","value":"bob"}`},
	}
	res, body := postForm(t, e, target, form, nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	subject := tokenOf(t, body).AccessToken
	e.Clock.Advance(time.Hour)
	res, body = postForm(t, e, target, exchangeForm(subject, "purpose", "webresource", "client_id", string(portal.ID)), nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	// A revocation of the grant until a time between the two, of which this server has
	// not heard yet, counts for both.
	if c, was := claimsOf(t, tokenOf(t, body).AccessToken), claimsOf(t, subject); c.IssuedMillis != was.IssuedMillis || c.IssuedAt == was.IssuedAt {
		t.Errorf("claims %+v of %+v", c, was)
	}
	if c := claimsOf(t, tokenOf(t, body).AccessToken); c.User != string(bob.ID) || c.Actor == nil || c.Actor.Subject != string(portal.ID) || c.Exchanged {
		t.Errorf("claims %+v", c)
	}
}
