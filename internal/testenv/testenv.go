// Package testenv runs a whole Freehold server inside a test: a database in a
// temporary folder, a loopback port, a clock under the test's control.
package testenv

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/quickstart"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// Domain is the base domain of the server's hosts.
const Domain = "freehold.localhost"

// Env is a running server with one organization.
type Env struct {
	App          *app.App
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
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir = filepath.Join(dir, "data")
	config.Domain = Domain
	config.AllowPrivate = true // what tests fetch from is on loopback
	return Start(t, config, dir)
}

// Start is New with a configuration of the test's own.
func Start(t testing.TB, config app.Config, dir string) *Env {
	t.Helper()
	e := &Env{Clock: &Clock{now: time.Now().UTC().Truncate(time.Millisecond)}, Dir: dir, t: t}
	a, err := app.Open(t.Context(), config, slog.New(slog.DiscardHandler), e.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.App = a
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.Port = listener.Addr().(*net.TCPAddr).Port
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, listener) }()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
		},
		MaxIdleConnsPerHost: 64,
	}
	e.Client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, code := range []estate.RegionCode{"us", "eu", "ap"} {
		e.must(a.Tenancy.CreateRegion(t.Context(), Operator, estate.Region{Code: code}))
	}
	e.Organization, err = a.Tenancy.CreateOrganization(t.Context(), Operator, "Acme")
	e.must(nil, err)
	return e
}

func (e *Env) must(_ any, err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// Subscription makes a subscription for limit tenants in the regions, all three
// if none is named.
func (e *Env) Subscription(limit int64, regions ...estate.RegionCode) estate.Subscription {
	e.t.Helper()
	return e.SubscriptionOf(e.Organization.ID, limit, regions...)
}

// SubscriptionOf is Subscription in another organization.
func (e *Env) SubscriptionOf(organization estate.OrganizationID, limit int64, regions ...estate.RegionCode) estate.Subscription {
	e.t.Helper()
	if len(regions) == 0 {
		regions = []estate.RegionCode{"us", "eu", "ap"}
	}
	sub, err := e.App.Tenancy.CreateSubscription(e.t.Context(), Operator, estate.Subscription{Organization: organization, TenantLimit: limit, Regions: regions}, nil)
	e.must(nil, err)
	return sub
}

// Tenant makes a tenant.
func (e *Env) Tenant(sub estate.Subscription, region estate.RegionCode) estate.Tenant {
	e.t.Helper()
	tenant, err := e.App.Tenancy.CreateTenantFor(e.t.Context(), Operator, sub.ID, region, tenancy.NewTenant{})
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

// Origin is the URL of the host that is called label below the domain, such as
// "console" or "register.us".
func (e *Env) Origin(label string) string {
	return "http://" + label + "." + Domain + ":" + strconv.Itoa(e.Port)
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
	response, err := e.Client.PostForm(origin+"/oauth/token", url.Values{
		"grant_type": {api.GrantClientCredentials}, "client_id": {string(c.ID)}, "client_secret": {c.Secret},
	})
	e.must(nil, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	e.must(nil, err)
	if response.StatusCode != http.StatusOK {
		e.t.Fatalf("token at %s: %s %s", origin, response.Status, body)
	}
	var token api.TokenResponse
	e.must(nil, json.Unmarshal(body, &token))
	return token.AccessToken
}

// WriteQuickstart runs the quickstart's flow against the server and leaves its
// file of credentials at path.
func (e *Env) WriteQuickstart(path string) {
	e.t.Helper()
	e.must(nil, quickstart.Run(e.t.Context(), quickstart.Options{App: e.App, Port: e.Port, Path: path, Out: io.Discard}))
	_, err := os.Stat(path)
	e.must(nil, err)
}
