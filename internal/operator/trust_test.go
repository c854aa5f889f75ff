package operator_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/operator"
)

const (
	publicKey  = `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	privateKey = `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`
	federation = `{"name":"ci","issuer":"https://issuer.example.com","audience":"freehold","condition":"claims.a == 'b'"}`
)

func TestClientCreate_WithoutSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) (string, error) {
		root := &cobra.Command{Use: "freehold", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(operator.Commands(func(string) string { return "" })...)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append([]string{"operator", "--data-dir", filepath.Join(dir, "data")}, args...))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := run("organization", "create", "Acme"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	create := []string{"client", "create", "--level", "organization", "--name", "inventory", "--output", "json"}
	for name, tc := range map[string]struct {
		flags  []string
		secret bool
		fails  string
	}{
		"secret":           {nil, true, ""},
		"key":              {[]string{"--public-key-file", file("key", publicKey)}, false, ""},
		"key set":          {[]string{"--public-key-file", file("set", `{"keys":[`+publicKey+`]}`)}, false, ""},
		"URL":              {[]string{"--jwks-uri", "https://client.example.com/keys"}, false, ""},
		"federation":       {[]string{"--federation-file", file("one", federation)}, false, ""},
		"federation list":  {[]string{"--federation-file", file("list", "["+federation+"]")}, false, ""},
		"private key":      {[]string{"--public-key-file", file("private", privateKey)}, false, "private members"},
		"key not JSON":     {[]string{"--public-key-file", file("pem", "-----BEGIN PUBLIC KEY-----")}, false, "a JWK is needed"},
		"no such file":     {[]string{"--public-key-file", filepath.Join(dir, "none")}, false, "no such file"},
		"unknown member":   {[]string{"--federation-file", file("unknown", strings.Replace(federation, "condition", "conditions", 1))}, false, "unknown field"},
		"not a condition":  {[]string{"--federation-file", file("bad", strings.Replace(federation, "==", "=", 1))}, false, "does not compile"},
		"more than one":    {[]string{"--federation-file", file("two", "["+federation+"] []")}, false, "more than one"},
		"http key set URL": {[]string{"--jwks-uri", "http://client.example.com/keys"}, false, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(append(create, tc.flags...)...)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) || strings.Contains(err.Error()+out, "nWGxne_9") {
					t.Errorf("%v: %s", err, out)
				}
				return
			}
			var made struct {
				ID     string `json:"clientId"`
				Secret string `json:"clientSecret"`
			}
			if err != nil || json.Unmarshal([]byte(out), &made) != nil || made.ID == "" || (made.Secret != "") != tc.secret {
				t.Errorf("%v: %s", err, out)
			}
		})
	}

	out, err := run(append(create, "--federation-file", file("trust", federation))...)
	var made struct {
		ID string `json:"clientId"`
	}
	if err != nil || json.Unmarshal([]byte(out), &made) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err = run("client", "check-token", "--client", made.ID, "--token-file", file("token", "nonsense\n"), "--output", "json")
	if err == nil || !strings.Contains(err.Error(), "not a signed JWT") || !strings.Contains(out, `"accepted": false`) {
		t.Errorf("check-token: %v: %s", err, out)
	}
}
