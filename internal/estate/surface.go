package estate

import "slices"

// SurfaceKind says which of the APIs a host serves.
type SurfaceKind string

// The surfaces.
const (
	SurfaceConsole  SurfaceKind = "console"
	SurfaceRegister SurfaceKind = "register"
	SurfaceTenant   SurfaceKind = "tenant"
)

// Surface is the host that a request came to. Every surface is an OAuth issuer
// of its own.
type Surface struct {
	Kind   SurfaceKind
	Origin string     // "https://host[:port]", as clients see it: issuer and audience of tokens
	Region RegionCode // of a register host
	Tenant Tenant     // of a tenant host
}

// Admits tells whether client may get and use tokens at s, and how far it
// reaches there. It makes of client what it is there: at the host of a tenant that
// trusts it, not more than that tenant has trusted.
func (s Surface) Admits(client *Client) (Scope, bool) {
	c := client.Scope
	switch s.Kind {
	case SurfaceConsole:
		return c, client.Level == LevelOrganization
	case SurfaceRegister:
		return c, client.Level == LevelRegion && c.Region == s.Region
	case SurfaceTenant:
		t := s.Tenant.Scope()
		switch client.Level {
		case LevelTenant:
			return t, c == t || client.trustedAt(t)
		case LevelRegion:
			return t, c == Scope{Organization: t.Organization, Subscription: t.Subscription, Region: t.Region}
		}
	}
	return Scope{}, false
}

// AdmitsExchanged is Admits for tokens that were bought with a token of a host
// above s: by them a client also reaches the tenants below it at which it can't
// get a token by itself.
func (s Surface) AdmitsExchanged(client *Client) (Scope, bool) {
	if s.Kind == SurfaceTenant && client.Level == LevelOrganization {
		t := s.Tenant.Scope()
		return t, client.Scope == Scope{Organization: t.Organization}
	}
	return s.Admits(client)
}

// trustedAt tells whether the tenant of scope, which is not its owner, trusts client,
// and makes of it what is trusted.
func (c *Client) trustedAt(scope Scope) bool {
	trust, ok := c.TrustedBy[scope.Tenant]
	if !ok || !c.publishedTo(scope) {
		return false
	}
	c.Permissions = c.Permissions.and(trust.Permissions)
	c.GrantTypes = slices.DeleteFunc(slices.Clone(c.GrantTypes), func(grant string) bool { return !slices.Contains(trust.GrantTypes, grant) })
	c.Consent = ConsentTrusted
	return true
}

// publishedTo tells whether client is published, and tenant is one of those that
// publishing makes it known to: those of its region and organization.
func (c Client) publishedTo(tenant Scope) bool {
	return c.Level == LevelTenant && !c.PublishedAt.IsZero() && c.DeletedAt.IsZero() &&
		c.Scope.Organization == tenant.Organization && c.Scope.Region == tenant.Region && tenant.Tenant != ""
}
