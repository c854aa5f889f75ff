package quickstart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// internalID is the external id of the tenant without region-level client.
const internalID = "quickstart-internal"

// walk is the story: a region client makes tenants by code, its bot appears in
// them, and an organization client sees them all.
func (r *run) walk(ctx context.Context) error {
	us, eu := r.file.Regions["us"], r.file.Regions["eu"]
	r.introduce()
	source, err := r.tenantByCode(ctx, us, "us", "quickstart-source", "Source tenant, from the licence key that the operator printed")
	if err != nil {
		return err
	}
	key, err := r.licenseKey(ctx, us, source)
	if err != nil {
		return err
	}
	us.LicenseKey, eu.LicenseKey = key, key
	customerUS, err := r.tenantByCode(ctx, us, "us", "quickstart-customer-us", "A customer's tenant in us, from the source tenant's licence key")
	if err != nil {
		return err
	}
	if _, err := r.tenantByCode(ctx, eu, "eu", "quickstart-customer-eu", "A customer's tenant in eu: same key, the client of that region"); err != nil {
		return err
	}
	if err := r.bot(ctx, us, customerUS); err != nil {
		return err
	}
	if err := r.tenantClients(ctx); err != nil {
		return err
	}
	if err := r.singleTenant(ctx); err != nil {
		return err
	}
	if err := r.inventory(ctx); err != nil {
		return err
	}
	return r.console(ctx)
}

// console says how the owner of the subscriptions gets into the web console. The
// link of an earlier run ends with this one.
func (r *run) console(ctx context.Context) error {
	secret, link, err := r.App.SignIn.CreateAccountLink(ctx, operator, r.file.Account.Email, false)
	if err != nil {
		return fmt.Errorf("link to the console: %w", err)
	}
	fmt.Fprintf(r.Out, "\nTo open the console, go in a browser to\n   %s%s\nIt signs you in as %s, once, until %s. Or sign in there with that address and .account.password.\n",
		r.file.Console.URL, signin.LinkPath+secret.Reveal(), r.file.Account.Email, link.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
	return nil
}

// introduce prints what the curl commands of the steps build on.
func (r *run) introduce() {
	fmt.Fprintf(r.Out, "\nOrganization %q: subscription %s (%d tenants in us, eu, ap) and %s (1 tenant in eu).\n",
		r.org.Name, r.oem.ID, r.oem.TenantLimit, r.single.ID)
	fmt.Fprintf(r.Out, "\nTo follow the steps in a shell:\n")
	if r.file.CAFile != "" {
		fmt.Fprintf(r.Out, "   export CURL_CA_BUNDLE=%s\n", r.file.CAFile)
	}
	fmt.Fprintf(r.Out, "   secrets() { jq -r $1 %s; }\n", r.Path)
	fmt.Fprintf(r.Out, "   token() { curl -s $1/oauth/token -d grant_type=client_credentials -d client_id=$(secrets $2.client_id) -d client_secret=$(secrets $2.client_secret) | jq -r .access_token; }\n")
}

// tell prints one step: the request it makes with the credential that the file
// has at path, and how curl makes it.
func (r *run) tell(title, method, url, path, arguments string) {
	r.step++
	origin := url[:strings.Index(url, "/api/")]
	fmt.Fprintf(r.Out, "\n%d. %s\n   %s %s\n", r.step, title, method, url)
	fmt.Fprintf(r.Out, "   curl -s -H \"Authorization: Bearer $(token %s %s)\" %s\n", origin, path, arguments)
}

func (r *run) done(format string, args ...any) {
	fmt.Fprintf(r.Out, "   → "+format+"\n", args...)
}

// tenantByCode creates a tenant as a platform team's code does, or returns the
// one that an earlier run created.
func (r *run) tenantByCode(ctx context.Context, region Region, code, externalID, title string) (Tenant, error) {
	register, err := r.connect(region.RegisterURL, region.ClientID, region.ClientSecret)
	if err != nil {
		return Tenant{}, err
	}
	url := region.RegisterURL + "/api/v1/tenants"
	r.tell(title+".", "POST", url, ".regions."+code,
		fmt.Sprintf(`-H "Content-Type: application/json" -d "{\"licenseKey\":\"$(secrets .regions.%s.license_key)\"}" %s`, code, url))
	known, err := r.adopt(ctx, r.oem, externalID)
	if err != nil {
		return Tenant{}, err
	}
	if known != nil {
		r.done("exists since an earlier run: %s", known.URL)
		return *known, nil
	}
	created, err := register.CreateTenant(ctx, api.CreateTenantRequest{
		LicenseKey: region.LicenseKey, ExternalID: externalID, Labels: map[string]string{"made-by": "quickstart"},
	}, nil)
	if err != nil {
		return Tenant{}, fmt.Errorf("create tenant in %s: %w", code, err)
	}
	t, err := r.keep(externalID, estate.TenantID(created.ID), created.Hostnames[0], code)
	if err != nil {
		return Tenant{}, err
	}
	r.done("201: tenant %s at %s", t.ID, t.URL)
	return *t, nil
}

func (r *run) licenseKey(ctx context.Context, region Region, source Tenant) (string, error) {
	c, err := r.connect(source.URL, region.ClientID, region.ClientSecret)
	if err != nil {
		return "", err
	}
	url := source.URL + "/api/v1/licenses/overview"
	r.tell("The licence key, from any tenant of the subscription, with the same client and a token of that host.", "GET", url, ".regions.us", url)
	overview, err := c.GetLicenseOverview(ctx)
	if err != nil {
		return "", fmt.Errorf("licence overview: %w", err)
	}
	if overview.LicenseNumber != string(r.oem.ID) || overview.LicenseKey == "" {
		return "", errors.New("licence overview is of another subscription")
	}
	r.done("200: licence %s, %s, key of %d characters", overview.LicenseNumber, overview.Status, len(overview.LicenseKey))
	return overview.LicenseKey, nil
}

func (r *run) bot(ctx context.Context, region Region, t Tenant) error {
	c, err := r.connect(t.URL, region.ClientID, region.ClientSecret)
	if err != nil {
		return err
	}
	url := t.URL + "/api/v1/users/me"
	r.tell("The client's first token at the new tenant has made a bot user there.", "GET", url, ".regions.us", "-L "+url)
	me, err := c.GetMyUser(ctx)
	if err != nil {
		return fmt.Errorf("users/me: %w", err)
	}
	if me.TenantID != t.ID || !slices.Contains(me.Roles, "TenantAdmin") {
		return fmt.Errorf("users/me is %s of tenant %s with roles %v, want a TenantAdmin of %s", me.Subject, me.TenantID, me.Roles, t.ID)
	}
	r.done("200: %q (%s), roles %v", me.Name, me.Subject, me.Roles)
	return nil
}

// tenantClients makes a tenant-level client in each tenant that has none yet,
// and uses it.
func (r *run) tenantClients(ctx context.Context) error {
	for i, t := range r.file.Tenants {
		if t.ExternalID == internalID {
			continue // no region-level client reaches it
		}
		region := r.file.Regions[t.Region]
		if t.ClientID == "" {
			admin, err := r.connect(t.URL, region.ClientID, region.ClientSecret)
			if err != nil {
				return err
			}
			url := t.URL + "/api/v1/oauth-clients"
			if i == 0 {
				r.tell("A client that reaches this one tenant only (and the same in the others).", "POST", url, ".regions."+t.Region,
					`-H "Content-Type: application/json" -d '{"clientName":"Automation","appType":"web","allowedGrantTypes":["client_credentials"],"allowedScopes":["admin_classic"]}' `+url)
			}
			created, err := admin.CreateOAuthClient(ctx, api.CreateOAuthClientRequest{
				ClientName: "Automation", AppType: api.AppTypeWeb, AllowedGrantTypes: []string{api.GrantClientCredentials},
				AllowedScopes: []string{api.ScopeAdminClassic}, ConnectionConfig: &api.ConnectionConfig{ConsentMethod: "trusted"},
			})
			if err != nil {
				return fmt.Errorf("create tenant client: %w", err)
			}
			t.ClientID, t.ClientSecret = created.ClientID, created.ClientSecret
			r.file.Tenants[i] = t
			if err := r.save(); err != nil {
				return err
			}
			if i == 0 {
				r.done("201: client %s, secret shown once", created.ClientID)
			}
		}
		if err := r.check(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// check uses the tenant-level client of t.
func (r *run) check(ctx context.Context, t Tenant) error {
	c, err := r.connect(t.URL, t.ClientID, t.ClientSecret)
	if err != nil {
		return err
	}
	mine, err := c.GetMyTenant(ctx)
	if err != nil {
		return fmt.Errorf("tenants/me with the tenant's client: %w", err)
	}
	if mine.ID != t.ID {
		return fmt.Errorf("tenants/me is %s, want %s", mine.ID, t.ID)
	}
	return nil
}

// singleTenant makes the one tenant of the other subscription as its owner does
// in the console: it is not entitled to region-level clients.
func (r *run) singleTenant(ctx context.Context) error {
	t, err := r.adopt(ctx, r.single, internalID)
	if err != nil {
		return err
	}
	if t == nil {
		made, err := r.App.Tenancy.CreateTenantFor(ctx, operator, r.single.ID, "eu", tenancy.NewTenant{Name: "Internal", ExternalID: internalID})
		if err != nil {
			return fmt.Errorf("create tenant of subscription %s: %w", r.single.ID, err)
		}
		if t, err = r.keep(internalID, made.ID, string(made.Hostname)+"."+r.domain(), "eu"); err != nil {
			return err
		}
	}
	if t.ClientID == "" {
		c, secret, err := r.App.Credential.CreateClient(ctx, operator, credential.NewClient{
			Level: estate.LevelTenant, Scope: estate.Scope{Organization: r.org.ID, Subscription: r.single.ID, Region: "eu", Tenant: estate.TenantID(t.ID)},
			Name: "Automation", AppType: api.AppTypeWeb, GrantTypes: []string{api.GrantClientCredentials},
			Permissions: []string{api.ScopeAdminClassic}, Consent: estate.ConsentTrusted,
		})
		if err != nil {
			return err
		}
		t.ClientID, t.ClientSecret = string(c.ID), secret.Reveal()
	}
	if err := r.save(); err != nil {
		return err
	}
	return r.check(ctx, *t)
}

// inventory lists and filters the whole estate with the organization client.
func (r *run) inventory(ctx context.Context) error {
	console, err := r.connect(r.file.Console.URL, r.file.Console.ClientID, r.file.Console.ClientSecret)
	if err != nil {
		return err
	}
	url := r.file.Console.URL + "/api/core/tenants"
	r.tell("Every tenant of every subscription and region, in one call.", "GET", url+"?limit=100", ".console", `"`+url+`?limit=100"`)
	ids, err := r.list(ctx, console, "")
	if err != nil {
		return err
	}
	for _, t := range r.file.Tenants {
		if !slices.Contains(ids, t.ID) {
			return fmt.Errorf("tenant %s is missing from the inventory", t.ID)
		}
	}
	r.done("200: %d tenants", len(ids))

	filter := fmt.Sprintf(`subscriptionId eq "%s" and regionCode eq "eu-west-1"`, r.oem.ID)
	r.tell("The same, filtered.", "GET", url+"?filter="+filter, ".console",
		fmt.Sprintf(`-G --data-urlencode 'filter=%s' %s`, filter, url))
	filtered, err := r.list(ctx, console, filter)
	if err != nil {
		return err
	}
	for _, t := range r.file.Tenants {
		want := t.Region == "eu" && t.ExternalID != internalID
		if slices.Contains(filtered, t.ID) != want {
			return fmt.Errorf("filter %s: tenant %s in %s is wrongly in or out", filter, t.ID, t.Region)
		}
	}
	r.done("200: %d of %d tenants", len(filtered), len(ids))
	return nil
}

func (r *run) list(ctx context.Context, console *client.Client, filter string) (ids []string, err error) {
	for t, err := range console.Tenants(ctx, client.TenantListOptions{Filter: filter, Limit: 100}) {
		if err != nil {
			return nil, fmt.Errorf("list tenants: %w", err)
		}
		ids = append(ids, t.ID)
	}
	return ids, nil
}
