package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func TestOAuthClients_secrets(t *testing.T) {
	e := testenv.New(t)
	for _, p := range places(t, e) {
		t.Run(p.name, func(t *testing.T) {
			p.admin.t, p.admin.token = t, e.Token(p.admin.origin, p.boss)
			path := p.path + "/" + string(p.client.ID)
			works := func(secret string) bool { return tokenStatus(t, e, p.host, p.client.ID, secret) == 200 }
			var made []api.CreatedClientSecret
			for range 4 {
				var c api.CreatedClientSecret
				p.admin.want(201, &c, "POST", path+"/client-secrets", nil)
				if !works(c.ClientSecret) || !strings.HasSuffix(c.ClientSecret, c.Hint) || c.ClientID != string(p.client.ID) {
					t.Fatalf("%+v", c)
				}
				made = append(made, c)
			}
			p.admin.refused(409, api.CodeSecretLimit, "POST", path+"/client-secrets", nil)
			p.admin.refused(409, api.CodeSecretLimit, "POST", path+"/actions/rotate-secret", api.RotateClientSecretRequest{OverlapSeconds: 60})
			p.admin.want(204, nil, "DELETE", path+"/client-secrets/"+made[0].Hint, nil)
			p.admin.refused(404, api.CodeSecretNotFound, "DELETE", path+"/client-secrets/"+made[0].Hint, nil)
			if works(made[0].ClientSecret) || !works(made[1].ClientSecret) || !works(p.client.Secret) {
				t.Error("the wrong secret is gone")
			}

			// With an end.
			end := api.Time{Time: e.Clock.Now().Add(time.Hour)}
			var ending api.CreatedClientSecret
			p.admin.want(201, &ending, "POST", path+"/client-secrets", api.CreateClientSecretRequest{ExpiresAt: &end})
			if !ending.ExpiresAt.Equal(end.Time) || !works(ending.ClientSecret) {
				t.Errorf("%+v", ending)
			}
			past := api.Time{Time: e.Clock.Now()}
			if where := p.admin.refused(400, api.CodeClientInvalid, "POST", path+"/client-secrets", api.CreateClientSecretRequest{ExpiresAt: &past}); where != "/expiresAt" {
				t.Errorf("blames %q", where)
			}
			p.admin.refused(400, api.CodeInvalidRequest, "POST", path+"/client-secrets", `{"expiresAt":1}`)
			e.Clock.Advance(time.Hour - time.Second)
			if !works(ending.ClientSecret) {
				t.Error("it ended early")
			}
			e.Clock.Advance(time.Second)
			if works(ending.ClientSecret) || !works(p.client.Secret) {
				t.Error("it works past its end, or others don't")
			}
			var room api.CreatedClientSecret // what has ended takes no place
			p.admin.want(201, &room, "POST", path+"/client-secrets", nil)

			// Their use.
			e.Flush()
			var c api.OAuthClient
			p.admin.want(200, &c, "GET", path, nil)
			if len(c.ClientSecrets) != 5 {
				t.Errorf("%d secrets", len(c.ClientSecrets))
			}
			for _, s := range c.ClientSecrets {
				used := s.Hint != room.Hint
				if (s.FirstUsedAt != nil) != used || (s.LastUsedAt != nil) != used || used && s.FirstUsedAt.After(s.LastUsedAt.Time) {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func TestOAuthClients_rotation(t *testing.T) {
	e := testenv.New(t)
	for _, p := range places(t, e) {
		t.Run(p.name, func(t *testing.T) {
			p.admin.t, p.admin.token = t, e.Token(p.admin.origin, p.boss)
			path := p.path + "/" + string(p.client.ID)
			works := func(secret string) bool { return tokenStatus(t, e, p.host, p.client.ID, secret) == 200 }
			rotate := func(seconds int64) (c api.CreatedClientSecret) {
				t.Helper()
				p.admin.want(201, &c, "POST", path+"/actions/rotate-secret", api.RotateClientSecretRequest{OverlapSeconds: seconds})
				return c
			}
			both := func(old, fresh string, wantOld, wantNew bool) {
				t.Helper()
				if works(old) != wantOld || works(fresh) != wantNew {
					t.Errorf("old works: %v, new works: %v; want %v, %v", works(old), works(fresh), wantOld, wantNew)
				}
			}
			for _, action := range []string{"finish", "cancel"} {
				p.admin.refused(409, api.CodeSecretRotation, "POST", path+"/actions/"+action+"-rotation", nil)
			}
			for _, body := range []string{`{"overlapSeconds":-1}`, `{"overlapSeconds":7776001}`, `{"overlapSeconds":9223372036854775807}`} {
				if where := p.admin.refused(400, api.CodeClientInvalid, "POST", path+"/actions/rotate-secret", body); where != "/overlapSeconds" {
					t.Errorf("%s: blames %q", body, where)
				}
			}

			// Cancelled: as if nothing had been.
			old := p.client.Secret
			cancelled := rotate(3600)
			if cancelled.OverlapEnd == nil || !cancelled.OverlapEnd.Equal(e.Clock.Now().Add(time.Hour)) {
				t.Errorf("%+v", cancelled)
			}
			both(old, cancelled.ClientSecret, true, true)
			p.admin.refused(409, api.CodeSecretRotation, "POST", path+"/actions/rotate-secret", nil)
			p.admin.refused(409, api.CodeSecretRotation, "DELETE", path+"/client-secrets/"+cancelled.Hint, nil)
			p.admin.want(204, nil, "POST", path+"/actions/cancel-rotation", nil)
			e.Clock.Advance(2 * time.Hour)
			both(old, cancelled.ClientSecret, true, false)

			// Finished early.
			fresh := rotate(3600)
			both(old, fresh.ClientSecret, true, true)
			p.admin.want(204, nil, "POST", path+"/actions/finish-rotation", nil)
			both(old, fresh.ClientSecret, false, true)

			// Finished by itself, to the second, and before any sweep.
			old, fresh = fresh.ClientSecret, rotate(3600)
			e.Clock.Advance(time.Hour - time.Second)
			both(old, fresh.ClientSecret, true, true)
			e.Clock.Advance(time.Second)
			both(old, fresh.ClientSecret, false, true)
			p.admin.refused(409, api.CodeSecretRotation, "POST", path+"/actions/cancel-rotation", nil)

			// Without overlap: a refresh. Neither does a body have to be there.
			old = fresh.ClientSecret
			p.admin.want(201, &fresh, "POST", path+"/actions/rotate-secret", nil)
			both(old, fresh.ClientSecret, false, true)
			var c api.OAuthClient
			p.admin.want(200, &c, "GET", path, nil)
			if len(c.ClientSecrets) != 1 || c.ClientSecrets[0].Hint != fresh.Hint || c.ClientSecrets[0].Rotation != "" || c.ClientSecrets[0].ExpiresAt != nil {
				t.Errorf("%+v", c.ClientSecrets)
			}
		})
	}
}

// A client that stops to authenticate by secret has none; one that begins gets one.
func TestOAuthClients_patchMakesSecret(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	admin := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant))
	var spa api.OAuthClient
	admin.want(201, &spa, "POST", "/api/v1/oauth-clients", map[string]any{"clientName": "app", "appType": "spa"})
	admin.refused(400, api.CodeClientInvalid, "POST", "/api/v1/oauth-clients/"+spa.ClientID+"/client-secrets", nil)
	admin.refused(400, api.CodeClientInvalid, "POST", "/api/v1/oauth-clients/"+spa.ClientID+"/actions/rotate-secret", nil)
	admin.refused(400, api.CodeClientPatch, "PATCH", "/api/v1/oauth-clients/"+spa.ClientID, ops{{Op: "add", Path: "/allowedAuthMethods", Value: []string{"client_secret"}}})
}

// Secrets are announced once, a week before they end, and erased when they have.
func TestCredential_Sweep(t *testing.T) {
	e := testenv.New(t)
	p := places(t, e)[0]
	path := p.path + "/" + string(p.client.ID)
	end := api.Time{Time: e.Clock.Now().Add(10 * 24 * time.Hour)}
	var ending, fresh api.CreatedClientSecret
	p.admin.want(201, &ending, "POST", path+"/client-secrets", api.CreateClientSecretRequest{ExpiresAt: &end})
	sweep := func() (warned, expired int) {
		t.Helper()
		for range 2 { // the second finds nothing
			if err := e.App.Credential.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range records(t, e) {
			switch {
			case r.Action == "oauth-client.secret.expiring" && r.Data["hint"] == ending.Hint && r.Actor.Kind == estate.ActorSystem:
				warned++
			case r.Action == "oauth-client.secret.expire" && r.Target == string(p.client.ID):
				expired++
			}
		}
		return warned, expired
	}
	for _, step := range []struct {
		after           time.Duration
		warned, expired int
	}{{0, 0, 0}, {3*24*time.Hour - time.Second, 0, 0}, {time.Second, 1, 0}, {7*24*time.Hour - time.Second, 1, 0}, {time.Second, 1, 1}} {
		e.Clock.Advance(step.after)
		if warned, expired := sweep(); warned != step.warned || expired != step.expired {
			t.Errorf("after %v: %d warnings, %d ends; want %d, %d", step.after, warned, expired, step.warned, step.expired)
		}
	}
	p.admin.token = e.Token(p.host, p.boss)
	p.admin.want(201, &fresh, "POST", path+"/actions/rotate-secret", api.RotateClientSecretRequest{OverlapSeconds: 60})
	var c api.OAuthClient
	p.admin.want(200, &c, "GET", path, nil)
	if len(c.ClientSecrets) != 2 || c.ClientSecrets[0].Rotation != "old" || c.ClientSecrets[1].Rotation != "new" {
		t.Errorf("%+v", c.ClientSecrets)
	}
	e.Clock.Advance(time.Minute)
	if _, expired := sweep(); expired != 2 {
		t.Errorf("%d ends after the overlap", expired)
	}
	p.admin.want(200, &c, "GET", path, nil)
	if len(c.ClientSecrets) != 1 || c.ClientSecrets[0].Hint != fresh.Hint || c.ClientSecrets[0].Rotation != "" {
		t.Errorf("%+v", c.ClientSecrets)
	}
}
