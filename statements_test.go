package freehold_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Why a statement does without the owner, which is what a database that is sharded
// by organization would find the rows by (docs/scaling.md).
const (
	everywhere = "a table that every shard has whole, because it is small: regions, the server's keys, organizations"
	oneName    = "finds the owner by a name that is unique over all; asked once, and then in memory: a small table of its own, from name to owner"
	ofPages    = "a form of a page, by the secret that the page has; belongs to whichever database the pages of its host use"
	bySecret   = "the same, by a secret or an id that its owner shows; people's sign-in only"
	byTenant   = "has the tenant, which has one owner; the caller holds its row, so the owner can be added when it is needed"
	sweep      = "a sweep in the background, by age or by what is due; each shard does its own"
	feed       = "the feed of changes and what servers tell one another: of each database its own"
	allAtStart = "read whole at the start of a server, from every shard, and kept up by the feed"
	operators  = "asked by the operator about all organizations, and by nobody else"
	figures    = "counts for the metrics, every few seconds at most; with shards each is asked, and the numbers are added"
	owned      = "inserts rows that have the owner among their columns"
	given      = "its callers give the condition, which begins with the owner, or rows that have it"
	machinery  = "no row of the estate: transactions, the catalogue, copying"
)

// withoutOwner are the functions that have statements without the owner.
var withoutOwner = map[string]string{
	"InsertOrganization": everywhere, "Organization": everywhere, "Organizations": everywhere,
	"InsertRegion": everywhere, "Region": everywhere, "Regions": everywhere,
	"InsertKey": everywhere, "Keys": everywhere, "UpdateKeySeal": everywhere, "ActivateKey": everywhere, "DeleteKey": everywhere,

	"ClientToAuthenticate": oneName, "HostnameFree": oneName, "TenantByHostname": oneName, "SubscriptionOwner": oneName, "AccountByEmail": oneName,
	"AccountCredential": bySecret, "AccountLink": bySecret, "AccountSession": bySecret,
	"BeginForm": ofPages, "Form": ofPages, "EndForm": ofPages, "OrganizationSignIns": allAtStart,
	"UseCode": bySecret, "InsertRefreshToken": bySecret, "RefreshToken": bySecret,

	"device": byTenant, "DeleteDevice": byTenant, "CountDevices": byTenant, "UpdateDevice": byTenant,

	"TenantsDue": sweep, "TenantsToErase": sweep, "APIKeysDue": sweep, "SecretsDue": sweep, "PendingClients": sweep, "Trim": sweep, "ChainsBehind": sweep,
	"AppendUsageJournal": sweep, "TakeUsageJournal": sweep, "UsageJournaled": sweep,
	"trimAssertions": sweep, "trimAuthorization": sweep, "trimForms": sweep, "trimLinks": sweep, "trimPeers": sweep, "trimRevocations": sweep, "trimSessions": sweep, "trimDeliveries": sweep,

	"changesSince": feed, "writeFeed": feed, "InsertPeerNotes": feed, "PeerNotes": feed, "UseProof": feed,
	"Revocations": allAtStart,

	"Figures": figures, "counts": figures,
	"InsertTenants": given, "insertRows": given, "countsBy": operators, "RecountTenants": operators,
	"ChainHeads": operators, "insertRecords": owned, "auditRows": given, "TenantContents": given, "PurgeTenant": given, "erase": given,

	"Ping": machinery, "Read": machinery, "commitAs": machinery, "finish": machinery, "later": machinery, "insert": machinery, "rollback": machinery, "tryBegin": machinery, "beginReading": machinery, "exec": machinery,
	"Clock": machinery,
	"run":   machinery, "row": machinery, "rows": machinery, "Copy": machinery, "copyTables": machinery, "copyTable": machinery, "tables": machinery,
	"continueIdentities": machinery, "uniqueColumns": machinery, "writable": machinery,
	"State": machinery, "measure": machinery, "readEstate": machinery, "readPostgres": machinery, "readSQLite": machinery,
}

const storeDir = "internal/store"

// TestStatements lists every statement of the store that does not name the
// owner of its rows, each with the reason. What is new is seen in the review: a
// statement on the way of a token or of a tenant's requests must name it.
func TestStatements(t *testing.T) {
	have := statementsWithoutOwner(t)
	golden := filepath.Join(storeDir, "testdata", "statements.txt")
	text := "Statements without the organization among what their rows are found by, and why.\nWritten by go test -run TestStatements -update .\n"
	for _, function := range slices.Sorted(maps.Keys(have)) {
		reason, known := withoutOwner[function]
		if !known {
			t.Errorf("%s has statements without the owner, and withoutOwner no reason for it: %q", function, have[function])
			reason = "?"
		}
		text += "\n" + function + ": " + reason + "\n"
		for _, statement := range have[function] {
			text += "    " + statement + "\n"
		}
	}
	for function := range withoutOwner {
		if have[function] == nil {
			t.Errorf("withoutOwner names %s, which has no such statement", function)
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("run go test -run TestStatements -update . and read the difference (-want +have)\n%s", diff)
	}
}

// statementsWithoutOwner reads the store's source: the query of each call that
// executes one, with constants and variables of the function put in.
func statementsWithoutOwner(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(storeDir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	constants := map[string]ast.Expr{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
						for i := range v.Names {
							constants[v.Names[i].Name] = v.Values[i]
						}
					}
				}
			}
		}
	}
	found := map[string][]string{}
	for _, file := range parsed {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			for _, statement := range statementsOf(f, constants) {
				if !namesOwner(statement) {
					found[f.Name.Name] = append(found[f.Name.Name], statement)
				}
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d functions with statements: the source is not read as it is written", len(found))
	}
	return found
}

// ownerGiven is how a condition names the owner: by itself, or by what a function
// makes of the scope.
var ownerGiven = regexp.MustCompile(`\borganization_id = |\{scope\}`)

// namesOwner tells whether a statement finds its rows by their owner, or inserts
// them with it. Conditions that are made elsewhere begin with the owner.
func namesOwner(statement string) bool {
	if strings.Contains(statement, "{where}") {
		return true
	}
	if strings.HasPrefix(statement, "insert into ") && !strings.Contains(statement, " where ") {
		return strings.Contains(statement, "organization_id")
	}
	_, condition, _ := strings.Cut(statement, " where ")
	return ownerGiven.MatchString(condition)
}

// ownConditions are the terms of conditions that f makes itself, which need not
// begin with the owner; empty if it makes none.
func ownConditions(f *ast.FuncDecl, render func(ast.Expr) string) string {
	made := false
	var terms []string
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if of, ok := n.Type.(*ast.Ident); ok && of.Name == "conditions" {
				made = true
			}
		case *ast.CallExpr:
			if method, ok := n.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "add" && len(n.Args) == 1 {
				terms = append(terms, render(n.Args[0]))
			}
		}
		return true
	})
	if !made {
		return ""
	}
	return " where " + strings.Join(terms, " and ")
}

// executes are the methods that execute a statement, which is their second
// argument.
var executes = []string{"exec", "insert", "later", "run", "row", "rows"}

func statementsOf(f *ast.FuncDecl, constants map[string]ast.Expr) (statements []string) {
	local := map[string][]ast.Expr{} // all that is assigned to a name
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i := range a.Lhs {
				if name, ok := a.Lhs[i].(*ast.Ident); ok {
					local[name.Name] = append(local[name.Name], a.Rhs[i])
				}
			}
		}
		return true
	})
	own := ownConditions(f, func(e ast.Expr) string { return render(e, local, constants, 0) })
	used := own == ""
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains(executes, method.Sel.Name) {
			text := render(call.Args[1], local, constants, 0)
			if own != "" && strings.Contains(text, "{where}") {
				text, used = strings.ReplaceAll(text, "{where}", own), true
			}
			text = strings.Join(strings.Fields(text), " ")

			statements = append(statements, text)
		}
		return true
	})
	if !used { // by a function that it calls
		statements = append(statements, "…"+own)
	}
	return statements
}

// render writes the text of a query as far as the source tells it.
func render(e ast.Expr, local map[string][]ast.Expr, constants map[string]ast.Expr, depth int) string {
	if depth > 8 {
		return "{…}"
	}
	again := func(e ast.Expr) string { return render(e, local, constants, depth+1) }
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return again(e.X) + again(e.Y)
	case *ast.ParenExpr:
		return again(e.X)
	case *ast.Ident:
		var parts []string
		for _, value := range local[e.Name] {
			parts = append(parts, again(value))
		}
		if value := constants[e.Name]; len(parts) == 0 && value != nil {
			parts = append(parts, again(value))
		}
		if len(parts) > 0 {
			return strings.Join(parts, " / ")
		}
		return "{" + e.Name + "}"
	case *ast.CallExpr:
		var parts []string
		for _, argument := range e.Args {
			parts = append(parts, again(argument))
		}
		if method, ok := e.Fun.(*ast.SelectorExpr); ok && (method.Sel.Name == "where" || method.Sel.Name == "and") {
			return "{where}" // made by within, which has the owner first
		}
		return strings.Join(parts, " ")
	case *ast.SelectorExpr:
		return "{" + e.Sel.Name + "}"
	}
	return fmt.Sprintf("{%T}", e)
}
