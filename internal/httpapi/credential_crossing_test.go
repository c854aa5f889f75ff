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

// swapToken is the answer to an exchange: the token, or the error's name.
func swapToken(t *testing.T, e *testenv.Env, origin, subject string) (token, refused string) {
	t.Helper()
	res, body := postForm(t, e, origin+"/oauth/token", exchangeForm(subject), nil)
	if res.StatusCode != http.StatusOK {
		return "", oauthErrorOf(t, body)
	}
	return tokenOf(t, body).AccessToken, ""
}

// impersonation asks for a token with which c acts as the user with the subject.
func impersonation(t *testing.T, e *testenv.Env, origin string, c testenv.Credentials, subject string) testenv.Answer {
	t.Helper()
	return e.Do(tokenRequest(origin, map[string]any{
		"grant_type": api.GrantUserImpersonation, "client_id": c.ID, "client_secret": c.Secret, "user_lookup": map[string]any{"field": "subject", "value": subject},
	}))
}

// TestRevocation_StopsExchange revokes a token, or deletes the grant that it
// belongs to: nothing more can be had for it.
func TestRevocation_StopsExchange(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	here := e.TenantURL(tenant)
	region, organization := e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID, api.OrganizationClientScopes()...)
	admin := e.Token(here, e.TenantClient(tenant))

	for name, from := range map[string]struct {
		origin string
		client testenv.Credentials
		to     []string
	}{
		"register host":        {e.Register("us"), region, []string{e.Register("us"), here}},
		"console":              {e.Console(), organization, []string{e.Console(), here}},
		"tenant":               {here, region, []string{here}},
		"tenant, by its token": {here, e.TenantClient(tenant), []string{here}},
	} {
		subject := e.Token(from.origin, from.client)
		for _, to := range from.to {
			if token, refused := swapToken(t, e, to, subject); token == "" {
				t.Fatalf("%s: a good token at %s: %s", name, to, refused)
			}
		}
		if res, body := postToken(t, e, from.origin+"/oauth/revoke", from.client, subject, nil); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: revoke: %s %s", name, res.Status, body)
		}
		for _, to := range from.to {
			if token, refused := swapToken(t, e, to, subject); token != "" || refused != "invalid_request" {
				t.Errorf("%s: a revoked token at %s: %q", name, to, refused)
			}
		}
	}

	// Deleting a grant ends what was exchanged in the tenant, too.
	first := e.Token(here, region)
	second, refused := swapToken(t, e, here, first)
	if refused != "" {
		t.Fatal(refused)
	}
	grant := listGrants(t, e, here+"/api/v1/oauth-tokens?userId="+claimsOf(t, first).User, admin).Data[0].ID
	if res, body := tokenCall(t, e, "DELETE", here+"/api/v1/oauth-tokens/"+grant, "", bearerHeader(admin)); res.StatusCode != http.StatusNoContent {
		t.Fatalf("delete: %s %s", res.Status, body)
	}
	for name, token := range map[string]string{"the token": first, "what it was exchanged for": second} {
		if got, refused := swapToken(t, e, here, token); got != "" || refused != "invalid_request" {
			t.Errorf("%s is exchanged after the grant was deleted: %q", name, refused)
		}
		if tokenWorks(t, e, here, token) {
			t.Errorf("%s works after the grant was deleted", name)
		}
	}
	if token, refused := swapToken(t, e, here, e.Token(here, region)); token == "" || !tokenWorks(t, e, here, token) {
		t.Errorf("a new token: %q", refused)
	}
}

// TestClientStops_ExchangedAndImpersonated disables and deletes clients whose
// tokens were come by in other ways than by their own secret.
func TestClientStops_ExchangedAndImpersonated(t *testing.T) {
	for name, stop := range map[string]func(*testing.T, *testenv.Env, estate.ClientID) error{
		"disabled": func(t *testing.T, e *testenv.Env, id estate.ClientID) error {
			_, err := e.App.Credential.SetClientEnabled(t.Context(), testenv.Operator, e.Organization.ID, id, false)
			return err
		},
		"deleted": func(t *testing.T, e *testenv.Env, id estate.ClientID) error {
			realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
			return e.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, id, string(id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := testenv.New(t)
			sub := e.Subscription(3)
			tenant := e.Tenant(sub, "us")
			here := e.TenantURL(tenant)
			person(t, e, tenant, "ada", estate.UserActive, estate.RoleTenantAdmin)
			region, organization := e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID, api.OrganizationClientScopes()...)
			portal := impersonator(t, e, tenant, estate.ConsentTrusted, api.GrantUserImpersonation)

			tokens := map[estate.ClientID][]string{}
			above := map[estate.ClientID]string{region.ID: e.Token(e.Register("us"), region), organization.ID: e.Token(e.Console(), organization)}
			for id, subject := range above {
				below, refused := swapToken(t, e, here, subject)
				again, refusedAgain := swapToken(t, e, here, below)
				if refused != "" || refusedAgain != "" {
					t.Fatal(refused, refusedAgain)
				}
				tokens[id] = []string{below, again}
			}
			answer := impersonation(t, e, here, portal, "ada")
			expect(t, "impersonation", answer, http.StatusOK, "")
			acting := tokenOf(t, answer.Body).AccessToken
			narrowed, refused := swapToken(t, e, here, acting)
			if refused != "" {
				t.Fatal(refused)
			}
			if c := claimsOf(t, narrowed); c.Actor == nil || c.User != claimsOf(t, acting).User {
				t.Errorf("an exchange forgot who acts: %+v", c)
			}
			tokens[portal.ID] = []string{acting, narrowed}

			for id, all := range tokens {
				for _, token := range all {
					if !tokenWorks(t, e, here, token) {
						t.Fatalf("a token of %s does not work before", id)
					}
				}
			}
			for id, all := range tokens {
				if err := stop(t, e, id); err != nil {
					t.Fatal(err)
				}
				for _, token := range all {
					if tokenWorks(t, e, here, token) {
						t.Errorf("a token of %s works", id)
					}
					if got, refused := swapToken(t, e, here, token); got != "" || refused != "invalid_request" {
						t.Errorf("a token of %s is exchanged: %q", id, refused)
					}
				}
				if subject := above[id]; subject != "" {
					if got, refused := swapToken(t, e, here, subject); got != "" || refused != "invalid_request" {
						t.Errorf("the token of %s that was exchanged before is exchanged again: %q", id, refused)
					}
				}
			}
			expectOAuth(t, impersonation(t, e, here, portal, "ada"), http.StatusUnauthorized, "invalid_client", api.CodeOAuthInvalidClient)
		})
	}
}

// TestImpersonation_Published impersonates users of a tenant by a client that
// another tenant has published: it takes the trust of the tenant whose users they
// are.
func TestImpersonation_Published(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	home, near := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	there := e.TenantURL(near)
	user := person(t, e, near, "ada", estate.UserActive, estate.RoleTenantAdmin)
	person(t, e, home, "eve", estate.UserActive, estate.RoleTenantAdmin)
	portal := impersonator(t, e, home, estate.ConsentTrusted, api.GrantUserImpersonation)
	realm := func(tenant estate.Tenant) credential.Realm {
		return credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}
	}
	refused := func(when string) {
		t.Helper()
		answer := impersonation(t, e, there, portal, "ada")
		if answer.Status != http.StatusUnauthorized || oauthErrorOf(t, answer.Body) != "invalid_client" {
			t.Errorf("%s: %d %s", when, answer.Status, answer.Body)
		}
	}
	consent := func(c estate.Consent) {
		t.Helper()
		if err := e.App.Credential.SetConsent(t.Context(), testenv.Operator, realm(near), portal.ID, c); err != nil {
			t.Fatal(err)
		}
	}
	refused("not published")
	if _, err := e.App.Credential.PublishClient(t.Context(), testenv.Operator, realm(home), portal.ID); err != nil {
		t.Fatal(err)
	}
	refused("published, and trusted at home only")
	consent(estate.ConsentRequired)
	refused("with required consent")
	consent(estate.ConsentTrusted)
	answer := impersonation(t, e, there, portal, "ada")
	expect(t, "trusted", answer, http.StatusOK, "")
	token := tokenOf(t, answer.Body).AccessToken
	if c := claimsOf(t, token); c.User != string(user.ID) || c.Tenant != string(near.ID) || !tokenWorks(t, e, there, token) {
		t.Errorf("trusted: %+v", c)
	}
	if tokenWorks(t, e, e.TenantURL(home), token) {
		t.Error("the token works at the client's own tenant")
	}
	if answer := impersonation(t, e, there, portal, "eve"); answer.Status != http.StatusUnauthorized || oauthErrorOf(t, answer.Body) != "invalid_grant" {
		t.Errorf("a user of the other tenant: %d %s", answer.Status, answer.Body)
	}
	consent(estate.ConsentRequired)
	refused("no longer trusted")
	if tokenWorks(t, e, there, token) {
		t.Error("the token works without trust")
	}
}

// TestExpiredSecret_Nowhere shows a secret that has ended to every endpoint that
// takes one.
func TestExpiredSecret_Nowhere(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	here := e.TenantURL(tenant)
	c := e.TenantClient(tenant)
	realm := credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}
	made, err := e.App.Credential.CreateSecret(t.Context(), testenv.Operator, realm, c.ID, e.Clock.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ending := c
	ending.Secret = made.Plain.Reveal()
	token := e.Token(here, c)
	if !introspectAs(t, e, here, ending, token).Active {
		t.Fatal("before it ends: told nothing")
	}
	e.Clock.Advance(time.Hour)
	for _, path := range []string{"/oauth/revoke", "/oauth/introspect"} {
		res, body := postToken(t, e, here+path, ending, token, nil)
		if res.StatusCode != http.StatusUnauthorized || oauthErrorOf(t, []byte(body)) != "invalid_client" {
			t.Errorf("%s: %s %s", path, res.Status, body)
		}
	}
	if status := tokenStatus(t, e, here, ending.ID, ending.Secret); status != http.StatusUnauthorized {
		t.Errorf("/oauth/token: %d", status)
	}
	res, body := postForm(t, e, here+"/oauth/token", exchangeForm(token, "client_id", string(c.ID), "client_secret", ending.Secret), nil)
	if res.StatusCode != http.StatusUnauthorized || oauthErrorOf(t, body) != "invalid_client" {
		t.Errorf("beside a token that is exchanged: %s %s", res.Status, body)
	}
	if !tokenWorks(t, e, here, token) {
		t.Error("a refused request revoked the token")
	}
	if !introspectAs(t, e, here, c, token).Active {
		t.Error("the other secret has ended, too")
	}
}

// TestDPoP_Introspection asks about a token that is bound to a key: who may ask
// needs no such key, and learns which one it is.
func TestDPoP_Introspection(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	region := e.RegionClient(sub, "us")
	for name, at := range map[string]struct {
		origin string
		client testenv.Credentials
	}{
		"tenant":   {e.TenantURL(tenant), e.TenantClient(tenant)},
		"register": {e.Register("us"), region},
		"console":  {e.Console(), e.OrganizationClient(e.Organization.ID)},
	} {
		owner := newSender(t, e)
		token := owner.token(at.origin, secretForm(at.client)).AccessToken
		bound := claimsOf(t, token).Confirmation
		answer := introspectAs(t, e, at.origin, at.client, token)
		if !answer.Active || answer.TokenType != "DPoP" || answer.ClientID != string(at.client.ID) ||
			bound == nil || bound.JWKThumbprint == "" || answer.Confirmation == nil || *answer.Confirmation != *bound {
			t.Errorf("%s: %+v, bound to %+v", name, answer, bound)
		}
		unbound := introspectAs(t, e, at.origin, at.client, e.Token(at.origin, at.client))
		if !unbound.Active || unbound.TokenType != "Bearer" || unbound.Confirmation != nil {
			t.Errorf("%s: a token without a key: %+v", name, unbound)
		}
		res, body := postForm(t, e, at.origin+"/oauth/introspect", url.Values{"token": {token}}, http.Header{"Authorization": {"Bearer " + token}})
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: the token itself, without its key: %s %s", name, res.Status, body)
		}
	}
}
