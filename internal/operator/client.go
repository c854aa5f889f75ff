package operator

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

type clientView struct {
	ClientID     estate.ClientID       `json:"clientId"`
	ClientSecret string                `json:"clientSecret,omitempty"` // at creation only
	Name         string                `json:"clientName"`
	Level        estate.Level          `json:"level"`
	Organization estate.OrganizationID `json:"organizationId"`
	Subscription estate.SubscriptionID `json:"licenseNumber,omitempty"`
	Region       estate.RegionCode     `json:"region,omitempty"`
	Tenant       estate.TenantID       `json:"tenantId,omitempty"`
	Scopes       estate.Permissions    `json:"allowedScopes"`
	TokenBinding estate.TokenBinding   `json:"tokenBinding,omitempty"`
	CreatedAt    time.Time             `json:"createdAt"`
}

func viewClient(c estate.Client) clientView {
	return clientView{
		ClientID: c.ID, Name: c.Name, Level: c.Level, Organization: c.Scope.Organization, Subscription: c.Scope.Subscription,
		Region: c.Scope.Region, Tenant: c.Scope.Tenant, Scopes: c.Permissions, TokenBinding: c.TokenBinding, CreatedAt: c.CreatedAt,
	}
}

func clientCommand(with with) *cobra.Command {
	headers := []string{"CLIENT ID", "NAME", "LEVEL", "REGION", "SCOPES", "CREATED"}
	row := func(v clientView) []string {
		return []string{string(v.ClientID), v.Name, string(v.Level), string(v.Region), v.Scopes.String(), v.CreatedAt.Format(time.RFC3339)}
	}
	var level, organization, number, region, tenant string
	var trust trustFlags
	n := credential.NewClient{AppType: api.AppTypeWeb, GrantTypes: []string{api.GrantClientCredentials}, Consent: estate.ConsentTrusted}
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a machine client; the secret is printed once",
		Long: "Make a machine client; the secret is printed once and can't be had again. With --public-key-file, --jwks-uri or\n" +
			"--federation-file the client gets no secret: it signs, or shows tokens of an issuer that it trusts.\n\n" +
			"  --level organization --name NAME                     reads the whole estate at the console host\n" +
			"  --level region --subscription NUMBER --region CODE   creates tenants, and reaches all of them in the region\n" +
			"  --level tenant --tenant ID --name NAME               reaches one tenant",
		Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) (err error) {
			n.Level = estate.Level(level)
			if n.Scope, err = s.clientScope(n.Level, organization, number, region, tenant); err != nil {
				return err
			}
			if n.Level == estate.LevelOrganization && len(n.Permissions) == 0 {
				n.Permissions = api.OrganizationScopes() // the operator makes it for an owner, who may do all of it
			}
			if n.Level == estate.LevelTenant && len(n.Permissions) == 0 {
				n.Permissions = []string{api.ScopeAdminClassic}
			}
			if err := trust.read(&n); err != nil {
				return err
			}
			c, secret, err := s.Credential.CreateClient(s.cmd.Context(), s.actor, n)
			if err != nil {
				return err
			}
			v := viewClient(c)
			if secret == "" {
				return s.out.One(s.cmd, v, headers, row(v))
			}
			v.ClientSecret = secret.Reveal()
			return s.out.One(s.cmd, v, append([]string{"CLIENT SECRET"}, headers...), append([]string{v.ClientSecret}, row(v)...))
		}),
	}
	create.Flags().StringVar(&level, "level", "", "level: organization, region or tenant")
	create.Flags().StringVar(&organization, "organization", "", organizationUsage)
	create.Flags().StringVar(&number, "subscription", "", "licence number, for level region")
	create.Flags().StringVar(&region, "region", "", "region code, for level region")
	create.Flags().StringVar(&tenant, "tenant", "", "tenant id, for level tenant")
	create.Flags().StringVar(&n.Name, "name", "", "name for people; region-level clients are named after their region if it is left out")
	create.Flags().StringVar(&n.Description, "description", "", "text for people")
	create.Flags().StringSliceVar(&n.Permissions, "scope", nil, "scopes, repeated or separated by commas; default all of the level")
	create.Flags().StringVar((*string)(&n.TokenBinding), "token-binding", "", "what its tokens must be bound to: dpop or mtls; default nothing")
	trust.bind(create.Flags())
	_ = create.MarkFlagRequired("level")

	var listOf, listLevel string
	listAll := &cobra.Command{
		Use: "list", Short: "List the clients of an organization, without their secrets", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(listOf)
			if err != nil {
				return err
			}
			all, err := s.Credential.Clients(s.cmd.Context(), s.actor, estate.Scope{Organization: id}, estate.Level(listLevel))
			return list(s, err, all, viewClient, headers, row)
		}),
	}
	listAll.Flags().StringVar(&listOf, "organization", "", organizationUsage)
	listAll.Flags().StringVar(&listLevel, "level", "", "only clients of this level")
	return group("client", "Machine clients (OAuth2 client credentials)", append([]*cobra.Command{create, listAll, checkTokenCommand(with)}, clientStateCommands(with)...)...)
}

// clientScope says where a client of the level belongs.
func (s *session) clientScope(level estate.Level, organization, number, region, tenant string) (estate.Scope, error) {
	ctx := s.cmd.Context()
	switch level {
	case estate.LevelOrganization:
		id, err := s.organization(organization)
		return estate.Scope{Organization: id}, err
	case estate.LevelRegion:
		sub, err := s.Tenancy.Subscription(ctx, s.actor, estate.SubscriptionID(number))
		return estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: estate.RegionCode(region)}, err
	case estate.LevelTenant:
		id, err := s.organization(organization)
		if err != nil {
			return estate.Scope{}, err
		}
		t, err := s.Tenancy.TenantFor(ctx, s.actor, id, estate.TenantID(tenant))
		return t.Scope(), err
	}
	return estate.Scope{}, fmt.Errorf("--level %q is not organization, region or tenant", level)
}

type tenantView struct {
	ID         estate.TenantID       `json:"id"`
	Name       string                `json:"name"`
	Hostnames  []string              `json:"hostnames"`
	Status     estate.TenantStatus   `json:"status"`
	Region     estate.RegionCode     `json:"region"`
	Number     estate.SubscriptionID `json:"licenseNumber"`
	ExternalID string                `json:"externalId,omitempty"`
	CreatedAt  time.Time             `json:"createdAt"`
}

func tenantCommand(with with) *cobra.Command {
	var number, region string
	var n tenancy.NewTenant
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a tenant, as a subscription's owner would in the console",
		Long: "Make a tenant, as a subscription's owner would in the console: without licence key or region-level client.\n" +
			"It is the only way for an entitlement of one tenant.",
		Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			t, err := s.Tenancy.CreateTenantFor(s.cmd.Context(), s.actor, estate.SubscriptionID(number), estate.RegionCode(region), n)
			if err != nil {
				return err
			}
			v := tenantView{ID: t.ID, Name: t.Name, Status: t.Status, Region: t.Region, Number: t.Subscription, ExternalID: t.ExternalID, CreatedAt: t.CreatedAt}
			for _, name := range []estate.Hostname{t.Hostname, t.Alias} {
				if name != "" {
					v.Hostnames = append(v.Hostnames, string(name)+"."+s.Config.Domain)
				}
			}
			return s.out.One(s.cmd, v, []string{"ID", "NAME", "HOST NAMES", "STATUS", "LICENCE NUMBER"},
				[]string{string(v.ID), v.Name, join(v.Hostnames), string(v.Status), string(v.Number)})
		}),
	}
	create.Flags().StringVar(&number, "subscription", "", "licence number")
	create.Flags().StringVar(&region, "region", "", "region code")
	create.Flags().StringVar(&n.Name, "name", "", "name for people")
	create.Flags().StringSliceVar(&n.Hostnames, "hostname", nil, "an alias: a host name beside the generated one")
	create.Flags().StringVar(&n.ExternalID, "external-id", "", "your own id of the tenant; unique in the subscription")
	create.Flags().StringToStringVar(&n.Labels, "label", nil, "labels, as name=value")
	_ = create.MarkFlagRequired("subscription")
	_ = create.MarkFlagRequired("region")
	return group("tenant", "Tenants", create)
}
