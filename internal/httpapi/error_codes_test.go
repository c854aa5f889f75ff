package httpapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

// reserved are codes that nothing makes yet, with the reason.
var reserved = map[string]string{}

var kinds = map[string]estate.Kind{
	"Internal": estate.Internal, "Invalid": estate.Invalid, "Unauthenticated": estate.Unauthenticated, "Forbidden": estate.Forbidden, "NotFound": estate.NotFound,
	"Conflict": estate.Conflict, "Precondition": estate.Precondition, "Unprocessable": estate.Unprocessable, "RateLimited": estate.RateLimited, "Unavailable": estate.Unavailable,
}

// codeUse is a call of estate.E with a constant code.
type codeUse struct {
	code, kind string
	where      string
}

// TestCodes follows each error code of package api to where it is made: it has
// one kind, and the kind has a status. That the documents have the codes is
// tested beside the documents, in package apitest.
func TestCodes(t *testing.T) {
	values := codeConstants(t)
	used := map[string][]codeUse{}
	for _, u := range codeUses(t) {
		used[u.code] = append(used[u.code], u)
	}
	for _, op := range operations { // errors that get another code on the way out
		for name, value := range values {
			if op.internalCode == value {
				used[name] = append(used[name], codeUse{code: name, kind: "Internal", where: op.id})
			}
		}
	}
	for name, value := range values {
		uses := used[name]
		switch {
		case len(uses) == 0 && reserved[name] == "":
			t.Errorf("%s (%s) is never answered", name, value)
		case len(uses) > 0 && reserved[name] != "":
			t.Errorf("%s is reserved no more; strike it from the list", name)
		}
		for _, u := range uses {
			kind, known := kinds[u.kind]
			if !known || statusOf[kind] == 0 {
				t.Errorf("%s: %s has the kind %s, which has no status", u.where, name, u.kind)
			}
			if u.kind != uses[0].kind {
				t.Errorf("%s: %s is of kind %s, and of kind %s at %s", u.where, name, u.kind, uses[0].kind, uses[0].where)
			}
		}
	}
	for name := range used {
		if values[name] == "" {
			t.Errorf("%s: %s is not a constant of package api", used[name][0].where, name)
		}
	}
}

// codeConstants reads the names and values of the codes.
func codeConstants(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, file := range parseDir(t, "../../api") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
				return true
			}
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values[spec.Names[0].Name] = value
			return true
		})
	}
	if len(values) < 30 {
		t.Fatalf("found only %d codes", len(values))
	}
	return values
}

// codeUses finds all calls of estate.E. The code must be a constant of package
// api and the kind one of package estate, so that they can be found.
func codeUses(t *testing.T) (uses []codeUse) {
	t.Helper()
	for _, dir := range []string{".", "../credential", "../tenancy", "../directory", "../signin", "../store", "../event", "../filter", "../keyring", "../app", "../webhook", "../provision", "../estate", "../console/org"} {
		for path, file := range parseDir(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || selector(call.Fun) != "estate.E" && !isOwnE(call, dir) {
					return true
				}
				kind, isKind := strings.CutPrefix(selector(call.Args[0]), "estate.")
				if own, ok := call.Args[0].(*ast.Ident); ok {
					kind, isKind = own.Name, true
				}
				code, isCode := strings.CutPrefix(selector(call.Args[1]), "api.")
				if !isKind || !isCode {
					t.Errorf("%s: estate.E without a constant kind and code", path)
				}
				uses = append(uses, codeUse{code, kind, path})
				return true
			})
		}
	}
	if len(uses) < 30 {
		t.Fatalf("found only %d errors", len(uses))
	}
	return uses
}

// isOwnE tells whether a call is of estate.E in its own package.
func isOwnE(call *ast.CallExpr, dir string) bool {
	fn, ok := call.Fun.(*ast.Ident)
	return ok && fn.Name == "E" && dir == "../estate"
}

func selector(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// parseDir parses the files of a package, without its tests.
func parseDir(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			if files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

// TestOAuthErrors gives every error that the OAuth endpoints can answer one of the
// names that RFC 6749 has, or the nearest; or of the RFCs for what it has not:
// 9449 (DPoP), 8693 (token exchange), 8628 (devices) and 7591
// (registration).
func TestOAuthErrors(t *testing.T) {
	registered := []string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "access_denied", "server_error", "temporarily_unavailable", "invalid_dpop_proof", "use_dpop_nonce", "invalid_target",
		"authorization_pending", "slow_down", "expired_token", "invalid_redirect_uri", "invalid_client_metadata",
	}
	for name, kind := range kinds {
		if have := oauthError(estate.E(kind, "X-1", name, "")); !slices.Contains(registered, have) {
			t.Errorf("%s is called %q", name, have)
		}
	}
	for code, name := range oauthErrors {
		if !slices.Contains(registered, name) || !strings.HasPrefix(code, "OAUTH-") {
			t.Errorf("%s is called %q", code, name)
		}
	}
}
