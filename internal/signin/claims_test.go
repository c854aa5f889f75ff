package signin

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

func TestFollow(t *testing.T) {
	var claims any
	text := `{"sub":"s","a":{"b":["x",{"c":"deep"}]},"":"empty","a/b":"slash","m~n":"tilde","https://example.com/groups":["g"],"null":null}`
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]any{
		"/sub": "s", "/a/b/0": "x", "/a/b/1/c": "deep", "/": "empty", "/a~1b": "slash", "/m~0n": "tilde", "/https:~1~1example.com~1groups/0": "g",
		"/none": nil, "/sub/x": nil, "/a/b/2": nil, "/a/b/-1": nil, "/a/b/x": nil, "/null": nil, "/null/x": nil,
	} {
		if have := follow(claims, pointer); have != want {
			t.Errorf("%s leads to %v, want %v", pointer, have, want)
		}
	}
}

func TestMapClaims(t *testing.T) {
	yes := true
	for name, c := range map[string]struct {
		provider string
		options  estate.IdentityProviderOptions
		claims   string
		want     Login
		refused  bool
	}{
		"by name": {"generic", estate.IdentityProviderOptions{}, `{"sub":"s","name":"n","email":"e","email_verified":true,"groups":["a","b"]}`, Login{"s", "n", "e", true, []string{"a", "b"}}, false},
		"mapped, with a second choice": {"generic", estate.IdentityProviderOptions{ClaimsMapping: map[string][]string{
			"sub": {"/oid", "/sub"}, "name": {"/x"}, "groups": {"/realm/roles"},
		}}, `{"sub":"s","name":"n","realm":{"roles":"one"}}`, Login{"s", "", "", false, []string{"one"}}, false},
		"the first choice":          {"generic", estate.IdentityProviderOptions{ClaimsMapping: map[string][]string{"sub": {"/oid", "/sub"}}}, `{"sub":"s","oid":"o"}`, Login{Subject: "o"}, false},
		"realm":                     {"generic", estate.IdentityProviderOptions{Realm: "R"}, `{"sub":"s"}`, Login{Subject: `R\s`}, false},
		"verified as text":          {"generic", estate.IdentityProviderOptions{}, `{"sub":"s","email_verified":"true"}`, Login{Subject: "s", EmailVerified: true}, false},
		"verified always":           {"azureAD", estate.IdentityProviderOptions{EmailVerified: &yes}, `{"sub":"s"}`, Login{Subject: "s", EmailVerified: true}, false},
		"verified always, but else": {"okta", estate.IdentityProviderOptions{EmailVerified: &yes}, `{"sub":"s"}`, Login{Subject: "s"}, false},
		"no subject":                {"generic", estate.IdentityProviderOptions{}, `{}`, Login{}, true},
		"empty subject":             {"generic", estate.IdentityProviderOptions{Realm: "R"}, `{"sub":""}`, Login{}, true},
		"number":                    {"generic", estate.IdentityProviderOptions{}, `{"sub":5}`, Login{}, true},
		"group of no name":          {"generic", estate.IdentityProviderOptions{}, `{"sub":"s","groups":[1]}`, Login{}, true},
		"groups of no list":         {"generic", estate.IdentityProviderOptions{}, `{"sub":"s","groups":{}}`, Login{}, true},
		"realm of bots":             {"generic", estate.IdentityProviderOptions{Realm: "QlikBot"}, `{"sub":"s"}`, Login{}, true},
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
			t.Fatal(err)
		}
		have, err := mapClaims(estate.IdentityProvider{Provider: c.provider}, c.options, claims)
		if (err != nil) != c.refused || err == nil && !reflect.DeepEqual(have, c.want) {
			t.Errorf("%s: %+v (%v), want %+v", name, have, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	var r refusals
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	recorded := 0
	for range 2 * maxRefusalRecords {
		if _, due := r.next("a", now); due {
			recorded++
		}
	}
	if _, due := r.next("b", now); recorded != maxRefusalRecords || !due {
		t.Errorf("%d recorded; another tenant's: %v", recorded, due)
	}
	if unrecorded, due := r.next("a", now.Add(time.Minute)); unrecorded != maxRefusalRecords || !due {
		t.Errorf("after a minute: %v, %d before were not recorded", due, unrecorded)
	}
	if unrecorded, due := r.next("a", now.Add(time.Minute)); unrecorded != 0 || !due {
		t.Errorf("then: %v, %d", due, unrecorded)
	}
}
