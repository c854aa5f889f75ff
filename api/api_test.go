package api_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// TestCodes_Form reads all error codes from the source: they have the form that
// the documents promise, and no two are the same.
func TestCodes_Form(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[A-Z]+(-[A-Z]+)*(-[0-9]+|(_[A-Z]+)+)$`)
	names := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		name := spec.Names[0].Name
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !form.MatchString(code) {
			t.Errorf("%s is %q (%v)", name, code, err)
		}
		if names[code] != "" {
			t.Errorf("%s and %s are both %s", name, names[code], code)
		}
		names[code] = name
		return true
	})
	if len(names) < 30 {
		t.Errorf("found only %d codes", len(names))
	}
}

// TestError_JSON writes the envelope as the contract has it: what is not there
// is left out.
func TestError_JSON(t *testing.T) {
	for want, body := range map[string]any{
		`{"errors":[{"code":"TENANTS-8","title":"Not found","status":"404"}],"traceId":"0af"}`: api.ErrorBody{
			Errors: []api.Error{{Code: "TENANTS-8", Title: "Not found", Status: "404"}}, TraceID: "0af",
		},
		`{"errors":[{"code":"HTTP-400","title":"Invalid filter","detail":"at byte 3","status":"400","source":{"parameter":"filter"},"meta":{"position":3}}]}`: api.ErrorBody{
			Errors: []api.Error{{Code: "HTTP-400", Title: "Invalid filter", Detail: "at byte 3", Status: "400", Source: &api.ErrorSource{Parameter: "filter"}, Meta: map[string]int{"position": 3}}},
		},
		`{"error":"invalid_client","error_description":"No.","errors":[{"code":"OAUTH-14","title":"Invalid client"}]}`: api.OAuthErrorBody{
			OAuthError: "invalid_client", ErrorDescription: "No.", Errors: []api.Error{{Code: "OAUTH-14", Title: "Invalid client"}},
		},
	} {
		if have, err := json.Marshal(body); err != nil || string(have) != want {
			t.Errorf("%s\nwant %s (%v)", have, want, err)
		}
	}
}

func TestTime_JSON(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 30, 0, 123999999, time.FixedZone("", 3600))
	if have, err := json.Marshal(api.Time{Time: at}); err != nil || string(have) != `"2026-11-02T08:30:00.123Z"` {
		t.Errorf("%s (%v)", have, err)
	}
	for text, want := range map[string]time.Time{
		`"2026-11-02T08:30:00.123Z"`:       time.Date(2026, 11, 2, 8, 30, 0, 123000000, time.UTC),
		`"2026-11-02T08:30:00Z"`:           time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC),
		`"2026-11-02T09:30:00.5+01:00"`:    time.Date(2026, 11, 2, 8, 30, 0, 500000000, time.UTC),
		`"1970-01-01T00:00:00.001Z"`:       time.UnixMilli(1).UTC(),
		`"2026-11-02T08:30:00.123456789Z"`: time.Date(2026, 11, 2, 8, 30, 0, 123456789, time.UTC),
	} {
		var have api.Time
		if err := json.Unmarshal([]byte(text), &have); err != nil || !have.Equal(want) || have.Location() != time.UTC {
			t.Errorf("%s: %v, want %v (%v)", text, have, want, err)
		}
	}
	for _, text := range []string{`""`, `"now"`, `"2026-11-02"`, `1700000000`, `{}`, `"2026-13-02T08:30:00Z"`} {
		have := api.Time{Time: at}
		if err := json.Unmarshal([]byte(text), &have); err == nil || !have.Equal(at) {
			t.Errorf("%s: %v (%v)", text, have, err)
		}
	}
	kept := api.Time{Time: at}
	if err := json.Unmarshal([]byte("null"), &kept); err != nil || !kept.Equal(at) {
		t.Errorf("null: %v (%v)", kept, err)
	}
	if api.Timestamp(time.Time{}) != nil || !api.Timestamp(at).Equal(at) {
		t.Error("Timestamp")
	}
}

// FuzzTime reads whatever comes for a time. What is read is written and read
// again as the same, to the millisecond.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{`"2026-11-02T08:30:00.123Z"`, `"2026-11-02T09:30:00+01:00"`, "null", `""`, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999-23:59"`, "1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var first, second api.Time
		if first.UnmarshalJSON([]byte(text)) != nil {
			return
		}
		encoded, err := json.Marshal(first)
		if year := first.Year(); year < 0 || year > 9999 {
			return // an offset may lead out of what RFC 3339 can write
		}
		if err != nil || second.UnmarshalJSON(encoded) != nil || !second.Equal(first.Truncate(time.Millisecond)) {
			t.Errorf("%s is read as %v, written as %s (%v) and read as %v", text, first, encoded, err, second)
		}
	})
}

func TestOpenAPI(t *testing.T) {
	for _, surface := range []string{"console", "register", "tenant"} {
		document := api.OpenAPI(surface)
		if !json.Valid(document) {
			t.Errorf("%s: not JSON", surface)
		}
		clear(document)
		if !json.Valid(api.OpenAPI(surface)) {
			t.Errorf("%s: one caller changes it for all", surface)
		}
	}
	for _, surface := range []string{"", "admin", "../openapi/console", "console.json", "/console"} {
		if api.OpenAPI(surface) != nil {
			t.Errorf("there is a document for %q", surface)
		}
	}
}

// TestScopes keeps the levels apart, and one caller from changing the scopes of
// all.
func TestScopes(t *testing.T) {
	if want := []string{"admin_classic", "tenants:create", "tenants:deactivate", "tenants:reactivate"}; !slices.Equal(api.RegionScopes(), want) {
		t.Errorf("region: %v, the contract has %v", api.RegionScopes(), want)
	}
	if !slices.Contains(api.OrganizationScopes(), "cloud-console.tenants:read") {
		t.Errorf("organization: %v", api.OrganizationScopes())
	}
	for _, scope := range api.OrganizationScopes() {
		if slices.Contains(api.RegionScopes(), scope) {
			t.Errorf("%s is of two levels", scope)
		}
	}
	api.RegionScopes()[0], api.OrganizationScopes()[0] = "x", "x"
	if api.RegionScopes()[0] == "x" || api.OrganizationScopes()[0] == "x" {
		t.Error("the lists are shared")
	}
}
