package client_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestOAuthClients_requests(t *testing.T) {
	var got []string
	c := newInMemory(t, "console.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get(api.HeaderConfirmDelete)+" "+body(t, r)))
		switch {
		case r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/secret-maker"):
			writeJSON(w, http.StatusAccepted, api.PatchedOAuthClient{ClientSecret: "s3"})
		case r.Method == http.MethodPatch, r.Method == http.MethodDelete, strings.HasSuffix(r.URL.Path, "-rotation"):
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost:
			writeJSON(w, http.StatusCreated, map[string]string{"clientSecret": "s", "publishedAt": "2026-11-02T09:30:00.000Z"})
		default:
			writeJSON(w, http.StatusOK, map[string]any{"clientId": "c", "consentMethod": "trusted", "id": "s", "data": []any{map[string]string{"id": "s"}}})
		}
	}))
	ctx := t.Context()
	patch := []api.PatchOperation{{Op: "replace", Path: "/clientName", Value: "n"}, {Op: "remove", Path: "/description"}}
	failed := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	o := c.OrganizationOAuthClients()
	found, err := o.Get(ctx, "a/b")
	if failed(err); found.ClientID != "c" {
		t.Errorf("%+v", found)
	}
	secret, err := o.Update(ctx, "c", patch)
	if failed(err); secret != "" {
		t.Errorf("secret %q", secret)
	}
	secret, err = o.Update(ctx, "secret-maker", patch[:1])
	if failed(err); secret != "s3" {
		t.Errorf("secret %q", secret)
	}
	failed(o.Delete(ctx, "c"))
	made, err := c.SubscriptionOAuthClients("104").RotateSecret(ctx, "c", 1500*time.Millisecond)
	if failed(err); made.ClientSecret != "s" {
		t.Errorf("%+v", made)
	}
	_, err = o.RotateSecret(ctx, "c", 0)
	failed(err)
	failed(o.FinishRotation(ctx, "c"))
	failed(o.CancelRotation(ctx, "c"))
	tenant := c.TenantOAuthClients()
	_, err = tenant.CreateSecret(ctx, "c", time.Time{})
	failed(err)
	_, err = tenant.CreateSecret(ctx, "c", time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
	failed(err)
	failed(tenant.DeleteSecret(ctx, "c", "abcde"))
	at, err := tenant.Publish(ctx, "c")
	if failed(err); at.Year() != 2026 {
		t.Errorf("published at %v", at)
	}
	connection, err := tenant.GetConnection(ctx, "c")
	if failed(err); connection.ConsentMethod != "trusted" {
		t.Errorf("%+v", connection)
	}
	failed(tenant.SetConsent(ctx, "c", "trusted"))
	failed(tenant.DeleteConnection(ctx, "c"))
	subs, err := c.ListSubscriptions(ctx)
	if failed(err); len(subs) != 1 {
		t.Errorf("%+v", subs)
	}
	_, err = c.GetSubscription(ctx, "104")
	failed(err)
	_, err = c.CreateRegionOAuthClient(ctx, "104", api.CreateRegionOAuthClientRequest{RegionCode: "us"})
	failed(err)

	want := []string{
		`GET /api/core/oauth-clients/a%2Fb`,
		`PATCH /api/core/oauth-clients/c  [{"op":"replace","path":"/clientName","value":"n"},{"op":"remove","path":"/description"}]`,
		`PATCH /api/core/oauth-clients/secret-maker  [{"op":"replace","path":"/clientName","value":"n"}]`,
		`DELETE /api/core/oauth-clients/c c`,
		`POST /api/core/subscriptions/104/oauth-clients/c/actions/rotate-secret  {"overlapSeconds":2}`,
		`POST /api/core/oauth-clients/c/actions/rotate-secret  {}`,
		`POST /api/core/oauth-clients/c/actions/finish-rotation`,
		`POST /api/core/oauth-clients/c/actions/cancel-rotation`,
		`POST /api/v1/oauth-clients/c/client-secrets  {}`,
		`POST /api/v1/oauth-clients/c/client-secrets  {"expiresAt":"2027-01-02T03:04:05.000Z"}`,
		`DELETE /api/v1/oauth-clients/c/client-secrets/abcde`,
		`POST /api/v1/oauth-clients/c/actions/publish`,
		`GET /api/v1/oauth-clients/c/connection-configs/me`,
		`PATCH /api/v1/oauth-clients/c/connection-configs/me  [{"op":"replace","path":"/consentMethod","value":"trusted"}]`,
		`DELETE /api/v1/oauth-clients/c/connection-configs/me`,
		`GET /api/core/subscriptions`,
		`GET /api/core/subscriptions/104`,
		`POST /api/core/subscriptions/104/oauth-clients  {"regionCode":"us"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	got = nil
	for _, id := range []string{"", ".", ".."} {
		_, err1 := o.Get(ctx, id)
		_, err2 := c.SubscriptionOAuthClients(id).Get(ctx, "c")
		_, err3 := c.CreateRegionOAuthClient(ctx, id, api.CreateRegionOAuthClientRequest{})
		err4 := o.DeleteSecret(ctx, "c", id)
		var err5 error
		for _, err5 = range c.SubscriptionOAuthClients(id).All(ctx, client.OAuthClientListOptions{}) {
			continue
		}
		if err1 == nil || err2 == nil || err3 == nil || err4 == nil || err5 == nil || got != nil {
			t.Errorf("id %q was taken: %v, %v, %v, %v, %v at %q", id, err1, err2, err3, err4, err5, got)
		}
	}
}

func TestOAuthClients_All(t *testing.T) {
	fail := false
	c := newInMemory(t, "a.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if fail && query.Get("next") != "" {
			writeError(w, http.StatusForbidden, api.CodeForbidden, "Forbidden", "")
			return
		}
		if query.Get("filter") != `appType eq "web"` || query.Get("sort") != "-createdAt" || query.Get("limit") != "1" || query.Get("totalResults") != "true" {
			t.Errorf("query %v", query)
		}
		page := api.OAuthClientList{Data: []api.OAuthClient{{ClientID: "first"}}}
		if query.Get("next") == "" {
			query.Set("next", "x")
			page.Links.Next = &api.Link{Href: "https://a.us.example.com/api/v1/oauth-clients?" + query.Encode()}
		} else {
			page.Data[0].ClientID = "second"
		}
		writeJSON(w, http.StatusOK, page)
	}))
	list := func() (ids []string, failure error) {
		opts := client.OAuthClientListOptions{Filter: `appType eq "web"`, Sort: "-createdAt", Limit: 1, TotalResults: true}
		for one, err := range c.TenantOAuthClients().All(t.Context(), opts) {
			if err != nil {
				return ids, err
			}
			ids = append(ids, one.ClientID)
		}
		return ids, nil
	}
	if ids, err := list(); err != nil || strings.Join(ids, " ") != "first second" {
		t.Errorf("%v, %v", ids, err)
	}
	fail = true
	if ids, err := list(); client.Code(err) != api.CodeForbidden || strings.Join(ids, " ") != "first" {
		t.Errorf("%v, %v", ids, err)
	}
}
