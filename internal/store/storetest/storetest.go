// Package storetest is the conformance suite of internal/store: what every
// database engine must do, and do alike.
package storetest

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// Database is a new, empty database of the engine under test. Whoever opened
// it closes it when the test ends.
type Database struct {
	Store *store.Store

	// Again opens another handle on the database, as another process would have.
	// It is closed when the test ends.
	Again func(t *testing.T) *store.Store

	// SQL reaches the tables beside the store: to see all that is in them, and
	// to do what no method of the store does.
	SQL *sql.DB

	// Tables is the query for the names of all tables.
	Tables string

	lines map[string]string // of dumps, by the rows as the server sends them
}

// Run runs the suite. opened is called for every test of it.
func Run(t *testing.T, opened func(t *testing.T) Database) {
	open := func(t *testing.T) Database {
		t.Helper()
		db := opened(t)
		db.lines = map[string]string{}
		return db
	}
	if !testenv.RaceDetector { // which has nothing to find in one call after the other
		t.Run("Complete", testComplete)
		for _, c := range conformance {
			t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
		}
		t.Run("Isolation", func(t *testing.T) { testIsolation(t, open) })
		t.Run("Listing", func(t *testing.T) { testListing(t, open) })
	}
	t.Run("Transactions", func(t *testing.T) { runEach(t, open, transactions) })
	t.Run("Closing", func(t *testing.T) { runEach(t, open, closing) })
	t.Run("Changes", func(t *testing.T) { runEach(t, open, feed) })
}

type namedTest struct {
	name string
	run  func(t *testing.T, db Database)
}

func runEach(t *testing.T, open func(t *testing.T) Database, tests []namedTest) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// conformance says which test covers which methods of *store.Tx.
var conformance = []struct {
	name   string
	covers []string
	run    func(t *testing.T, db Database)
}{
	{"Organization", []string{"InsertOrganization", "Organization", "Organizations"}, testOrganization},
	{"Account", []string{"InsertAccount", "Account", "Accounts", "SetAccountPassword"}, testAccount},
	{"Region", []string{"InsertRegion", "Region", "Regions"}, testRegion},
	{"Subscription", []string{"InsertSubscription", "Subscription", "Subscriptions", "SubscriptionOwner"}, testSubscription},
	{"UpdateSubscription", []string{"UpdateSubscription"}, testUpdateSubscription},
	{"TakeTenantPlace", []string{"TakeTenantPlace"}, testTakeTenantPlace},
	{"TakeTenantPlaces", []string{"TakeTenantPlaces"}, testTakeTenantPlaces},
	{"Tenants", []string{"InsertTenants", "TenantsByID"}, testInsertTenants},
	{"Tenant", []string{"InsertTenant", "Tenant", "TenantByExternalID"}, testTenant},
	{"Hostname", []string{"HostnameFree", "TenantByHostname"}, testHostname},
	{"TenantPages", []string{"Tenants", "CountTenants"}, testTenantPages},
	{"TenantGroups", []string{"TenantGroups", "TenantsPerDay"}, testTenantGroups},
	{"TenantCounts", []string{"MiscountedTenants", "RecountTenants"}, testTenantCounts},
	{"UpdateTenant", []string{"UpdateTenant"}, testUpdateTenant},
	{"PurgeTenant", []string{"PurgeTenant", "TenantsDue", "TenantContents"}, testPurgeTenant},
	{"EraseTenant", []string{"EraseTenant", "TenantsToErase"}, testEraseTenant},
	{"PurgeIsComplete", nil, testPurgeIsComplete},
	{"User", []string{"InsertUser", "User", "BotUser"}, testUser},
	{"UserBySubject", []string{"UserBySubject"}, testUserBySubject},
	{"UpdateUser", []string{"UpdateUser"}, testUpdateUser},
	{"UpdateStoppedBot", nil, testUpdateStoppedBot},
	{"DeleteUser", []string{"DeleteUser"}, testDeleteUser},
	{"SwitchBots", []string{"StopBots", "StartBots"}, testSwitchBots},
	{"StartTrustedBots", nil, testStartTrustedBots},
	{"GiveBot", []string{"GiveBot"}, testGiveBot},
	{"Orphans", []string{"Orphans"}, testOrphans},
	{"Client", []string{"InsertClient", "Client", "ClientToAuthenticate", "Clients"}, testClient},
	{"UpdateClient", []string{"UpdateClient"}, testUpdateClient},
	{"DeleteClient", []string{"DeleteClient"}, testDeleteClient},
	{"ClientPages", []string{"ClientPage", "CountClients"}, testClientPages},
	{"PublishedClient", []string{"PublishedClient"}, testPublishedClient},
	{"ClientConnection", []string{"ClientConnection", "ClientConnections", "SetClientConnection", "DeleteClientConnection"}, testClientConnection},
	{"ClientSecret", []string{"InsertClientSecret", "UpdateClientSecret", "DeleteClientSecret"}, testClientSecret},
	{"SecretUse", []string{"AddSecretUse"}, testSecretUse},
	{"SecretsDue", []string{"SecretsDue"}, testSecretsDue},
	{"ClientUsage", []string{"AddClientUsage", "ClientUsages"}, testClientUsage},
	{"UsageJournal", []string{"AppendUsageJournal", "TakeUsageJournal", "UsageJournaled"}, testUsageJournal},
	{"Assertion", []string{"UseAssertion"}, testAssertion},
	{"Peers", []string{"InsertPeerNotes", "PeerNotes"}, testPeers},
	{"Proof", []string{"UseProof"}, testProof},
	{"Grant", []string{"AddGrantUse", "Grant"}, testGrant},
	{"GrantPages", []string{"Grants"}, testGrantPages},
	{"RevokeGrant", []string{"RevokeGrant"}, testRevokeGrant},
	{"RevokedToken", []string{"InsertRevokedToken"}, testRevokedToken},
	{"Revocations", []string{"Revocations"}, testRevocations},
	{"Code", []string{"InsertCode", "UseCode"}, testCode},
	{"Family", []string{"InsertFamily", "InsertRefreshToken", "RefreshToken", "UseRefreshToken", "EndFamily", "Families"}, testFamily},
	{"ApproveGrant", []string{"ApproveGrant", "GrantFor"}, testApproveGrant},
	{"Device", []string{"InsertDevice", "Device", "DeviceByUserCode", "UpdateDevice", "DeleteDevice", "CountDevices"}, testDevice},
	{"PendingClients", []string{"PendingClients", "CountPendingClients"}, testPendingClients},
	{"Role", []string{"InsertRole", "Role", "Roles", "UpdateRole", "DeleteRole", "RoleHolders"}, testRole},
	{"Group", []string{"InsertGroup", "Group", "GroupByName", "UpdateGroup", "DeleteGroup"}, testGroup},
	{"Membership", []string{"UserGroups", "SetUserGroups"}, testMembership},
	{"Access", []string{"Access"}, testAccess},
	{"Directory", []string{"DirectorySettings", "SetDirectorySettings", "LockDirectory"}, testDirectory},
	{"UserPages", []string{"Users", "CountUsers", "UsersByEmail", "PasswordHolders", "CountAdmins"}, testUserPages},
	{"Seats", []string{"SetSeats", "Seats", "LockSeats"}, testSeats},
	{"LicenseAssignment", []string{"LicenseAssignment", "LicenseAssignments", "CountLicenseAssignments", "PutLicenseAssignment", "DeleteLicenseAssignment"}, testLicenseAssignment},
	{"Space", []string{"InsertSpace", "Space", "Spaces", "CountSpaces", "UpdateSpace", "DeleteSpace"}, testSpace},
	{"SpaceAssignment", []string{"InsertSpaceAssignment", "SpaceAssignment", "SpaceAssignments", "CountSpaceAssignments", "UpdateSpaceAssignment", "DeleteSpaceAssignment", "SpaceRoles"}, testSpaceAssignment},
	{"GroupPages", []string{"Groups", "CountGroups"}, testGroupPages},
	{"Key", []string{"InsertKey", "Keys"}, testKey},
	{"ChangeKey", []string{"UpdateKeySeal", "ActivateKey", "DeleteKey"}, testChangeKey},
	{"IdentityProvider", []string{"InsertIdentityProvider", "IdentityProvider", "IdentityProviders", "UpdateIdentityProvider", "DeleteIdentityProvider"}, testIdentityProvider},
	{"OrganizationProvider", []string{"OrganizationSignIns"}, testOrganizationProvider},
	{"Identity", []string{"InsertIdentity", "Identity", "Identities", "UseIdentity", "DeleteIdentity"}, testIdentity},
	{"Form", []string{"BeginForm", "Form", "EndForm"}, testForm},
	{"Session", []string{"InsertSession", "Session", "TouchSession", "DeleteSession"}, testSession},
	{"AccountSession", []string{"AccountSession", "Sessions"}, testAccountSession},
	{"Credential", []string{"InsertCredential", "Credential", "AccountCredential", "Credentials", "UseCredential", "DeleteCredential"}, testCredential},
	{"AccountByEmail", []string{"AccountByEmail"}, testAccountByEmail},
	{"Link", []string{"InsertLink", "Link", "AccountLink", "UseLink"}, testLink},
	{"ClaimSubject", []string{"ClaimSubject"}, testClaimSubject},
	{"AuthSettings", []string{"AuthSettings", "SetAuthSettings"}, testAuthSettings},
	{"TenantPreferences", []string{"TenantPreferences", "SetTenantPreferences", "DeleteTenantPreferences"}, testTenantPreferences},
	{"APIKey", []string{"InsertAPIKey", "APIKey", "APIKeys", "CountAPIKeys", "APIKeysDue", "UpdateAPIKey", "DeleteAPIKey", "APIKeySettings", "SetAPIKeySettings"}, testAPIKey},
	{"CSPOrigin", []string{"InsertCSPOrigin", "CSPOrigin", "CSPOrigins", "UpdateCSPOrigin", "DeleteCSPOrigin"}, testCSPOrigin},
	{"WebIntegration", []string{"InsertWebIntegration", "WebIntegration", "WebIntegrations", "UpdateWebIntegration", "DeleteWebIntegration"}, testWebIntegration},
	{"Audit", []string{"AppendAudit", "AuditRecords", "AuditRecord", "AuditPage", "AuditNames"}, testAudit},
	{"AuditChain", []string{"AuditChain", "OwnAuditChain", "ChainHeads", "Unchained", "AuditCounts", "OwnAuditCounts"}, testAuditChain},
	{"AuditTogether", nil, testAuditTogether},
	{"EventCursor", []string{"EventCursor", "SetEventCursor", "ChainsBehind"}, testEventCursor},
	{"Idempotency", []string{"IdempotentAnswer", "InsertIdempotentAnswer"}, testIdempotency},
	{"Figures", []string{"Figures"}, testFigures},
	{"Trim", []string{"Trim"}, testTrim},
	{"Webhook", []string{"InsertWebhook", "Webhook", "Webhooks", "WebhooksToTell", "UpdateWebhook", "DeleteWebhook", "InsertDelivery", "Delivery", "UpdateDelivery", "Deliveries"}, testWebhook},
	{"Lend", []string{"Lend"}, testLend},
	{"LendPgx", []string{"LendPgx"}, testLendPgx},
	{"SavedView", []string{"InsertSavedView", "SavedViews", "UpdateSavedView", "DeleteSavedView"}, testSavedView},
	{"Provisioner", []string{"InsertProvisioner", "Provisioner", "Provisioners", "UpdateProvisioner"}, testProvisioner},
	{"Provisioning", []string{"StartProvisioning", "SetProvisioning", "Provisioning", "Provisionings", "DeleteProvisioner"}, testProvisioning},
	{"Text", nil, testText},
	{"Time", nil, testTime},
	{"ReadOnly", nil, testReadOnly},
}

// storeMethods are the methods of *store.Store, and where they are tested.
var storeMethods = map[string]string{
	"Read": "Transactions", "Write": "Transactions", "Ping": "Closing", "Close": "Closing", "Subscribe": "Changes", "Follow": "Changes", "Heard": "Changes", "Handle": "Lend", "Pool": "LendPgx", "Statements": "Transactions",
	"State": "Figures", "Clock": "Figures", "Writable": "TestWritable and TestPostgres_OutOfOrder",
}

// testComplete fails when the store has a method that the suite does not know.
func testComplete(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range conformance {
		for _, name := range c.covers {
			covered[name] = true
		}
	}
	compareNames(t, "conformance tests", methodNames[*store.Tx](), covered)
	covered = map[string]bool{}
	for name := range storeMethods {
		covered[name] = true
	}
	compareNames(t, "conformance tests", methodNames[*store.Store](), covered)
}

// methodNames are the names of the exported methods of T.
func methodNames[T any]() []string {
	typ := reflect.TypeFor[T]()
	names := make([]string, typ.NumMethod())
	for i := range names {
		names[i] = typ.Method(i).Name
	}
	return names
}

// compareNames fails for each method that is not covered, and for each covered
// name that is no method any more.
func compareNames(t *testing.T, by string, methods []string, covered map[string]bool) {
	t.Helper()
	for _, name := range methods {
		if !covered[name] {
			t.Errorf("method %s is not covered by the %s", name, by)
		}
	}
	for name := range covered {
		if !slices.Contains(methods, name) {
			t.Errorf("the %s cover %s, which is no method", by, name)
		}
	}
}

// read returns what fn returns in a read transaction.
func read[T any](t *testing.T, db Database, fn func(tx *store.Tx) (T, error)) (v T) {
	t.Helper()
	err := db.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		v, err = fn(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// readError returns with which error fn fails in a read transaction.
func readError[T any](t *testing.T, db Database, fn func(tx *store.Tx) (T, error)) error {
	t.Helper()
	err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := fn(tx)
		return err
	})
	if err == nil {
		t.Error("no error")
	}
	return err
}

// write runs fn in a write transaction.
func write(t *testing.T, db Database, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Store.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// refused checks that fn fails in a write transaction, that nothing of it
// remains, and returns the error.
func refused(t *testing.T, db Database, fn func(tx *store.Tx) error) error {
	t.Helper()
	before := dump(t, db)
	err := db.Store.Write(t.Context(), fn)
	if err == nil {
		t.Error("no error")
	}
	equal(t, "database after a refused write", dump(t, db), before)
	return err
}

// errChanged is why a transaction of a test fails: it changed its mind.
var errChanged = errors.New("changed my mind")

// changeMind runs fn in a transaction that then fails.
func changeMind(t *testing.T, db Database, fn func(tx *store.Tx) error) {
	t.Helper()
	err := refused(t, db, func(tx *store.Tx) error { return first(fn(tx), errChanged) })
	if !errors.Is(err, errChanged) {
		t.Errorf("error %v, want %v", err, errChanged)
	}
}

// wantError checks that err is an estate.Error with kind and code, and which
// fields of the request it names.
func wantError(t *testing.T, err error, kind estate.Kind, code string, pointers ...string) {
	t.Helper()
	var known *estate.Error
	if !errors.As(err, &known) || known.Kind != kind || known.Code != code {
		t.Fatalf("error %v, want %s", err, code)
	}
	var named []string
	for _, field := range known.Fields {
		named = append(named, field.Pointer)
	}
	equal(t, "fields that the error names", named, pointers)
}

// wantDefect checks that err is none that a caller should be told: the services
// see to it that the store is not asked for what its constraints forbid.
func wantDefect(t *testing.T, err error) {
	t.Helper()
	var known *estate.Error
	if err == nil || errors.As(err, &known) {
		t.Errorf("error %v, want one that is not an estate.Error", err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// complete checks that no field of a sample is zero, so that a field which the
// store forgets makes a test fail.
func complete[T any](t *testing.T, sample T, except ...string) T {
	t.Helper()
	v := reflect.ValueOf(sample)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() != slices.Contains(except, name) {
			t.Errorf("%T: field %s is %v", sample, name, v.Field(i))
		}
	}
	return sample
}

// dump is all that is in the database: table by table, row by row. Tests do it
// thousands of times, so where a query is a way to a server and back it is one.
func dump(t *testing.T, db Database) []string {
	t.Helper()
	tables := slices.DeleteFunc(column(t, db, db.Tables), func(name string) bool { return strings.HasPrefix(name, savedPrefix) })
	var all []string
	if strings.Contains(db.Tables, "pg_tables") {
		all = dumpAtOnce(t, db, tables)
	} else {
		for _, table := range tables {
			all = append(all, dumpTable(t, db, table)...)
		}
	}
	slices.Sort(all)
	return all
}

// savedPrefix begins the names of tables in which tests keep what others held.
const savedPrefix = "kept_"

// dumpAtOnce is dumpTable for all tables, on PostgreSQL. From one dump to the next
// hardly a row changes, and to read one takes far longer than to find it again.
func dumpAtOnce(t *testing.T, db Database, tables []string) (all []string) {
	t.Helper()
	parts := make([]string, len(tables))
	for i, table := range tables {
		parts[i] = "select '" + table + "', row_to_json(r)::text from " + table + " r"
	}
	rows, err := db.SQL.QueryContext(t.Context(), strings.Join(parts, " union all "))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, row string
		if err := rows.Scan(&table, &row); err != nil {
			t.Fatal(err)
		}
		line, ok := db.lines[table+row]
		if !ok {
			line = lineOf(t, table, row)
			db.lines[table+row] = line
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// lineOf is the line of a dump for a row that is an object of JSON.
func lineOf(t *testing.T, table, row string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(row))
	decoder.UseNumber()
	line := append([]byte(table), ':')
	for name := ""; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return string(line)
		}
		if _, brace := token.(json.Delim); brace {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "" {
			name = token.(string)
			continue
		}
		line, name = appendColumn(line, name, token), ""
	}
}

func appendColumn(line []byte, name string, value any) []byte {
	line = append(append(append(line, ' '), name...), '=')
	text, ok := value.(string)
	if !ok {
		text = fmt.Sprint(value)
	}
	return strconv.AppendQuote(line, text)
}

// column returns what a query for one column of text answers.
func column(t *testing.T, db Database, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.SQL.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func dumpTable(t *testing.T, db Database, table string) (all []string) {
	t.Helper()
	rows, err := db.SQL.QueryContext(t.Context(), "select * from "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := append([]byte(table), ':')
		for i, name := range columns {
			line = appendColumn(line, name, values[i])
		}
		all = append(all, string(line))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// execute runs a statement beside the store.
func execute(t *testing.T, db Database, query string, args ...any) {
	t.Helper()
	if _, err := db.SQL.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// moment is a time n microseconds after some other.
func moment(n int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC).Add(time.Duration(n) * time.Microsecond)
}
