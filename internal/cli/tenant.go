package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

const consoleLabel = "console"

func tenantCommand(env Env) *cobra.Command {
	conn, out := &connection{env: env}, env.output()
	cmd := command.Group(&cobra.Command{
		Use:   "tenant",
		Short: "Create, show, list, change, deactivate and reactivate tenants",
		Long:  "Create, show, list, change, deactivate and reactivate tenants.\n" + connectionHelp,
	},
		tenantCreateCommand(conn, out), tenantGetCommand(conn, out), tenantListCommand(conn, out),
		tenantUpdateCommand(conn, out), tenantDeactivateCommand(conn, out), tenantReactivateCommand(conn, out),
		tenantCheckCommand(conn, out), tenantBulkCommand(conn, out),
	)
	conn.flags(cmd)
	out.Flag(cmd)
	return cmd
}

type tenantCreate struct {
	conn           *connection
	out            *command.Output
	licenseKey     string
	licenseKeyFile string
	from           string
	name           string
	hostname       string
	externalID     string
	labels         []string
	datacenter     string
	idempotencyKey string
	admin          api.TenantAdministrator
	wait           time.Duration
}

func tenantCreateCommand(conn *connection, out *command.Output) *cobra.Command {
	c := &tenantCreate{conn: conn, out: out}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a tenant, at a region's register host",
		Long: `Create a tenant. The context is a region-level one, whose server is the region's
register host.

The licence key says which subscription the tenant is for. --from reads it from
a tenant that the subscription already has. If none is given, the one that came
with "freehold context import" is used.

The call is repeated on its own when the server cannot be reached. To be able to
repeat the command, too, without a second tenant, give an --idempotency-key.

If the subscription has provisioners, the command waits for them, 20 seconds by
default. With --wait it waits so long, and fails if the tenant is not ready then.`,
		Example: `  freehold tenant create --context register-us --from acme.us.example.com
  freehold tenant create --license-key-file license.jwt --name Initech \
      --hostname initech.us.example.com --external-id customer-42 \
      --label plan=gold --idempotency-key order-4711`,
		Args: args(),
		RunE: c.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.licenseKey, "license-key", "", "licence key of the subscription")
	flags.StringVar(&c.licenseKeyFile, "license-key-file", "", "file with the licence key")
	flags.StringVar(&c.from, "from", "", "tenant to read the licence key from, as a URL or a host name")
	flags.StringVar(&c.name, "name", "", "display name (default the generated host label)")
	flags.StringVar(&c.hostname, "hostname", "", "second host name, in full, such as acme.us.example.com")
	flags.StringVar(&c.externalID, "external-id", "", "your own id of the tenant, unique in the subscription")
	flags.StringArrayVar(&c.labels, "label", nil, "label as name=value; may be repeated")
	flags.StringVar(&c.datacenter, "datacenter", "", "data centre code, which must be the region's")
	flags.StringVar(&c.admin.Email, "admin-email", "", "the e-mail address of a person to invite as the first administrator")
	flags.StringVar(&c.admin.Name, "admin-name", "", "name of that person (default the e-mail address)")
	flags.StringVar(&c.idempotencyKey, "idempotency-key", "", "text that names this attempt; the same again creates nothing new")
	flags.DurationVar(&c.wait, "wait", 0, "how long to wait for the tenant's provisioners, such as 5m; 0s is not at all")
	return cmd
}

func (t *tenantCreate) run(cmd *cobra.Command, _ []string) error {
	asJSON, err := t.out.JSON(cmd)
	if err != nil {
		return err
	}
	labels, err := pairs("label", t.labels)
	if err != nil {
		return err
	}
	c, settings, err := t.conn.client()
	if err != nil {
		return err
	}
	key, err := t.key(cmd.Context(), c, settings)
	if err != nil {
		return err
	}
	request := api.CreateTenantRequest{
		LicenseKey: key, Datacenter: t.datacenter, Name: t.name, ExternalID: t.externalID, Labels: make(map[string]string),
	}
	if t.hostname != "" {
		request.Hostnames = []string{t.hostname}
	}
	if t.admin != (api.TenantAdministrator{}) {
		request.Admin = &t.admin
	}
	for _, label := range labels {
		request.Labels[label[0]] = label[1]
	}
	opts := &client.CreateTenantOptions{IdempotencyKey: t.idempotencyKey, Wait: t.wait}
	mustBeReady := t.wait > 0
	if cmd.Flags().Changed("wait") && !mustBeReady {
		opts.Wait = -1
	}
	tenant, err := c.CreateTenant(cmd.Context(), request, opts)
	if err != nil {
		return explain(err, c, "register", "tenants are created at the register host of a region")
	}
	if asJSON {
		err = command.WriteJSON(cmd.OutOrStdout(), tenant)
	} else {
		err = t.out.Details(cmd, tenantDetails(tenant))
	}
	if state := provisioning(tenant.Provisioning); err == nil && mustBeReady && state != "" {
		err = fmt.Errorf("the tenant was created, and is not ready: %s", state)
	}
	return err
}

// provisioning says how far the provisioners of a tenant are; empty: it is ready.
func provisioning(p *api.Provisioning) string {
	switch {
	case p == nil || p.State == api.ProvisioningReady:
		return ""
	case p.Message == "":
		return p.State
	}
	return p.State + " (" + p.Message + ")"
}

// key finds the licence key that the flags or the context name.
func (t *tenantCreate) key(ctx context.Context, c *client.Client, settings storedContext) (string, error) {
	given := 0
	for _, flag := range []string{t.licenseKey, t.licenseKeyFile, t.from} {
		if flag != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return "", errors.New("give only one of --license-key, --license-key-file and --from")
	case t.licenseKey != "":
		return t.licenseKey, nil
	case t.licenseKeyFile != "":
		text, err := os.ReadFile(t.licenseKeyFile)
		if err != nil {
			return "", fmt.Errorf("read licence key: %w", err)
		}
		if key := strings.TrimSpace(string(text)); key != "" {
			return key, nil
		}
		return "", fmt.Errorf("%s holds no licence key", t.licenseKeyFile)
	case t.from != "":
		return licenseKeyOf(ctx, c, t.from)
	case settings.LicenseKey != "":
		return string(settings.LicenseKey), nil
	}
	return "", errors.New("the licence key is missing: give it with --license-key or --license-key-file, " +
		"or name a tenant of the subscription with --from")
}

// licenseKeyOf asks another tenant of the same subscription for the key.
func licenseKeyOf(ctx context.Context, c *client.Client, tenant string) (string, error) {
	server, err := hostBeside(c.BaseURL(), tenant)
	if err != nil {
		return "", err
	}
	source, err := c.Host(server)
	if err != nil {
		return "", err
	}
	overview, err := source.GetLicenseOverview(ctx)
	if err != nil {
		return "", fmt.Errorf("read licence key from %s: %w", source.BaseURL(), err)
	}
	if overview.LicenseKey == "" {
		return "", fmt.Errorf("%s tells no licence key", source.BaseURL())
	}
	return overview.LicenseKey, nil
}

func tenantGetCommand(conn *connection, out *command.Output) *cobra.Command {
	var externalID string
	cmd := &cobra.Command{
		Use:   "get ID|me",
		Short: "Show a tenant, at its own host, at the register host or at the console",
		Long: `Show a tenant. At a tenant's own host, "me" or the tenant's id shows that tenant. At a
region's register host, the id of any tenant of the subscription there does, or your
own id of it with --external-id; at the console, the id of any tenant of the
organization.`,
		Example: `  freehold tenant get me --context acme-us
  freehold tenant get --external-id customer-42 --context register-us
  freehold tenant get TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e --context console`,
		Args: args("[ID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (externalID == "") {
				return errors.New("give either the tenant's id or --external-id")
			}
			asJSON, err := out.JSON(cmd)
			if err != nil {
				return err
			}
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			if externalID != "" {
				args, err = idOfExternal(cmd.Context(), c, externalID)
				if err != nil {
					return explain(err, c, registerLabel, registerHint)
				}
			}
			tenant, details, err := getTenant(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), tenant)
			}
			return out.Details(cmd, details)
		},
	}
	cmd.Flags().StringVar(&externalID, "external-id", "", "your own id of the tenant, at the register host")
	return cmd
}

// idOfExternal finds the id of the tenant with an external id: one argument.
func idOfExternal(ctx context.Context, c *client.Client, externalID string) ([]string, error) {
	value, err := json.Marshal(externalID)
	if err != nil {
		return nil, err
	}
	for tenant, err := range c.RegionTenants(ctx, client.TenantListOptions{Filter: "externalId eq " + string(value)}) {
		return []string{tenant.ID}, err
	}
	return nil, fmt.Errorf("no tenant has the external id %q", externalID)
}

func getTenant(ctx context.Context, c *client.Client, id string) (tenant any, details [][2]string, err error) {
	if hostLabel(c.BaseURL()) == consoleLabel {
		if id == "me" {
			return nil, nil, errors.New(`at the console there is no tenant "me": give an id, or the tenant's own host with --server`)
		}
		found, err := c.GetOrganizationTenant(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		return found, organizationTenantDetails(found), nil
	}
	get := c.GetTenant
	if id == "me" {
		get = func(ctx context.Context, _ string) (*api.Tenant, error) { return c.GetMyTenant(ctx) }
	}
	found, err := get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return found, tenantDetails(found), nil
}

func tenantDetails(t *api.Tenant) [][2]string {
	protected := ""
	if t.DeletionProtection {
		protected = "yes"
	}
	administrator := ""
	switch {
	case t.Admin != nil && t.Admin.SignInLink != nil:
		administrator = t.Admin.SignInLink.URL + " (until " + moment(&t.Admin.SignInLink.ExpiresAt) + ")"
	case t.Admin != nil:
		administrator = t.Admin.Detail
	}
	return [][2]string{
		{"ID", t.ID},
		{"Name", t.Name},
		{"Status", t.Status},
		{"Provisioning", provisioning(t.Provisioning)},
		{"Host names", strings.Join(t.Hostnames, ", ")},
		{"Sign-in link", administrator},
		{"Region", t.Region},
		{"Data centre", t.Datacenter},
		{"External ID", t.ExternalID},
		{"Labels", labelText(t.Labels)},
		{"Protected", protected},
		{"Purge", moment(t.EstimatedPurgeDate)},
		{"Created", moment(&t.Created)},
		{"Updated", moment(&t.LastUpdated)},
	}
}

func organizationTenantDetails(t *api.OrganizationTenant) [][2]string {
	return [][2]string{
		{"ID", t.ID},
		{"Name", t.Name},
		{"Status", t.Status},
		{"Provisioning", provisioning(t.Provisioning)},
		{"Host names", strings.Join(t.Hostnames, ", ")},
		{"Region", t.RegionCode},
		{"Country", t.CountryCode},
		{"Subscription", t.SubscriptionID},
		{"Licence", t.LicenseNumber},
		{"Licence starts", moment(t.LicenseStartsAt)},
		{"Licence ends", moment(t.LicenseEndsAt)},
		{"Created", moment(&t.CreatedAt)},
		{"Updated", moment(&t.UpdatedAt)},
		{"Deletion starts", moment(t.DeletionStartsAt)},
	}
}

// moment writes a time to the second; none is empty.
func moment(t *api.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
