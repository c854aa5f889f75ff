package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func insertUser(t *testing.T, e *testenv.Env, u estate.User) {
	t.Helper()
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) }); err != nil {
		t.Fatal(err)
	}
}

func updateUser(t *testing.T, e *testenv.Env, u estate.User) {
	t.Helper()
	scope := estate.Scope{Organization: u.Organization, Tenant: u.Tenant}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), scope, u) }); err != nil {
		t.Fatal(err)
	}
}

func TestImpersonation(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant, sibling := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	origin := e.TenantURL(tenant)
	ada := person(t, e, tenant, `auth0|ada`, estate.UserActive, estate.RoleTenantAdmin)
	bob := person(t, e, tenant, `ACME\bob`, estate.UserActive)
	eve := person(t, e, tenant, "eve", estate.UserDisabled)
	stranger := person(t, e, sibling, "stranger", estate.UserActive, estate.RoleTenantAdmin)
	portal := impersonator(t, e, tenant, estate.ConsentTrusted, api.GrantUserImpersonation, api.GrantClientCredentials)
	bot := claimsOf(t, e.Token(origin, portal)).User

	request := func(origin string, c testenv.Credentials, field, value, scope string) (*http.Response, []byte) {
		body, err := json.Marshal(map[string]any{
			"client_id": c.ID, "client_secret": c.Secret, "grant_type": api.GrantUserImpersonation, "scope": scope,
			"user_lookup": map[string]string{"field": field, "value": value},
		})
		if err != nil {
			t.Fatal(err)
		}
		return exchangeHTTP(t, e, http.MethodPost, origin+"/oauth/token", http.Header{"Content-Type": {"application/json"}}, body)
	}
	as := func(u estate.User, field, value string) string {
		res, body := request(origin, portal, field, value, "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("as %s: %d %s", u.Name, res.StatusCode, body)
		}
		token := tokenOf(t, body).AccessToken
		if c := claimsOf(t, token); c.User != string(u.ID) || c.Subject != string(u.ID) || c.Actor.Subject != string(portal.ID) || c.ClientID != string(portal.ID) {
			t.Fatalf("as %s: %+v", u.Name, c)
		}
		return token
	}
	get := func(path, token string) (int, []byte) {
		res, body := exchangeHTTP(t, e, http.MethodGet, origin+path, http.Header{"Authorization": {"Bearer " + token}}, nil)
		return res.StatusCode, body
	}

	adas, bobs := as(ada, "userId", string(ada.ID)), as(bob, "subject", bob.Subject)
	res, _ := exchangeHTTP(t, e, http.MethodGet, origin+"/api/v1/users/me", http.Header{"Authorization": {"Bearer " + bobs}}, nil)
	if location := res.Header.Get("Location"); location != "/api/v1/users/"+string(bob.ID) {
		t.Errorf("who bob's token acts as: %d %s", res.StatusCode, location)
	}
	// Roles narrow: the same client with the same scopes may do what the user may.
	if status, _ := get("/api/v1/licenses/overview", adas); status != http.StatusOK {
		t.Errorf("an administrator: %d", status)
	}
	if status, _ := get("/api/v1/licenses/overview", bobs); status != http.StatusForbidden {
		t.Errorf("nobody special, with admin_classic: %d", status)
	}
	// A form carries user_lookup as JSON text.
	form := url.Values{
		"grant_type": {api.GrantUserImpersonation}, "client_id": {string(portal.ID)}, "client_secret": {portal.Secret},
		"scope": {"user_default"}, "user_lookup": {`{"field":"subject","value":` + strconv.Quote(bob.Subject) + `}`},
	}
	if res, body := postForm(t, e, origin+"/oauth/token", form, nil); res.StatusCode != http.StatusOK || tokenOf(t, body).Scope != "user_default" {
		t.Errorf("as a form: %d %s", res.StatusCode, body)
	}

	for name, c := range map[string]struct {
		origin       string
		client       testenv.Credentials
		field, value string
		status       int
		code         string
	}{
		"unknown id":        {origin, portal, "userId", string(estate.NewUserID()), 401, "invalid_grant"},
		"no id":             {origin, portal, "userId", "me", 401, "invalid_grant"},
		"unknown subject":   {origin, portal, "subject", "nobody", 401, "invalid_grant"},
		"of another tenant": {origin, portal, "userId", string(stranger.ID), 401, "invalid_grant"},
		"a bot":             {origin, portal, "userId", bot, 401, "invalid_grant"},
		"a bot's subject":   {origin, portal, "subject", estate.BotSubject(portal.ID), 401, "invalid_grant"},
		"disabled":          {origin, portal, "subject", eve.Subject, 403, "access_denied"},
		"unknown field":     {origin, portal, "email", "ada@example.com", 400, "invalid_request"},
		"no value":          {origin, portal, "subject", "", 400, "invalid_request"},
		"without the grant": {origin, e.TenantClient(tenant), "subject", bob.Subject, 400, "unauthorized_client"},
		"without consent":   {origin, impersonator(t, e, tenant, "", api.GrantUserImpersonation), "subject", bob.Subject, 400, "unauthorized_client"},
		"a region's client": {origin, e.RegionClient(sub, "us"), "subject", bob.Subject, 400, "unauthorized_client"},
		"at another tenant": {e.TenantURL(sibling), portal, "subject", stranger.Subject, 401, "invalid_client"},
	} {
		if res, body := request(c.origin, c.client, c.field, c.value, ""); res.StatusCode != c.status || oauthErrorOf(t, body) != c.code {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}

	// What changes about the user counts at once.
	ada.Roles, ada.UpdatedAt = nil, e.Clock.Now()
	updateUser(t, e, ada)
	if status, _ := get("/api/v1/licenses/overview", adas); status != http.StatusForbidden {
		t.Errorf("after the role was taken: %d", status)
	}
	ada.Status, ada.UpdatedAt = estate.UserDisabled, e.Clock.Now().Add(time.Second)
	updateUser(t, e, ada)
	if status, _ := get("/api/v1/users/me", adas); status != http.StatusUnauthorized {
		t.Errorf("after the user was disabled: %d", status)
	}
	if res, _ := request(origin, portal, "subject", ada.Subject, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("a token for a user that was disabled: %d", res.StatusCode)
	}
}
