package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

type ops []api.PatchOperation

func TestOAuthClients_patch(t *testing.T) {
	e := testenv.New(t)
	for _, p := range places(t, e) {
		t.Run(p.name, func(t *testing.T) {
			p.admin.t = t
			path := p.path + "/" + string(p.client.ID)
			var before, after api.OAuthClient
			p.admin.want(200, &before, "GET", path, nil)
			e.Clock.Advance(time.Second)
			p.admin.want(204, nil, "PATCH", path, ops{
				{Op: "replace", Path: "/clientName", Value: " New name "},
				{Op: "add", Path: "/description", Value: "why"},
				{Op: "replace", Path: "/allowedScopes", Value: before.AllowedScopes[:1]},
			}, "Content-Type", api.ContentTypeJSONPatch)
			p.admin.want(200, &after, "GET", path, nil)
			if after.ClientName != "New name" || after.Description != "why" || len(after.AllowedScopes) != 1 || !after.UpdatedAt.After(before.UpdatedAt.Time) {
				t.Errorf("%+v", after)
			}
			p.admin.want(204, nil, "PATCH", path, ops{{Op: "remove", Path: "/description"}})
			p.admin.want(204, nil, "PATCH", path, ops{})
			p.admin.want(200, &after, "GET", path, nil)
			updates := func() (all []estate.AuditRecord) {
				for _, r := range records(t, e) {
					if r.Action == "oauth-client.update" {
						all = append(all, r)
					}
				}
				return all
			}
			recorded := updates()
			unchanged := recorded[0]
			if !strings.Contains(fmt.Sprint(unchanged.Data), "/description") {
				t.Errorf("record %+v", unchanged)
			}
			for _, tt := range []struct {
				patch any
				where string
			}{
				{ops{{Op: "replace", Path: "/appType", Value: "spa"}}, "/0/path"},
				{ops{{Op: "replace", Path: "/clientName", Value: "x"}, {Op: "replace", Path: "/clientId", Value: "x"}}, "/1/path"},
				{ops{{Op: "replace", Path: "/clientName", Value: "x"}, {Op: "replace", Path: "/", Value: "x"}}, "/1/path"},
				{ops{{Op: "replace", Path: "/allowedScopes/0", Value: "x"}}, "/0/path"},
				{ops{{Op: "replace", Path: "/ClientName", Value: "x"}}, "/0/path"},
				{ops{{Op: "move", Path: "/clientName", Value: "x"}}, "/0/op"},
				{ops{{Op: "test", Path: "/clientName", Value: "x"}}, "/0/op"},
				{ops{{Op: "remove", Path: "/clientName"}}, "/0/op"},
				{ops{{Op: "remove", Path: "/allowedScopes"}}, "/0/op"},
				{ops{{Op: "replace", Path: "/clientName", Value: 1}}, "/0/value"},
				{ops{{Op: "replace", Path: "/clientName"}}, "/0/value"},
				{ops{{Op: "replace", Path: "/clientName", Value: []string{"x"}}}, "/0/value"},
				{ops{{Op: "replace", Path: "/clientName", Value: "  "}}, "/0/value"},
				{ops{{Op: "replace", Path: "/clientName", Value: strings.Repeat("x", 257)}}, "/0/value"},
				{ops{{Op: "replace", Path: "/allowedScopes", Value: "x"}}, "/0/value"},
				{ops{{Op: "replace", Path: "/allowedScopes", Value: []string{}}}, "/0/value"},
				{ops{{Op: "replace", Path: "/allowedScopes", Value: []string{" ", ""}}}, "/0/value"},
				{ops{{Op: "replace", Path: "/clientName", Value: "x"}, {Op: "replace", Path: "/allowedScopes", Value: []string{"user_default", `a"b`}}}, "/1/value/"},
				{`[{"OP":"replace","path":"/clientName","value":"x"}]`, "/0/op"},
				{`[{"op":"replace","path":["/clientName"],"value":"x"}]`, "/0/path"},
				{`[{"op":"replace","path":"/clientName","value":null}]`, "/0/value"},
				{`[{"op":"replace","path":"/allowedScopes","value":["a",null]}]`, "/0/value"},
				{`[null]`, "/0"},
				{`{}`, ""},
				{`null`, ""},
				{`[`, ""},
			} {
				where := p.admin.refused(400, api.CodeClientPatch, "PATCH", path, tt.patch)
				if !strings.HasPrefix(where, tt.where) || (tt.where == "") != (where == "") {
					t.Errorf("%v: at %q, want %q", tt.patch, where, tt.where)
				}
			}
			p.admin.refused(415, api.CodeUnsupportedMediaType, "PATCH", path, ops{}, "Content-Type", "text/plain")
			var still api.OAuthClient
			p.admin.want(200, &still, "GET", path, nil)
			if diff := cmp.Diff(after, still); diff != "" {
				t.Errorf("refused patches changed something:\n%s", diff)
			}
			if got := updates(); len(got) != len(recorded) {
				t.Errorf("refused patches left records: %+v", got)
			}
			if p.name != "tenant" {
				for _, member := range []string{"/redirectUris", "/allowedOrigins", "/allowedGrantTypes", "/allowedAuthMethods", "/clientUri", "/logoUri"} {
					p.admin.refused(400, api.CodeClientPatch, "PATCH", path, ops{{Op: "remove", Path: member}})
				}
			}
		})
	}
}

// A scope that is taken from a client counts at once, for tokens it has.
func TestOAuthClients_patchTakesScopes(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	c := e.TenantClient(tenant)
	admin, its := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant)), newCaller(t, e, e.TenantURL(tenant), c)
	its.want(204, nil, "PATCH", "/api/v1/oauth-clients/"+string(c.ID), ops{{Op: "add", Path: "/description", Value: "mine"}})
	admin.want(204, nil, "PATCH", "/api/v1/oauth-clients/"+string(c.ID), ops{{Op: "replace", Path: "/allowedScopes", Value: []string{"user_default"}}})
	its.refused(403, api.CodeInsufficientScope, "PATCH", "/api/v1/oauth-clients/"+string(c.ID), ops{{Op: "add", Path: "/description", Value: "mine"}})
}

func TestOAuthClients_patchTenantMembers(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	admin := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant))
	var c api.OAuthClient
	admin.want(201, &c, "POST", "/api/v1/oauth-clients", map[string]any{"clientName": "app", "appType": "web", "allowedGrantTypes": []string{"client_credentials"}})
	path := "/api/v1/oauth-clients/" + c.ClientID
	admin.want(204, nil, "PATCH", path, ops{
		{Op: "add", Path: "/redirectUris", Value: []string{"https://app.example.com/cb"}},
		{Op: "add", Path: "/allowedOrigins", Value: []string{"https://app.example.com"}},
		{Op: "add", Path: "/clientUri", Value: "https://app.example.com"},
		{Op: "add", Path: "/logoUri", Value: "https://app.example.com/logo.png"},
		{Op: "remove", Path: "/allowedGrantTypes"},
	})
	var got api.OAuthClient
	admin.want(200, &got, "GET", path, nil)
	if got.ClientURI == "" || got.LogoURI == "" || len(got.RedirectURIs) != 1 || len(got.AllowedOrigins) != 1 || got.AllowedGrantTypes != nil {
		t.Errorf("%+v", got)
	}
	if status := tokenStatus(t, e, e.TenantURL(tenant), estate.ClientID(c.ClientID), c.ClientSecret); status != 400 {
		t.Errorf("without the grant: %d", status)
	}
	for path2, value := range map[string]any{
		"/redirectUris": []string{"https://a.example.com", "ftp://x"}, "/allowedOrigins": []string{"https://a.example.com/path"},
		"/allowedGrantTypes": []string{"password"}, "/allowedAuthMethods": []string{"carrier_pigeon"}, "/clientUri": "x", "/logoUri": "javascript:alert(1)",
	} {
		if where := admin.refused(400, api.CodeClientPatch, "PATCH", path, ops{{Op: "replace", Path: path2, Value: value}}); !strings.HasPrefix(where, "/0/value") {
			t.Errorf("%s: at %q", path2, where)
		}
	}
}

// A client can't be used to get at scopes that its manager lacks.
func TestOAuthClients_noEscalation(t *testing.T) {
	e := testenv.New(t)
	strong := e.OrganizationClient(e.Organization.ID)
	manager := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients))
	path := "/api/core/oauth-clients/" + string(strong.ID)
	manager.refused(403, api.CodeInsufficientScope, "POST", path+"/client-secrets", nil)
	manager.refused(403, api.CodeInsufficientScope, "POST", path+"/actions/rotate-secret", nil)
	var own api.OAuthClient
	manager.want(201, &own, "POST", "/api/core/oauth-clients", map[string]any{"clientName": "x", "appType": "web", "allowedScopes": []string{api.ScopeOrgOAuthClientsRead}})
	manager.refused(403, api.CodeInsufficientScope, "PATCH", "/api/core/oauth-clients/"+own.ClientID, ops{{Op: "replace", Path: "/allowedScopes", Value: []string{api.ScopeOrgTenantsRead}}})
	// What others gave stays: a secret of the narrowed client would be worth more once it is widened again.
	manager.refused(403, api.CodeInsufficientScope, "PATCH", path, ops{{Op: "replace", Path: "/allowedScopes", Value: []string{api.ScopeOrgOAuthClients}}})
	manager.want(204, nil, "PATCH", path, ops{{Op: "replace", Path: "/clientName", Value: "renamed"}})
}

func TestOAuthClients_delete(t *testing.T) {
	e := testenv.New(t)
	for _, p := range places(t, e) {
		t.Run(p.name, func(t *testing.T) {
			p.admin.t = t
			path, id := p.path+"/"+string(p.client.ID), string(p.client.ID)
			token := newCaller(t, e, p.host, p.client)
			for _, headers := range [][]string{nil, {api.HeaderConfirmDelete, "x"}, {api.HeaderConfirmDelete, string(p.foreign[0].ID)}} {
				if where := p.admin.refused(400, api.CodeClientConfirm, "DELETE", path, nil, headers...); where != api.HeaderConfirmDelete {
					t.Errorf("blames %q", where)
				}
			}
			p.admin.want(204, nil, "DELETE", path, nil, api.HeaderConfirmDelete, id)
			if got := tokenStatus(t, e, p.host, p.client.ID, p.client.Secret); got != 401 {
				t.Errorf("a new token: %d", got)
			}
			probe := map[string]string{"tenant": "/api/v1/tenants/me", "organization": "/api/core/tenants", "region": "/api/v1/tenants/x"}[p.name]
			token.refused(401, api.CodeUnauthenticated, "GET", probe, nil)
			p.admin.refused(404, api.CodeClientNotFound, "GET", path, nil)
			p.admin.refused(404, api.CodeClientNotFound, "DELETE", path, nil, api.HeaderConfirmDelete, id)
			var list api.OAuthClientList
			p.admin.want(200, &list, "GET", p.path+"?limit=100", nil)
			if slices.ContainsFunc(list.Data, func(c api.OAuthClient) bool { return c.ClientID == id }) {
				t.Error("it is still listed")
			}
		})
	}
}

func TestOAuthClients_publish(t *testing.T) {
	e := testenv.New(t)
	sub, sub2 := e.Subscription(5), e.Subscription(5)
	rival, err := e.App.Tenancy.CreateOrganization(t.Context(), testenv.Operator, "Rival")
	if err != nil {
		t.Fatal(err)
	}
	home, near, far, strange := e.Tenant(sub, "us"), e.Tenant(sub2, "us"), e.Tenant(sub, "eu"), e.Tenant(e.SubscriptionOf(rival.ID, 5), "us")
	c := e.TenantClient(home)
	admin := func(tenant estate.Tenant) caller { return newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant)) }
	path := "/api/v1/oauth-clients/" + string(c.ID)
	config := path + "/connection-configs/me"
	owner, neighbour := admin(home), admin(near)

	neighbour.refused(404, api.CodeClientNotFound, "GET", path, nil)
	var first, again api.PublishedOAuthClient
	owner.want(201, &first, "POST", path+"/actions/publish", nil)
	e.Clock.Advance(time.Minute)
	owner.want(201, &again, "POST", path+"/actions/publish", nil)
	if first != again {
		t.Errorf("published at %v, then at %v", first, again)
	}
	for _, other := range []caller{admin(far), admin(strange)} {
		other.refused(404, api.CodeClientNotFound, "GET", path, nil)
		other.refused(404, api.CodeClientNotFound, "PATCH", config, ops{{Op: "replace", Path: "/consentMethod", Value: "trusted"}})
		if got := tokenStatus(t, e, other.origin, c.ID, c.Secret); got != 401 {
			t.Errorf("token at %s: %d", other.origin, got)
		}
	}

	// Seen by the neighbour, without what is the owner's, and not usable yet.
	var seen api.OAuthClient
	neighbour.want(200, &seen, "GET", path, nil)
	if seen.PublishedAt == nil || seen.ClientSecrets != nil || seen.AllowedAuthMethods != nil || *seen.ConnectionConfig != (api.ConnectionConfig{ConsentMethod: "required", Status: "pending"}) {
		t.Errorf("%+v", seen)
	}
	var list api.OAuthClientList
	neighbour.want(200, &list, "GET", "/api/v1/oauth-clients?totalResults=true&filter="+`tenantId%20eq%20%22`+string(home.ID)+`%22`, nil)
	if len(list.Data) != 1 || *list.TotalResults != 1 || list.Data[0].ClientSecrets != nil {
		t.Errorf("%+v", list)
	}
	for _, call := range [][2]string{
		{"PATCH", path},
		{"DELETE", path},
		{"POST", path + "/actions/publish"},
		{"POST", path + "/client-secrets"},
		{"POST", path + "/actions/rotate-secret"},
		{"POST", path + "/actions/finish-rotation"},
		{"POST", path + "/actions/cancel-rotation"},
		{"DELETE", path + "/client-secrets/" + c.Secrets[0].Hint},
	} {
		var body any
		if call[0] == "PATCH" {
			body = ops{{Op: "replace", Path: "/clientName", Value: "mine now"}}
		}
		neighbour.refused(403, api.CodeForbidden, call[0], call[1], body, api.HeaderConfirmDelete, string(c.ID))
	}
	at := func(tenant estate.Tenant) int { return tokenStatus(t, e, e.TenantURL(tenant), c.ID, c.Secret) }
	if at(home) != 200 || at(near) != 401 {
		t.Errorf("before trust: %d at home, %d at the neighbour", at(home), at(near))
	}

	trust := func(method string) {
		t.Helper()
		neighbour.want(204, nil, "PATCH", config, ops{{Op: "replace", Path: "/consentMethod", Value: method}})
	}
	trust("trusted")
	guest := newCaller(t, e, e.TenantURL(near), testenv.Credentials{Client: c.Client, Secret: c.Secret})
	var user api.User
	id := strings.TrimPrefix(guest.do("GET", "/api/v1/users/me", nil).header.Get("Location"), "/api/v1/users/")
	guest.want(200, &user, "GET", "/api/v1/users/"+id, nil)
	if user.TenantID != string(near.ID) || user.ClientID != string(c.ID) || user.Status != "active" {
		t.Errorf("%+v", user)
	}
	var connection api.ConnectionConfig
	neighbour.want(200, &connection, "GET", config, nil)
	if connection != (api.ConnectionConfig{ConsentMethod: "trusted", Status: "approved"}) {
		t.Errorf("%+v", connection)
	}
	trust("required")
	guest.refused(401, api.CodeUnauthenticated, "GET", "/api/v1/users/"+id, nil)
	if at(near) != 401 || at(home) != 200 {
		t.Error("no longer trusted, and yet admitted")
	}
	trust("trusted")
	guest.want(200, nil, "GET", "/api/v1/users/"+id, nil)
	neighbour.want(204, nil, "DELETE", config, nil)
	neighbour.want(204, nil, "DELETE", config, nil)
	guest.refused(401, api.CodeUnauthenticated, "GET", "/api/v1/users/"+id, nil)
	neighbour.want(200, &connection, "GET", config, nil)
	if connection.Status != "pending" {
		t.Errorf("%+v", connection)
	}

	// The owner's own connection.
	owner.refused(400, api.CodeClientInvalid, "DELETE", config, nil)
	for _, tt := range []struct {
		patch any
		where string
	}{
		{ops{}, ""},
		{ops{{Op: "replace", Path: "/status", Value: "trusted"}}, "/0/path"},
		{ops{{Op: "remove", Path: "/consentMethod"}}, "/0/op"},
		{ops{{Op: "replace", Path: "/consentMethod", Value: "yes"}}, "/0/value"},
		{ops{{Op: "replace", Path: "/consentMethod", Value: []string{"trusted"}}}, "/0/value"},
	} {
		if where := owner.refused(400, api.CodeClientPatch, "PATCH", config, tt.patch); where != tt.where {
			t.Errorf("%v: at %q", tt.patch, where)
		}
	}
	owner.want(204, nil, "PATCH", config, ops{{Op: "replace", Path: "/consentMethod", Value: "required"}})
	owner.want(200, &connection, "GET", config, nil)
	if connection != (api.ConnectionConfig{ConsentMethod: "required", Status: "approved"}) {
		t.Errorf("%+v", connection)
	}

	// Deleted by its owner: the neighbour's connection says so, until it is deleted.
	trust("trusted")
	if at(near) != 200 {
		t.Fatal("not trusted again")
	}
	owner.want(204, nil, "DELETE", path, nil, api.HeaderConfirmDelete, string(c.ID))
	if at(near) != 401 {
		t.Error("a deleted client gets a token")
	}
	neighbour.want(200, &connection, "GET", config, nil)
	neighbour.want(200, &seen, "GET", path, nil)
	if !connection.DeletedByOwner || seen.DeletedAt == nil || !seen.ConnectionConfig.DeletedByOwner {
		t.Errorf("%+v %+v", connection, seen)
	}
	neighbour.refused(404, api.CodeClientNotFound, "PATCH", config, ops{{Op: "replace", Path: "/consentMethod", Value: "trusted"}})
	neighbour.want(204, nil, "DELETE", config, nil)
	neighbour.refused(404, api.CodeClientNotFound, "GET", config, nil)
	for _, r := range records(t, e) {
		if r.Action != "oauth-client.connection.approve" {
			continue
		}
		if r.Type != "com.qlik.core.oauth-client.connection-config.approved" || fmt.Sprint(r.Data["_updates"]) != "[map[newValue:trusted oldValue:required path:/consentMethod]]" {
			t.Errorf("approved: %s %v", r.Type, r.Data)
		}
	}
	if got := actions(t, e); !slices.Contains(got, "done oauth-client.publish") || !slices.Contains(got, "done oauth-client.connection.approve") ||
		!slices.Contains(got, "done oauth-client.connection.update") ||
		!slices.Contains(got, "done oauth-client.connection.delete") || !slices.Contains(got, "refused oauth-client.delete") {
		t.Errorf("%v", got)
	}
}

// Disabling and deleting stop a client's bots everywhere; what is left behind can
// go on with another client, or go.
func TestCredential_orphans(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	one, two := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	c, heir, foreign := e.RegionClient(sub, "us"), e.RegionClient(sub, "us"), e.RegionClient(sub, "eu")
	first, second := newCaller(t, e, e.TenantURL(one), c), newCaller(t, e, e.TenantURL(two), c)
	me := func(c caller) string {
		t.Helper()
		return strings.TrimPrefix(c.do("GET", "/api/v1/users/me", nil).header.Get("Location"), "/api/v1/users/")
	}
	bots := []string{me(first), me(second)}
	slices.Sort(bots)
	s, ctx, organization := e.App.Credential, t.Context(), e.Organization.ID
	within := estate.Scope{Organization: organization}
	orphans := func() (ids []string) {
		t.Helper()
		all, err := s.Orphans(ctx, testenv.Operator, within, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			ids = append(ids, string(o.Bot.ID))
			if o.Bot.Status != estate.UserDisabled || o.Client.ID != c.ID || o.Tenant.ID != o.Bot.Tenant {
				t.Errorf("%+v", o)
			}
		}
		slices.Sort(ids)
		return ids
	}
	set := func(enabled bool) {
		t.Helper()
		for range 2 { // again changes nothing
			if _, err := s.SetClientEnabled(ctx, testenv.Operator, organization, c.ID, enabled); err != nil {
				t.Fatal(err)
			}
		}
	}
	set(false)
	first.refused(401, api.CodeUnauthenticated, "GET", "/api/v1/users/me", nil)
	if got := orphans(); !slices.Equal(got, bots) {
		t.Errorf("disabled: %v, want %v", got, bots)
	}
	set(true)
	first.want(302, nil, "GET", "/api/v1/users/me", nil)
	if got := orphans(); got != nil {
		t.Errorf("enabled: %v", got)
	}
	if err := s.RemoveBot(ctx, testenv.Operator, within, estate.UserID(bots[0])); err == nil {
		t.Error("the bot of a living client could be removed")
	}

	console := newCaller(t, e, e.Console(), e.OrganizationClient(organization))
	firstBot := me(first)
	console.want(204, nil, "DELETE", "/api/core/subscriptions/"+string(sub.ID)+"/oauth-clients/"+string(c.ID), nil, api.HeaderConfirmDelete, string(c.ID))
	if r := records(t, e)[0]; r.Action != "oauth-client.delete" || fmt.Sprint(r.Data["botsDisabled"]) != "2" {
		t.Errorf("%+v", r)
	}
	if got := orphans(); !slices.Equal(got, bots) {
		t.Errorf("deleted: %v, want %v", got, bots)
	}
	rival, err := e.App.Tenancy.CreateOrganization(ctx, testenv.Operator, "Rival")
	if err != nil {
		t.Fatal(err)
	}
	adopt := func(organization estate.OrganizationID, id string, by estate.ClientID) error {
		_, err := s.AdoptBot(ctx, testenv.Operator, estate.Scope{Organization: organization}, estate.UserID(id), by)
		return err
	}
	for name, err := range map[string]error{
		"a client of another region": adopt(organization, firstBot, foreign.ID),
		"another organization":       adopt(rival.ID, firstBot, heir.ID),
		"no such client":             adopt(organization, firstBot, estate.NewClientID()),
		"no such bot":                adopt(organization, string(estate.NewUserID()), heir.ID),
		"no bot id":                  adopt(organization, "", heir.ID),
		"removal from elsewhere":     s.RemoveBot(ctx, testenv.Operator, estate.Scope{Organization: rival.ID}, estate.UserID(firstBot)),
	} {
		if err == nil {
			t.Errorf("%s: done", name)
		}
	}
	if err := adopt(organization, firstBot, heir.ID); err != nil {
		t.Fatal(err)
	}
	if got := me(newCaller(t, e, e.TenantURL(one), heir)); got != firstBot {
		t.Errorf("the heir acts as %s, not as %s", got, firstBot)
	}
	// In the other tenant the heir has a bot of its own already.
	me(newCaller(t, e, e.TenantURL(two), heir))
	left := orphans()
	if len(left) != 1 {
		t.Fatalf("left: %v", left)
	}
	if err := adopt(organization, left[0], heir.ID); err == nil {
		t.Error("two bots of one client in one tenant")
	}
	if err := s.RemoveBot(ctx, testenv.Operator, within, estate.UserID(left[0])); err != nil {
		t.Fatal(err)
	}
	if got := orphans(); got != nil {
		t.Errorf("left at the end: %v", got)
	}
	nobody := estate.Actor{Kind: estate.ActorClient, ID: string(heir.ID), Level: estate.LevelOrganization, Scope: estate.Scope{Organization: organization}, Permissions: estate.Permissions{api.ScopeOrgTenantsRead}}
	if _, err := s.Orphans(ctx, nobody, within, 0); err == nil {
		t.Error("a client without the scope for it can list orphans")
	}
	if _, err := s.AdoptBot(ctx, nobody, within, estate.UserID(firstBot), heir.ID); err == nil {
		t.Error("a client without the scope for it can adopt")
	}
	if err := s.RemoveBot(ctx, nobody, within, estate.UserID(firstBot)); err == nil {
		t.Error("a client without the scope for it can remove")
	}
}
