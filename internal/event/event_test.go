package event_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/freehold-platform/freehold/internal/estate"
	events "github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestCloudEvent writes records as events, and reads them back with the library.
func TestCloudEvent(t *testing.T) {
	e := testenv.Open(t)
	tenant := e.Tenant(e.Subscription(2), "us", "acme")
	var found []estate.AuditRecord
	for _, r := range allRecords(t, e, tenant.Scope()) {
		if r.Action == "tenant.create" {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d records", len(found))
	}
	made, err := events.CloudEvent(found[0])
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var got event.Event
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	var data struct {
		ID        string   `json:"id"`
		Name      string   `json:"name"`
		Hostnames []string `json:"hostnames"`
		LicenseID string   `json:"licenseId"`
	}
	if err := got.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	want := []string{string(tenant.Hostname) + "." + testenv.Domain, "acme.us." + testenv.Domain}
	if data.ID != string(tenant.ID) || data.Name != tenant.Name || !slices.Equal(data.Hostnames, want) || data.LicenseID != string(tenant.Subscription) {
		t.Errorf("data %s", got.Data())
	}
	if got.ID() != string(found[0].ID) || got.Type() != "com.qlik.tenant.created" || got.Source() != "com.qlik/tenants" || got.SpecVersion() != "1.0" ||
		got.Extensions()["tenantid"] != string(tenant.ID) || !got.Time().Equal(e.Clock.Now()) {
		t.Errorf("event %s", text)
	}
}

// TestData has what the contract documents where a record says so, and else what
// the record has.
func TestData(t *testing.T) {
	updates := []any{map[string]any{"path": "/x"}}
	for name, c := range map[string]struct {
		record estate.AuditRecord
		want   string
	}{
		"plain":      {estate.AuditRecord{Target: "t", Data: map[string]any{"a": 1, "_updates": updates}}, `{"_updates":[{"path":"/x"}],"a":1,"id":"t"}`},
		"documented": {estate.AuditRecord{Target: "t", Data: map[string]any{"a": 1, "_event": map[string]any{"id": "other"}, "_updates": updates}}, `{"_updates":[{"path":"/x"}],"id":"other"}`},
		"empty":      {estate.AuditRecord{}, `{}`},
		"tokens": {estate.AuditRecord{
			Action: "oauth-token.issue", Outcome: estate.OutcomeDone, Target: "c", Scope: estate.Scope{Tenant: "t"}, Time: time.Unix(1, 0).UTC(), Data: map[string]any{"tokens": 2},
		}, `{"id":"c","issuedAt":"1970-01-01T00:00:01.000Z","issuedToClientId":"c","tenantId":"t","tokens":2}`},
		"no tokens": {estate.AuditRecord{Action: "oauth-token.issue", Outcome: estate.OutcomeRefused, Target: "c"}, `{"id":"c"}`},
	} {
		text, err := json.Marshal(events.Data(c.record))
		if err != nil || string(text) != c.want {
			t.Errorf("%s: %s (%v), want %s", name, text, err, c.want)
		}
	}
}

// TestTypes_Complete finds every action that the program records and fails for
// one that is in no table: nobody could subscribe to it before it happens.
func TestTypes_Complete(t *testing.T) {
	known := map[string]bool{}
	for _, typ := range events.Types() {
		if typ.Title == "" || typ.Area == "" {
			t.Errorf("%+v lacks something", typ)
		}
		known[typ.Name] = true
	}
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, action := range actionsIn(n) {
				found++
				if !known[events.TypeOf(action)] && !events.IsPlatform(action) {
					t.Errorf("%s: the action %q is in no table of internal/event/types.go", path, action)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d actions were found: the program looks elsewhere", found)
	}
}

// actionsIn are the texts among the arguments of a call that may record something,
// and those given to what is called action, which have the form of an action.
func actionsIn(n ast.Node) (actions []string) {
	var from []ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		selector, ok := n.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains([]string{"Done", "Refused", "change", "changeSecrets"}, selector.Sel.Name) {
			from = n.Args
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if strings.HasPrefix(name.Name, "action") && i < len(n.Values) {
				from = append(from, n.Values[i])
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if name, ok := left.(*ast.Ident); ok && strings.HasPrefix(name.Name, "action") && i < len(n.Rhs) {
				from = append(from, n.Rhs[i])
			}
		}
	}
	for _, e := range from {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && strings.Contains(text, ".") && !strings.ContainsAny(text, " /%") {
			actions = append(actions, text)
		}
	}
	return actions
}

// TestNames: no name is that of two events, and each leads to the event under that name.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, typ := range events.Types() {
		if seen[typ.Name] {
			t.Errorf("%s is there twice", typ.Name)
		}
		seen[typ.Name] = true
	}
	for action, names := range map[string][]string{
		"tenant.create":                   {"com.qlik.tenant.created", "com.qlik.core.tenant.created"},
		"tenant.deactivate":               {"com.qlik.v1.tenant.deactivated", "com.qlik.core.tenant.deactivated"},
		"oauth-client.secret.create":      {"com.qlik.core.oauth-client.secret.created", "com.qlik.v1.oauth-client.secret.created"},
		"oauth-token.issue":               {"com.qlik.core.oauth-token.issued", "com.qlik.oauth-token.issued"},
		"user.delete":                     {"com.freehold.user.delete", "com.qlik.core.user.deleted", "com.qlik.v1.user.deleted"},
		"api-key.create":                  {"com.freehold.api-key.create", "com.qlik.core.api-key.created", "com.qlik.api-key.created"},
		"oauth-client.connection.approve": {"com.qlik.core.oauth-client.connection-config.approved", "com.qlik.v1.oauth-client.connection-config.approved"},
		"group.create":                    {"com.freehold.group.create"},
	} {
		r := estate.AuditRecord{Action: action, Type: events.TypeOf(action), Source: "s", Scope: estate.Scope{Tenant: "t"}, Target: "x", Data: map[string]any{"a": 1}}
		for _, name := range names {
			named := events.Named(r, name)
			if !seen[name] || !events.Is(r, name) || named.Type != name || events.Data(named)["a"] != 1 || events.Data(named)["id"] != "x" {
				t.Errorf("%s: %+v", name, named)
			}
			if told := events.Data(named)["tenantId"]; name != r.Type && told != estate.TenantID("t") {
				t.Errorf("%s: tenantId %v", name, told)
			}
		}
		if events.Is(r, "com.qlik.v1.other") || events.Named(r, "*").Type != r.Type || len(r.Data) != 1 {
			t.Errorf("%s: %+v", action, r)
		}
	}
}
