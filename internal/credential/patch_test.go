package credential

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Whatever comes: a refusal names the caller's mistake, and what is taken applies
// to a client wholly or not at all, within the paths of its level.
func FuzzParsePatch(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{"op":"replace","path":"/clientName","value":"x"}]`, `[{"op":"remove","path":"/description"},{"op":"add","path":"/allowedScopes","value":["a:b"]}]`,
		`[{"op":"replace","path":"/appType","value":"spa"}]`, `[{"op":"add","path":"/redirectUris/-","value":"https://x"}]`, `[null]`, `null`, `{}`, `[[]]`,
		`[{"op":"add","path":"/publicKeys","value":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}]`,
		`[{"op":"replace","path":"/publicKeys","value":[{"d":"x"}]}]`, `[{"op":"remove","path":"/publicKeys"},{"op":"add","path":"/jwksUri","value":"https://x"}]`,
		`[{"op":"replace","path":"/clientName","value":null}]`, `[{"op":"replace","path":"/clientName","value":"a"},{"op":"copy","from":"/a","path":"/b"}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		patch, err := ParsePatch(text)
		if err != nil {
			if !estate.HasCode(err, api.CodeClientPatch) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		again, err := json.Marshal(patch)
		if err != nil || !json.Valid(text) || len(patch) > maxPatch {
			t.Fatalf("took %q as %s: %v", text, again, err)
		}
		for _, level := range []estate.Level{estate.LevelTenant, estate.LevelRegion, estate.LevelOrganization} {
			before := estate.Client{
				ID: "0123456789abcdef0123456789abcdef", Level: level, Name: "n", AppType: "web", Permissions: estate.Permissions{"p"},
				RedirectURIs: []string{"r"}, AllowedOrigins: []string{"o"}, GrantTypes: []string{"g"}, AuthMethods: []string{"m"}, Consent: estate.ConsentTrusted,
				PublicKeys: []estate.PublicKey{{ID: "k", Algorithm: "EdDSA"}}, JWKSURI: "u", TokenBinding: estate.BindingDPoP,
			}
			c := before
			if err := applyPatch(&c, patch); err != nil {
				if !estate.HasCode(err, api.CodeClientPatch) {
					t.Fatalf("refused with %v", err)
				}
				continue
			}
			if strings.TrimSpace(c.Name) == "" || len(c.Permissions) == 0 {
				t.Fatalf("%q left %+v", text, c)
			}
			updates := describeUpdates(before, c)
			if level != estate.LevelTenant {
				for _, u := range updates {
					if path := u["path"]; path != "/clientName" && path != "/description" && path != "/allowedScopes" {
						t.Fatalf("%q changed %s of a client of level %s", text, path, level)
					}
				}
			}
			for _, path := range changeable(estate.LevelTenant) {
				switch m := members[path]; {
				case m.text != nil:
					*m.text(&c) = *m.text(&before)
				case m.keys != nil:
					*m.keys(&c) = *m.keys(&before)
				default:
					*m.list(&c) = *m.list(&before)
				}
			}
			if !reflect.DeepEqual(before, c) {
				t.Fatalf("%q changed more than can be: %+v", text, c)
			}
		}
	})
}
