// Package testenv runs a whole Freehold server inside a test: a database in a
// temporary folder, a loopback port, a clock under the test's control.
package testenv

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // for Exec
	_ "modernc.org/sqlite"             // for Exec

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/quickstart"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// Domain is the base domain of the server's hosts.
const Domain = "freehold.localhost"

// Env is a running server with one organization.
type Env struct {
	App          *app.App
	Servers      []*app.App // all that answer Client: App, and those its requests are spread over
	Clock        *Clock
	Organization estate.Organization
	Dir          string
	Port         int
	Client       *http.Client // reaches every host of the server; follows no redirects

	t testing.TB
}

// Clock is a clock that moves only when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the present.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Operator is the actor with whom tests build their estate.
var Operator = estate.Operator("test")

// New starts a server with regions us, eu and ap and an empty organization, and
// stops it when the test ends.
func New(t testing.TB) *Env {
	t.Helper()
	e := NewAlone(t)
	e.spread()
	return e
}

// NewAlone is New for tests of what each server does by itself, such as to remember
// documents that it has fetched: their requests are not spread.
func NewAlone(t testing.TB) *Env {
	t.Helper()
	dir := t.TempDir()
	return StartAlone(t, Config(t, dir), dir)
}

// Open is New without serving: the services alone, with nothing running in the
// background.
func Open(t testing.TB) *Env {
	t.Helper()
	dir := t.TempDir()
	return openNew(t, Config(t, dir), dir)
}

// OpenWith is Open with a configuration of the test's own.
func OpenWith(t testing.TB, config app.Config, dir string) *Env {
	t.Helper()
	return openNew(t, config, dir)
}

// Config is that of a new installation with its data below dir.
func Config(t testing.TB, dir string) app.Config {
	t.Helper()
	config := app.Defaults()
	config.DataDir = filepath.Join(dir, "data")
	if os.Getenv(engineVariable) == "postgres" {
		config.Database = pgtest.New(t, prepare)
	}
	config.Domain = Domain
	config.AllowPrivate = true // what tests fetch from is on loopback
	return config
}

// engineVariable names the environment variable that says on which engine tests
// run: sqlite, the default, or postgres.
const engineVariable = "FREEHOLD_TEST_ENGINE"

// prepare makes the tables in a new database.
func prepare(url string) error { return prepareWith(store.Options{URL: estate.Secret(url)}) }

// prepareFile is prepare for a file.
func prepareFile(path string) error { return prepareWith(store.Options{Path: path}) }

func prepareWith(options store.Options) error {
	s, err := store.Open(context.Background(), options)
	if err != nil {
		return err
	}
	return s.Close()
}

// Exec changes the database behind the server's back, for states that no
// operation leads to yet. The statement has ? for its arguments. An update must
// find a row.
func (e *Env) Exec(statement string, args ...any) {
	e.t.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(e.App.Config.DataDir, "freehold.db")+"?_pragma=busy_timeout(10000)"
	if e.App.Config.Database != "" {
		driver, dsn = "pgx", e.App.Config.Database
		for i := range args {
			statement = strings.Replace(statement, "?", "$"+strconv.Itoa(i+1), 1)
		}
	}
	db, err := sql.Open(driver, dsn)
	e.must(nil, err)
	defer db.Close()
	result, err := db.ExecContext(e.t.Context(), statement, args...)
	if err != nil {
		e.t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); strings.HasPrefix(statement, "update ") && (err != nil || n == 0) {
		e.t.Fatalf("%s: no row (%v)", statement, err)
	}
}

// Start is New with a configuration of the test's own.
func Start(t testing.TB, config app.Config, dir string) *Env {
	t.Helper()
	e := StartAlone(t, config, dir)
	e.spread()
	return e
}

// StartAlone is NewAlone with a configuration of the test's own.
func StartAlone(t testing.TB, config app.Config, dir string) *Env {
	t.Helper()
	e := openNew(t, config, dir)
	e.serve()
	return e
}

// Node starts another server on the same data folder, as a second process
// would: it has caches of its own, and answers for the same origins.
func (e *Env) Node() *Env {
	e.t.Helper()
	config := e.App.Config
	if config.PublicPort == 0 {
		config.PublicPort = e.Port
	}
	return e.NodeWith(config)
}

// NodeWith is Node with another configuration, such as another database with the
// same estate.
func (e *Env) NodeWith(config app.Config) *Env {
	e.t.Helper()
	node := open(e.t, config, e.Dir, e.Clock)
	node.Organization = e.Organization
	node.serve()
	return node
}

// Another opens the services of another server on the same data, without serving.
func (e *Env) Another() *Env {
	e.t.Helper()
	again := open(e.t, e.App.Config, e.Dir, e.Clock)
	again.Organization = e.Organization
	return again
}

// Restart ends the services, as if their process were killed, and opens them anew
// on the same data folder. It is for what Open returned.
func (e *Env) Restart() *Env {
	e.t.Helper()
	e.must(nil, e.App.Close())
	again := open(e.t, e.App.Config, e.Dir, e.Clock)
	again.Organization = e.Organization
	return again
}

// With is e for a subtest, which then gets the blame.
func (e *Env) With(t testing.TB) *Env {
	c := *e
	c.t = t
	return &c
}

func open(t testing.TB, config app.Config, dir string, clock *Clock) *Env {
	t.Helper()
	a, err := app.Open(t.Context(), config, slog.New(slog.DiscardHandler), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &Env{App: a, Servers: []*app.App{a}, Clock: clock, Dir: dir, t: t}
}

func openNew(t testing.TB, config app.Config, dir string) *Env {
	t.Helper()
	if config.Database == "" {
		if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
			t.Fatal(err)
		}
		sqlitetest.New(t, filepath.Join(config.DataDir, "freehold.db"), prepareFile)
	}
	e := open(t, config, dir, &Clock{now: time.Now().UTC().Truncate(time.Millisecond)})
	if os.Getenv(nodesVariable) != "" {
		e.App.FollowInterval = spreadInterval
	}
	for _, code := range regions {
		e.must(e.App.Tenancy.CreateRegion(t.Context(), Operator, estate.Region{Code: code}))
	}
	e.Organization = e.NewOrganization("Acme")
	return e
}

// serve serves on a port of its own until the test ends. TLS that a proxy is
// configured to do is left out: the client speaks to the server directly.
func (e *Env) serve() {
	e.t.Helper()
	port, transport := serve(e.t, e.App)
	e.Port = port
	e.Client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// serve serves a until the test ends, and returns its port and a transport that
// reaches it by any host name.
func serve(t testing.TB, a *app.App) (port int, transport *http.Transport) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, listener) }()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
	}
	transport = &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64}
	if a.Config.TLS == app.TLSOff {
		transport.DialTLSContext = dial
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return listener.Addr().(*net.TCPAddr).Port, transport
}

// regions are those that every server has.
var regions = []estate.RegionCode{"us", "eu", "ap"}

func (e *Env) must(_ any, err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// NewOrganization makes another organization.
func (e *Env) NewOrganization(name string) estate.Organization {
	e.t.Helper()
	o, err := e.App.Tenancy.CreateOrganization(e.t.Context(), Operator, name)
	e.must(nil, err)
	return o
}

// Subscription makes a subscription for limit tenants in the regions, all three
// if none is named.
func (e *Env) Subscription(limit int64, in ...estate.RegionCode) estate.Subscription {
	e.t.Helper()
	return e.SubscriptionOf(e.Organization.ID, limit, in...)
}

// SubscriptionOf is Subscription in another organization.
func (e *Env) SubscriptionOf(organization estate.OrganizationID, limit int64, in ...estate.RegionCode) estate.Subscription {
	e.t.Helper()
	if len(in) == 0 {
		in = slices.Clone(regions)
	}
	sub, err := e.App.Tenancy.CreateSubscription(e.t.Context(), Operator, estate.Subscription{Organization: organization, TenantLimit: limit, Regions: in}, nil)
	e.must(nil, err)
	return sub
}

// Tenant makes a tenant, with an alias if one is named.
func (e *Env) Tenant(sub estate.Subscription, region estate.RegionCode, alias ...string) estate.Tenant {
	e.t.Helper()
	tenant, err := e.App.Tenancy.CreateTenantFor(e.t.Context(), Operator, sub.ID, region, tenancy.NewTenant{Hostnames: alias})
	e.must(nil, err)
	return tenant
}

// Credentials are a client with its secret.
type Credentials struct {
	estate.Client
	Secret string
}

// RegionClient makes a region-level client with all region scopes, or those
// named.
func (e *Env) RegionClient(sub estate.Subscription, region estate.RegionCode, scopes ...string) Credentials {
	e.t.Helper()
	return e.client(credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: region}, Permissions: scopes,
	})
}

// OrganizationClient makes an organization-level client with all organization
// scopes, or those named.
func (e *Env) OrganizationClient(organization estate.OrganizationID, scopes ...string) Credentials {
	e.t.Helper()
	if len(scopes) == 0 {
		scopes = api.OrganizationScopes()
	}
	return e.client(credential.NewClient{Level: estate.LevelOrganization, Scope: estate.Scope{Organization: organization}, Name: "inventory", Permissions: scopes})
}

// TenantClient makes a tenant-level machine client with the scopes, or
// admin_classic.
func (e *Env) TenantClient(tenant estate.Tenant, scopes ...string) Credentials {
	e.t.Helper()
	if len(scopes) == 0 {
		scopes = []string{api.ScopeAdminClassic}
	}
	return e.client(credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "automation", AppType: api.AppTypeWeb, Permissions: scopes,
		GrantTypes: []string{api.GrantClientCredentials}, Consent: estate.ConsentTrusted,
	})
}

func (e *Env) client(n credential.NewClient) Credentials {
	e.t.Helper()
	c, secret, err := e.App.Credential.CreateClient(e.t.Context(), Operator, n)
	e.must(nil, err)
	return Credentials{c, secret.Reveal()}
}

// LicenseKey is the licence key of a subscription.
func (e *Env) LicenseKey(sub estate.Subscription) string {
	e.t.Helper()
	license, err := e.App.Tenancy.SubscriptionLicense(e.t.Context(), Operator, sub.ID)
	e.must(nil, err)
	return license.Key
}

// Flush has the use of clients written that the servers have counted until now.
func (e *Env) Flush() {
	for _, a := range e.Servers {
		a.Credential.Flush(e.t.Context())
	}
}

// Origin is the URL of the host that is called label below the domain, such as
// "console" or "register.us".
func (e *Env) Origin(label string) string {
	return e.App.Config.Origin(label+"."+e.App.Config.Domain, e.Port)
}

// Console is the URL of the console host.
func (e *Env) Console() string { return e.Origin(estate.ConsoleLabel) }

// Register is the URL of a region's register host.
func (e *Env) Register(region estate.RegionCode) string {
	return e.Origin(estate.RegisterLabel + "." + string(region))
}

// TenantURL is the URL of a tenant's own host.
func (e *Env) TenantURL(t estate.Tenant) string { return e.Origin(string(t.Hostname)) }

// Token gets an access token for the host with the URL.
func (e *Env) Token(origin string, c Credentials) string {
	e.t.Helper()
	answer := e.Do(Request{URL: origin + "/oauth/token", Form: c.Form()})
	if answer.Status != http.StatusOK {
		e.t.Fatalf("token at %s: %d %s", origin, answer.Status, answer.Body)
	}
	var token api.TokenResponse
	answer.Into(&token)
	return token.AccessToken
}

// Form is a request for a token, to be posted to a token endpoint.
func (c Credentials) Form() url.Values {
	return url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {string(c.ID)}, "client_secret": {c.Secret}}
}

// WriteQuickstart runs the quickstart's flow against the server and leaves its
// file of credentials at path.
func (e *Env) WriteQuickstart(path string) {
	e.t.Helper()
	e.must(nil, quickstart.Run(e.t.Context(), quickstart.Options{App: e.App, Port: e.Port, Path: path, Out: io.Discard}))
	_, err := os.Stat(path)
	e.must(nil, err)
}
