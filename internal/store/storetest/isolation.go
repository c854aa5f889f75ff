package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// row is something that has an owner. Key is what a method asks for, which
// several rows of different owners have in common where that is possible; id
// tells the rows apart.
type row struct {
	owner   estate.Scope
	key, id string
}

// readCase tries a method that reads. What it sees in a scope must be exactly
// the rows that the scope covers, out of those with the key asked for.
type readCase struct {
	rows   func(w world) []row
	covers func(scope estate.Scope, r row) bool // nil: covers
	list   bool                                 // the method asks for no key
	one    bool                                 // of several rows, it returns any
	call   func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) (ids []string, err error)
}

// writeCase tries a method that writes. In a scope that covers the row it
// touches the row and nothing else; in any other scope, nothing at all.
type writeCase struct {
	rows    func(w world) []row
	covers  func(w world, scope estate.Scope, r row) bool // nil: covers
	call    func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error
	touches func(w world, r row, scope estate.Scope) []string // texts of which each touched line of a dump has one

	// again makes the database such that every call in a scope that covers the row
	// touches it, also after others have: then each text is of a touched line. If it
	// is nil, one call need have an effect.
	again func(t *testing.T, db Database)
}

// covers is what a scope means: each field that is set narrows it, and nothing
// is covered without an organization.
func covers(scope estate.Scope, r row) bool {
	return scope.Organization != "" && scope.Organization == r.owner.Organization &&
		(scope.Subscription == "" || scope.Subscription == r.owner.Subscription) &&
		(scope.Region == "" || scope.Region == r.owner.Region) &&
		(scope.Tenant == "" || scope.Tenant == r.owner.Tenant)
}

func testIsolation(t *testing.T, open func(t *testing.T) Database) {
	t.Run("Complete", testIsolationComplete)
	t.Run("Reads", func(t *testing.T) {
		db := open(t)
		w := newWorld(t, db)
		before := dump(t, db)
		for name, c := range readCases {
			t.Run(name, func(t *testing.T) { c.test(t, db, w) })
		}
		equal(t, "database", dump(t, db), before)
	})
	for name, c := range writeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for its own database most of the time
			db := open(t)
			c.test(t, db, newWorld(t, db))
		})
	}
}

// testIsolationComplete fails when a method that takes a scope has no case, and
// when one that takes none is not known to do without.
func testIsolationComplete(t *testing.T) {
	var scoped, others []string
	for m := range reflect.TypeFor[*store.Tx]().Methods() {
		takesScope := false
		for i := range m.Type.NumIn() {
			takesScope = takesScope || m.Type.In(i) == reflect.TypeFor[estate.Scope]()
		}
		if takesScope {
			scoped = append(scoped, m.Name)
		} else {
			others = append(others, m.Name)
		}
	}
	cases := map[string]bool{}
	for name := range readCases {
		cases[name] = true
	}
	for name := range writeCases {
		cases[name] = true
	}
	compareNames(t, "isolation cases", scoped, cases)
	known := map[string]bool{}
	for name, reason := range unscoped {
		known[name] = reason != ""
	}
	compareNames(t, "reasons to take no scope", others, known)
}

// unscoped are the methods that take no scope, and why they need none.
var unscoped = map[string]string{
	"APIKeysDue":             "the server itself ends the keys of everybody",
	"InsertAPIKey":           "the key says whose it is",
	"InsertCSPOrigin":        "the origin says whose it is",
	"InsertWebIntegration":   "the web integration says whose it is",
	"AccountByEmail":         "no two accounts have the same address, and whose it is has to be found out",
	"AccountCredential":      "no two credentials have the same id, and whose it is has to be found out",
	"AccountLink":            "the id is the hash of a secret, and whose it is has to be found out",
	"AccountSession":         "the id is the hash of a secret, and whose it is has to be found out",
	"AppendAudit":            "the record says in which scope it is",
	"ActivateKey":            "keys are the server's own",
	"AppendUsageJournal":     "the server's own notes, of everybody",
	"BeginForm":              "named by a secret of the page that it was on",
	"EndForm":                "named by a secret of the page that it was on",
	"Form":                   "named by a secret of the page that it was on",
	"OrganizationSignIns":    "of which organization somebody is who comes to the console has to be found out",
	"InsertIdentity":         "the identity says whose it is",
	"ChainHeads":             "for the operator, who reaches everything",
	"ChainsBehind":           "the server itself follows the events of everybody",
	"ClientToAuthenticate":   "at the token endpoint, the owner of the client is what is to be found out",
	"CountDevices":           "what waits at a host is nobody's until somebody decides",
	"DeleteDevice":           "named by a secret; nobody's until somebody decides",
	"Device":                 "named by a secret; nobody's until somebody decides",
	"DeviceByUserCode":       "what waits at a host is nobody's until somebody decides",
	"DeleteKey":              "keys are the server's own",
	"Figures":                "metrics count the whole estate, and name subscriptions only",
	"HostnameFree":           "host names are taken across the platform, and the answer names nobody",
	"InsertAccount":          "the account says whose it is",
	"InsertCredential":       "the credential says whose it is",
	"InsertLink":             "the link says whose it is",
	"InsertClient":           "the client says whose it is",
	"InsertCode":             "the code says whose it is",
	"InsertDelivery":         "the delivery says whose it is",
	"InsertDevice":           "nobody's until somebody decides",
	"InsertFamily":           "the family says whose it is",
	"InsertGroup":            "the group says whose it is",
	"InsertIdentityProvider": "the identity provider says whose it is",
	"InsertKey":              "keys are the server's own",
	"InsertOrganization":     "it has no owner",
	"InsertProvisioner":      "the provisioner says whose it is",
	"InsertRegion":           "regions belong to the platform",
	"InsertRefreshToken":     "the family says whose it is",
	"InsertRole":             "the role says whose it is",
	"InsertSavedView":        "the view says whose it is",
	"InsertSession":          "the session says whose it is",
	"InsertSpace":            "the space says whose it is",
	"InsertSpaceAssignment":  "the assignment says whose it is",
	"InsertSubscription":     "the subscription says whose it is",
	"InsertTenant":           "the tenant says whose it is",
	"InsertTenants":          "the tenants say whose they are",
	"InsertUser":             "the user says whose it is",
	"InsertWebhook":          "the webhook says whose it is",
	"Keys":                   "keys are the server's own",
	"MiscountedTenants":      "for the operator, who reaches everything",
	"RecountTenants":         "for the operator, who reaches everything",
	"Lend":                   "the library has tables of its own",
	"LendPgx":                "the library has tables of its own",
	"Organizations":          "for the operator, who reaches everything",
	"OwnAuditChain":          "what belongs to no organization is the operator's",
	"OwnAuditCounts":         "what belongs to no organization is the operator's",
	"PendingClients":         "for the server's own clock, which goes for everybody",
	"RefreshToken":           "named by a secret; at the token endpoint, whose it is is what is to be found out",
	"Region":                 "regions belong to the platform",
	"Regions":                "regions belong to the platform",
	"Revocations":            "every server must know of all of them, whoever makes a request",
	"SecretsDue":             "for the server's own clock, which goes for everybody",
	"SubscriptionOwner":      "for the operator, who names subscriptions by licence number alone",
	"TakeUsageJournal":       "the server's own notes, of everybody",
	"TenantByHostname":       "a request names its tenant before anybody is authenticated",
	"TenantsToErase":         "for the server itself, which erases for everybody",
	"TenantsDue":             "for the server's own clock, which goes for everybody",
	"InsertPeerNotes":        "servers tell one another, not their callers",
	"PeerNotes":              "servers tell one another, not their callers",
	"Unchained":              "for the operator, who reaches everything",
	"UseProof":               "a proof belongs to a key that anybody may have made",
	"Trim":                   "age alone decides",
	"UsageJournaled":         "the server's own notes, of everybody",
	"UpdateDevice":           "named by a secret; nobody's until somebody decides",
	"UpdateKeySeal":          "keys are the server's own",
}

func (c readCase) test(t *testing.T, db Database, w world) {
	rows := c.rows(w)
	inScope := c.covers
	if inScope == nil {
		inScope = covers
	}
	keys := []string{""}
	if !c.list {
		keys = keysOf(rows)
	}
	seenAny := map[string]bool{}
	err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
		for _, scope := range w.scopes() {
			for _, key := range keys {
				var want []string
				for _, r := range rows {
					if (c.list || r.key == key) && inScope(scope, r) {
						want = append(want, r.id)
					}
				}
				got, err := c.call(t.Context(), tx, scope, key)
				if err != nil && !estate.HasKind(err, estate.NotFound) {
					return fmt.Errorf("key %s in %+v: %w", key, scope, err)
				}
				for _, id := range got {
					seenAny[id] = true
				}
				if c.one && len(want) > 1 && len(got) == 1 && slices.Contains(want, got[0]) {
					continue
				}
				slices.Sort(got)
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("key %s in %+v (-want +got)\n%s", key, scope, diff)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, r := range rows {
		if !seenAny[r.id] && r.owner != (estate.Scope{}) {
			t.Errorf("no scope shows %+v", r)
		}
	}
}

// enoughScopes to try writing a row in: a dump after each costs time.
const enoughScopes = 25

func (c writeCase) test(t *testing.T, db Database, w world) {
	inScope := c.covers
	if inScope == nil {
		inScope = func(_ world, scope estate.Scope, r row) bool { return covers(scope, r) }
	}
	attempt := func(scope estate.Scope, key string) error {
		err := db.Store.Write(t.Context(), func(tx *store.Tx) error { return c.call(t.Context(), tx, scope, key) })
		if err != nil {
			err = fmt.Errorf("key %s in %+v: %w", key, scope, err)
		}
		return err
	}
	restore := func() []string {
		if c.again != nil {
			c.again(t, db)
		}
		return dump(t, db)
	}
	before := restore()
	var writers sync.WaitGroup // at once, for speed
	foreign := 0
	for _, key := range keysOf(c.rows(w)) {
		for _, scope := range w.scopes() {
			covered := slices.ContainsFunc(c.rows(w), func(r row) bool { return r.key == key && inScope(w, scope, r) })
			if !covered {
				foreign++
				writers.Go(func() { _ = attempt(scope, key) }) // may be an error or not, but has no effect
			}
		}
	}
	writers.Wait()
	if foreign == 0 {
		t.Error("every scope covers every row")
	}
	equal(t, "database after writes in scopes that don't cover the row", dump(t, db), before)

	for _, r := range c.rows(w) {
		touched, tried := false, 0
		for _, scope := range w.scopes() {
			if !inScope(w, scope, r) || tried == enoughScopes {
				continue
			}
			tried++
			if err := attempt(scope, r.key); err != nil {
				t.Error(err)
			}
			after := dump(t, db)
			lines := difference(before, after)
			texts := c.touches(w, r, scope)
			for _, line := range lines {
				if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) }) {
					t.Errorf("writing %+v in %+v touched %s", r, scope, line)
				}
			}
			for _, text := range texts {
				if c.again != nil && !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
					t.Errorf("writing %+v in %+v did not touch %s", r, scope, text)
				}
			}
			touched = touched || len(lines) > 0
			if before = after; c.again != nil {
				before = restore()
			}
		}
		if !touched {
			t.Errorf("no scope writes %+v", r)
		}
	}
}

// keysOf are the keys of rows, each once.
func keysOf(rows []row) (keys []string) {
	for _, r := range rows {
		if !slices.Contains(keys, r.key) {
			keys = append(keys, r.key)
		}
	}
	return keys
}

// difference is the lines that only one of two sorted dumps has.
func difference(a, b []string) (lines []string) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			lines, a = append(lines, a[0]), a[1:]
		case len(a) == 0 || b[0] < a[0]:
			lines, b = append(lines, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return lines
}
