// Package quickstart makes a demonstration estate and walks through the main
// job of Freehold over HTTP, as a client of the public API.
package quickstart

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Options say where to run.
type Options struct {
	App  *app.App
	Port int       // where it serves, on loopback
	Path string    // of the file of credentials
	Out  io.Writer // for the story
}

// File is what the quickstart leaves behind: every credential it made. It is
// readable by its owner only.
type File struct {
	Console Credentials       `json:"console"`
	Account Account           `json:"account"`
	Regions map[string]Region `json:"regions"`
	Tenants []Tenant          `json:"tenants"`
	CAFile  string            `json:"ca_file"` // empty without TLS
}

// Credentials are the organization-level client.
type Credentials struct {
	URL          string `json:"url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// Account is the owner of the subscriptions.
type Account struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Region is the region-level client of one region.
type Region struct {
	RegisterURL  string `json:"register_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	LicenseKey   string `json:"license_key"`
}

// Tenant is a tenant with its tenant-level client.
type Tenant struct {
	ID           string `json:"id"`
	URL          string `json:"url"`
	Hostname     string `json:"hostname"`
	Region       string `json:"region"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	ExternalID   string `json:"external_id"`
}

// The demonstration estate.
const (
	organizationName = "Freehold Demonstration"
	multiTenantName  = "OEM"      // many tenants in all regions
	singleTenantName = "Internal" // one tenant: no region-level clients
	ownerEmail       = "owner@example.com"
	multiTenantLimit = 100_000
)

var (
	regionCodes = []estate.RegionCode{"us", "eu", "ap"}
	operator    = estate.Operator("quickstart")
)

// run is one walk through the flow.
type run struct {
	Options
	file   File
	http   *http.Client
	step   int
	org    estate.Organization
	oem    estate.Subscription
	single estate.Subscription
}

// Run makes the demonstration estate where it is missing and walks through the
// flow. It may be run again on the same data folder.
func Run(ctx context.Context, o Options) error {
	r := &run{Options: o}
	if err := r.prepare(); err != nil {
		return err
	}
	defer r.http.CloseIdleConnections()
	if err := r.buildEstate(ctx); err != nil {
		return fmt.Errorf("demonstration estate: %w", err)
	}
	return r.walk(ctx)
}

func (r *run) prepare() error {
	config := r.App.Config
	text, err := os.ReadFile(r.Path)
	if err == nil {
		err = json.Unmarshal(text, &r.file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", r.Path, err)
	}
	if r.file.Regions == nil {
		r.file.Regions = map[string]Region{}
	}
	r.file.CAFile = ""
	transport := &http.Transport{
		// Straight to the server, whatever the domain resolves to.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port)))
		},
	}
	if config.TLS == app.TLSInternal {
		authority, err := os.ReadFile(config.CAFile())
		if err != nil {
			return err
		}
		if r.file.CAFile, err = filepath.Abs(config.CAFile()); err != nil { // for programs that run elsewhere
			return err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authority)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	r.http = &http.Client{Transport: transport}
	return nil
}

func (r *run) domain() string { return r.App.Config.Domain }

// origin is the URL of a host.
func (r *run) origin(host string) string { return r.App.Config.Origin(host, r.Port) }

// find returns the tenant of the file with the external id, or nil.
func (r *run) find(externalID string) *Tenant {
	for i := range r.file.Tenants {
		if r.file.Tenants[i].ExternalID == externalID {
			return &r.file.Tenants[i]
		}
	}
	return nil
}

// adopt returns the tenant with the external id: from the file, or from the
// estate if it was made by a run that did not get to save it. Nil: there is none.
func (r *run) adopt(ctx context.Context, sub estate.Subscription, externalID string) (*Tenant, error) {
	if t := r.find(externalID); t != nil {
		t.URL = r.origin(t.Hostname) // the port may be another than last time
		return t, nil
	}
	found, err := r.App.Tenancy.TenantByExternalID(ctx, operator, sub.ID, externalID)
	if estate.HasKind(err, estate.NotFound) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, err
	}
	return r.keep(externalID, found.ID, string(found.Hostname)+"."+r.domain(), string(found.Region))
}

// keep saves a tenant in the file.
func (r *run) keep(externalID string, id estate.TenantID, host, region string) (*Tenant, error) {
	r.file.Tenants = append(r.file.Tenants, Tenant{ID: string(id), URL: r.origin(host), Hostname: host, Region: region, ExternalID: externalID})
	return r.find(externalID), r.save()
}

// save writes the file of credentials.
func (r *run) save() error {
	text, err := json.MarshalIndent(r.file, "", "  ")
	if err != nil {
		return err
	}
	return app.WriteFile(r.Path, append(text, '\n'), 0o600)
}

// buildEstate does what the operator and a subscription's owner do before any
// client can act.
func (r *run) buildEstate(ctx context.Context) error {
	if err := r.organization(ctx); err != nil {
		return err
	}
	if err := r.owner(ctx); err != nil {
		return err
	}
	if err := r.subscriptions(ctx); err != nil {
		return err
	}
	return r.clients(ctx)
}

func (r *run) organization(ctx context.Context) error {
	regions, err := r.App.Tenancy.Regions(ctx, operator)
	if err != nil {
		return err
	}
	have := map[estate.RegionCode]bool{}
	for _, region := range regions {
		have[region.Code] = true
	}
	for _, code := range regionCodes {
		if !have[code] {
			if _, err := r.App.Tenancy.CreateRegion(ctx, operator, estate.Region{Code: code}); err != nil {
				return err
			}
		}
	}
	organizations, err := r.App.Tenancy.Organizations(ctx, operator)
	if err != nil {
		return err
	}
	for _, o := range organizations {
		if o.Name == organizationName {
			r.org = o
			return nil
		}
	}
	for _, o := range organizations {
		accounts, err := r.App.Directory.Accounts(ctx, operator, o.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(accounts, func(a estate.Account) bool { return a.Email == ownerEmail }) {
			return errOtherEstate
		}
	}
	r.file = File{Regions: map[string]Region{}, CAFile: r.file.CAFile} // whatever it held was of another estate
	r.org, err = r.App.Tenancy.CreateOrganization(ctx, operator, organizationName)
	return err
}

// errOtherEstate is found before anything is made: an account's address is its own in
// all organizations.
var errOtherEstate = errors.New("the data folder holds another estate already, in which " + ownerEmail + " has an account: give the quickstart a --data-dir of its own")

func (r *run) owner(ctx context.Context) error {
	accounts, err := r.App.Directory.Accounts(ctx, operator, r.org.ID)
	if err != nil {
		return err
	}
	known := r.file.Account.Password != ""
	if !known {
		// Saved before it is set: a crash in between must not leave a password
		// that nobody knows.
		r.file.Account = Account{Email: ownerEmail, Password: rand.Text()}
		if err := r.save(); err != nil {
			return err
		}
	}
	password := estate.Secret(r.file.Account.Password)
	for _, a := range accounts {
		if a.Email == ownerEmail {
			if known {
				return nil
			}
			return r.App.Directory.SetPassword(ctx, operator, r.org.ID, a.ID, password)
		}
	}
	_, err = r.App.Directory.CreateAccount(ctx, operator, directory.NewAccount{Organization: r.org.ID, Email: ownerEmail, Name: "Olivia Owner", Password: password})
	return err
}

func (r *run) subscriptions(ctx context.Context) error {
	all, err := r.App.Tenancy.Subscriptions(ctx, operator, r.org.ID)
	if err != nil {
		return err
	}
	for _, sub := range all {
		switch sub.Name {
		case multiTenantName:
			r.oem = sub
		case singleTenantName:
			r.single = sub
		}
	}
	create := func(into *estate.Subscription, name string, limit int64, regions ...estate.RegionCode) error {
		if into.ID != "" {
			return nil
		}
		var err error
		*into, err = r.App.Tenancy.CreateSubscription(ctx, operator, estate.Subscription{
			Organization: r.org.ID, Name: name, TenantLimit: limit, Regions: regions,
		}, []string{ownerEmail})
		return err
	}
	if err := create(&r.oem, multiTenantName, multiTenantLimit, regionCodes...); err != nil {
		return err
	}
	return create(&r.single, singleTenantName, 1, "eu")
}

// clients makes the credentials of all levels that the file does not hold yet.
func (r *run) clients(ctx context.Context) error {
	r.file.Console.URL = r.origin("console." + r.domain())
	if r.file.Console.ClientID == "" {
		c, secret, err := r.App.Credential.CreateClient(ctx, operator, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: r.org.ID}, Name: "Estate inventory", Permissions: api.OrganizationScopes(),
		})
		if err != nil {
			return err
		}
		r.file.Console.ClientID, r.file.Console.ClientSecret = string(c.ID), secret.Reveal()
	}
	license, err := r.App.Tenancy.SubscriptionLicense(ctx, operator, r.oem.ID)
	if err != nil {
		return err
	}
	for _, code := range regionCodes {
		region := r.file.Regions[string(code)]
		region.RegisterURL, region.LicenseKey = r.origin("register."+string(code)+"."+r.domain()), license.Key
		if region.ClientID == "" {
			c, secret, err := r.App.Credential.CreateClient(ctx, operator, credential.NewClient{
				Level: estate.LevelRegion, Scope: estate.Scope{Organization: r.org.ID, Subscription: r.oem.ID, Region: code},
			})
			if err != nil {
				return err
			}
			region.ClientID, region.ClientSecret = string(c.ID), secret.Reveal()
		}
		r.file.Regions[string(code)] = region
	}
	return r.save()
}

// connect makes a client of the public API.
func (r *run) connect(origin, id, secret string) (*client.Client, error) {
	return client.New(origin, client.WithHTTPClient(r.http), client.WithCredentials(client.Credentials{ClientID: id, ClientSecret: secret}))
}
