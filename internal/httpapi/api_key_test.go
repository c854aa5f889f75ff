package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// newKey makes an API key by c, and returns it with a caller that shows it.
func (c directoryCaller) newKey(t *testing.T, request api.CreateAPIKeyRequest) (api.CreatedAPIKey, directoryCaller) {
	t.Helper()
	answer := c.post("api-keys", request)
	expect(t, "create key", answer, http.StatusCreated, "")
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	var made api.CreatedAPIKey
	answer.Into(&made)
	with := c
	with.token = made.Token
	return made, with
}

// TestAPIKeys makes keys and uses them, and has them end in each way there is.
func TestAPIKeys(t *testing.T) {
	c := newDirectoryCaller(t)
	ada, bob := c.newUser(t, "ada", "Developer"), c.newUser(t, "bob")
	own := c.as(t, ada.ID)

	made, key := own.newKey(t, api.CreateAPIKeyRequest{Description: " Nightly export ", Expiry: "P7D"})
	if made.Sub != ada.ID || made.SubType != "user" || made.Description != "Nightly export" || made.Status != "active" || made.CreatedByUser != ada.ID ||
		made.TenantID != string(c.tenant.ID) || !made.Expiry.Equal(c.Clock.Now().AddDate(0, 0, 7)) {
		t.Errorf("made: %+v", made.APIKey)
	}
	parts := strings.Split(made.Token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(payload, &claims) != nil || len(parts) != 3 {
		t.Fatalf("not in the form of a JWT: %s", made.Token)
	}
	if claims["iss"] != "qlik.api/api-keys" || claims["aud"] != "qlik.api" || claims["sub"] != ada.ID || claims["jti"] != made.ID || claims["subType"] != "user" {
		t.Errorf("claims: %v", claims)
	}

	t.Run("It acts as its user", func(t *testing.T) {
		me := key.get("users/me")
		if me.Status != http.StatusFound || me.Header.Get("Location") != "/api/v1/users/"+ada.ID {
			t.Errorf("users/me: %d %s", me.Status, me.Header.Get("Location"))
		}
		expect(t, "what only administrators may", key.get("tenant-settings"), http.StatusForbidden, api.CodeInsufficientScope)
		expect(t, "make another user", key.post("users", api.CreateUserRequest{Subject: "x"}), http.StatusForbidden, api.CodeInsufficientScope)
		var list api.APIKeyList
		key.get("api-keys").Into(&list)
		if len(list.Data) != 1 || list.Data[0] != made.APIKey {
			t.Errorf("its user's keys: %+v", list.Data)
		}
		if strings.Contains(string(key.get("api-keys").Body), made.Token) {
			t.Error("the list tells the key")
		}
	})
	t.Run("What is not the key", func(t *testing.T) {
		flipped := []byte(parts[2])
		flipped[5] ^= 1
		other := c.neighbour(t)
		for name, call := range map[string]struct {
			url, token string
		}{
			"another signature":  {c.TenantURL(c.tenant), parts[0] + "." + parts[1] + "." + string(flipped)},
			"no signature":       {c.TenantURL(c.tenant), parts[0] + "." + parts[1] + "."},
			"the beginning":      {c.TenantURL(c.tenant), parts[0] + "."},
			"garbage":            {c.TenantURL(c.tenant), parts[0] + ".!.x"},
			"more at the end":    {c.TenantURL(c.tenant), made.Token + "A"},
			"at another tenant":  {other.TenantURL(other.tenant), made.Token},
			"at a register host": {c.Register("us"), made.Token},
			"at the console":     {c.Console(), made.Token},
		} {
			path := "/api/v1/users/me"
			if strings.HasPrefix(call.url, c.Console()) {
				path = "/api/core/tenants"
			} else if strings.HasPrefix(call.url, c.Register("us")) {
				path = "/api/v1/tenants"
			}
			expect(t, name, c.Do(testenv.Request{URL: call.url + path, Token: call.token}), http.StatusUnauthorized, api.CodeUnauthenticated)
		}
	})
	t.Run("Who can have one", func(t *testing.T) {
		expect(t, "without the role", c.post("api-keys", api.CreateAPIKeyRequest{Description: "x", Sub: bob.ID}), http.StatusForbidden, api.CodeAPIKeyUser)
		expect(t, "for another, by who is no administrator", own.post("api-keys", api.CreateAPIKeyRequest{Description: "x", Sub: bob.ID}), http.StatusForbidden, api.CodeForbidden)
		expect(t, "a bot", c.post("api-keys", api.CreateAPIKeyRequest{Description: "x"}), http.StatusForbidden, api.CodeAPIKeyUser)
		expect(t, "nobody", c.post("api-keys", api.CreateAPIKeyRequest{Description: "x", Sub: "nobody"}), http.StatusBadRequest, api.CodeAPIKeyInvalid)
		for name, request := range map[string]api.CreateAPIKeyRequest{
			"no description":      {},
			"a long description":  {Description: strings.Repeat("x", 257)},
			"a bad expiry":        {Description: "x", Expiry: "7 days"},
			"no time at all":      {Description: "x", Expiry: "P0D"},
			"longer than allowed": {Description: "x", Expiry: "P2Y"},
			"for SCIM":            {Description: "x", SubType: "externalClient"},
		} {
			expect(t, name, own.post("api-keys", request), http.StatusBadRequest, api.CodeAPIKeyInvalid)
		}
	})
	t.Run("A program with less can't make one with more", func(t *testing.T) {
		admin := c.newUser(t, "grace", "TenantAdmin")
		weak := c.as(t, admin.ID, api.ScopeUserDefault)
		expect(t, "create", weak.post("api-keys", api.CreateAPIKeyRequest{Description: "x"}), http.StatusForbidden, api.CodeInsufficientScope)
		_, strong := c.as(t, admin.ID).newKey(t, api.CreateAPIKeyRequest{Description: "x"})
		expect(t, "with the key of an administrator", strong.get("tenant-settings"), http.StatusOK, "")
	})
	t.Run("Its user", func(t *testing.T) {
		expect(t, "disable", c.patch("users/"+ada.ID, op("replace", "/status", "disabled")), http.StatusNoContent, "")
		expect(t, "of a disabled user", key.get("users/me"), http.StatusUnauthorized, api.CodeUnauthenticated)
		expect(t, "enable", c.patch("users/"+ada.ID, op("replace", "/status", "active")), http.StatusNoContent, "")
		expect(t, "take the role", c.patch("users/"+ada.ID, op("replace", "/assignedRoles", []any{})), http.StatusNoContent, "")
		expect(t, "without the role", key.get("users/me"), http.StatusUnauthorized, api.CodeUnauthenticated)
		expect(t, "give the role", c.patch("users/"+ada.ID, op("replace", "/assignedRoles", []any{map[string]any{"name": "Developer"}})), http.StatusNoContent, "")
		if got := key.get("users/me").Status; got != http.StatusFound {
			t.Errorf("with the role again: %d", got)
		}
	})
	t.Run("Revoked and deleted", func(t *testing.T) {
		second, with := own.newKey(t, api.CreateAPIKeyRequest{Description: "second"})
		expect(t, "describe", own.patch("api-keys/"+second.ID, op("replace", "/description", "another")), http.StatusNoContent, "")
		expect(t, "by somebody else", c.as(t, bob.ID).get("api-keys/"+second.ID), http.StatusNotFound, api.CodeAPIKeyNotFound)
		for name, wrong := range map[string]api.PatchOperation{
			"operation": op("add", "/description", "x"), "path": op("replace", "/sub", bob.ID), "value": op("replace", "/description", 7), "empty": op("replace", "/description", " "),
		} {
			expect(t, "patch, wrong "+name, own.patch("api-keys/"+second.ID, wrong), http.StatusBadRequest, api.CodeAPIKeyInvalid)
		}
		expect(t, "revoke", c.remove("api-keys/"+second.ID), http.StatusNoContent, "")
		expect(t, "revoked", with.get("users/me"), http.StatusUnauthorized, api.CodeUnauthenticated)
		var seen api.APIKey
		own.get("api-keys/" + second.ID).Into(&seen)
		if seen.Status != "revoked" || seen.Description != "another" {
			t.Errorf("after: %+v", seen)
		}
		expect(t, "delete", own.remove("api-keys/"+second.ID), http.StatusNoContent, "")
		expect(t, "deleted", own.get("api-keys/"+second.ID), http.StatusNotFound, api.CodeAPIKeyNotFound)
		expect(t, "delete again", own.remove("api-keys/"+second.ID), http.StatusNotFound, api.CodeAPIKeyNotFound)
		if got, want := c.actions(t, second.ID), []string{"api-key.create done", "api-key.update done", "api-key.revoke done", "api-key.delete done"}; !containsAll(got, want) {
			t.Errorf("audit: %q", got)
		}
	})
	t.Run("Expired", func(t *testing.T) {
		c.Clock.Advance(7*24*time.Hour - time.Second)
		if got := key.get("users/me").Status; got != http.StatusFound {
			t.Errorf("a second before its end: %d", got)
		}
		c.Clock.Advance(time.Second)
		expect(t, "at its end", key.get("users/me"), http.StatusUnauthorized, api.CodeUnauthenticated)
		own := c
		own.token = c.Token(c.TenantURL(c.tenant), c.TenantClient(c.tenant))
		statuses := func(query string) (all []string) {
			var list api.APIKeyList
			own.get("api-keys?sub=" + ada.ID + query).Into(&list)
			for _, k := range list.Data {
				all = append(all, k.Status)
			}
			return all
		}
		if got := fmt.Sprint(statuses(""), statuses("&status=expired"), statuses("&status=active")); got != "[expired] [expired] []" {
			t.Errorf("before the sweep: %s", got)
		}
		if err := c.App.Credential.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(statuses(""), statuses("&status=expired"), statuses("&status=active")); got != "[expired] [expired] []" {
			t.Errorf("after the sweep: %s", got)
		}
		if got := c.actions(t, made.ID); !containsAll(got, []string{"api-key.create done", "api-key.expire done"}) {
			t.Errorf("audit: %q", got)
		}
	})
}

func containsAll(all, wanted []string) bool {
	for _, w := range wanted {
		if !strings.Contains("\n"+strings.Join(all, "\n")+"\n", "\n"+w+"\n") {
			return false
		}
	}
	return true
}

// TestAPIKeys_Limits changes the limits of keys, and lists keys page by page.
func TestAPIKeys_Limits(t *testing.T) {
	c := newDirectoryCaller(t)
	ada := c.newUser(t, "ada", "Developer")
	configs := "api-keys/configs/" + string(c.tenant.ID)
	var settings api.APIKeySettings
	c.get(configs).Into(&settings)
	if settings != (api.APIKeySettings{MaxAPIKeyExpiry: "P365D", MaxKeysPerUser: 5, SCIMExternalClientExpiry: "P365D"}) {
		t.Errorf("by default: %+v", settings)
	}
	for name, wrong := range map[string]api.PatchOperation{
		"operation": op("add", "/max_keys_per_user", 1), "path": op("replace", "/name", 1), "number": op("replace", "/max_keys_per_user", 101), "none": op("replace", "/max_keys_per_user", nil),
		"period": op("replace", "/max_api_key_expiry", "a week"), "long": op("replace", "/max_api_key_expiry", "P11Y"), "type": op("replace", "/scim_externalClient_expiry", 7),
	} {
		expect(t, "wrong "+name, c.patch(configs, op("replace", "/max_keys_per_user", 3), wrong), http.StatusBadRequest, api.CodeAPIKeyInvalid)
	}
	expect(t, "of another tenant", c.get("api-keys/configs/other"), http.StatusNotFound, api.CodeTenantNotFound)
	expect(t, "by a user", c.as(t, ada.ID).patch(configs, op("replace", "/max_keys_per_user", 3)), http.StatusForbidden, api.CodeForbidden)
	expect(t, "change", c.patch(configs, op("replace", "/max_keys_per_user", 3), op("replace", "/max_api_key_expiry", "P1D")), http.StatusNoContent, "")
	c.get(configs).Into(&settings)
	if settings.MaxKeysPerUser != 3 || settings.MaxAPIKeyExpiry != "P1D" {
		t.Errorf("changed: %+v", settings)
	}
	for i := range 3 {
		made, _ := c.newKey(t, api.CreateAPIKeyRequest{Description: fmt.Sprintf("key %d", 2-i), Sub: ada.ID})
		if !made.Expiry.Equal(c.Clock.Now().AddDate(0, 0, 1)) {
			t.Errorf("expiry by default: %v", made.Expiry)
		}
		c.Clock.Advance(time.Minute)
	}
	expect(t, "one too many", c.post("api-keys", api.CreateAPIKeyRequest{Description: "x", Sub: ada.ID}), http.StatusForbidden, api.CodeAPIKeyLimit)

	for sort, want := range map[string]string{
		"created": "key 2,key 1,key 0", "-created": "key 0,key 1,key 2", "description": "key 0,key 1,key 2", "%2Bdescription": "key 0,key 1,key 2", "-description": "key 2,key 1,key 0",
	} {
		var there, back []string
		path := "api-keys?limit=2&sort=" + sort
		var list api.APIKeyList
		c.get(path).Into(&list)
		for {
			for _, k := range list.Data {
				there = append(there, k.Description)
			}
			if list.Links.Next == nil {
				break
			}
			next := list.Links.Next.Href
			list = api.APIKeyList{}
			c.Do(testenv.Request{URL: next, Token: c.token}).Into(&list)
		}
		for list.Links.Prev != nil {
			prev := list.Links.Prev.Href
			list = api.APIKeyList{}
			c.Do(testenv.Request{URL: prev, Token: c.token}).Into(&list)
			for _, k := range list.Data {
				back = append(back, k.Description)
			}
		}
		if got := strings.Join(there, ","); got != want {
			t.Errorf("sort %s: %s", sort, got)
		}
		if got, want := strings.Join(back, ","), strings.Join(there[:2], ","); got != want {
			t.Errorf("sort %s, back: %s", sort, got)
		}
	}
	for _, bad := range []string{"sort=expiry", "sort=created,sub", "status=gone", "startingAfter=x", "endingBefore=x", "startingAfter=x&endingBefore=y", "limit=0", "limit=101"} {
		expect(t, bad, c.get("api-keys?"+bad), http.StatusBadRequest, api.CodeInvalidRequest)
	}
}
