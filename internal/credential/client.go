package credential

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// NewClient is what CreateClient makes a client of.
type NewClient struct {
	Level          estate.Level
	Scope          estate.Scope // organization; and subscription, region, tenant as Level needs
	Name           string       // optional for region clients: named after the region, as the contract has it
	Description    string
	AppType        string
	URI            string
	LogoURI        string
	RedirectURIs   []string
	AllowedOrigins []string
	Permissions    []string // empty: see defaultPermissions
	GrantTypes     []string
	AuthMethods    []string
	Consent        estate.Consent
	TokenBinding   estate.TokenBinding
	PublicKeys     []json.RawMessage // JWKs
	JWKSURI        string
	Federated      []estate.FederatedCredential
}

// Authentication methods of clients.
const authClientSecret = "client_secret"

// Limits of a client's fields; the contract states none.
const (
	maxClientName   = 256
	maxDescription  = 1024
	maxURI          = 2048
	maxListed       = 100
	maxScopes       = 250 // more than there are in the contract's catalogue
	maxOrigins      = 5   // the contract's
	maxScopeNameLen = 128
)

// CreateClient makes a client. The secret is returned here and nowhere else; it
// is empty for clients that have none.
//
// Organization-level clients are made by the operator (for a service account
// owner) or by an organization-level client that holds the scope for it;
// region-level ones by the operator or an organization-level client that holds the
// scope for it, for a subscription that is entitled to more than one tenant;
// tenant-level ones by an administrator of the tenant. At organization level no
// client can be given more than its maker may do; at region level the right to
// make clients is the right to hand out what they can do.
func (s *Service) CreateClient(ctx context.Context, actor estate.Actor, n NewClient) (c estate.Client, secret estate.Secret, err error) {
	defer s.audit.Refused(ctx, actor, "oauth-client.create", "", &err)
	if err := mayCreateClient(actor, n); err != nil {
		return c, "", err
	}
	now := s.now()
	c = estate.Client{
		ID: estate.NewClientID(), Level: n.Level, Scope: n.Scope, Name: strings.TrimSpace(n.Name), Description: n.Description, AppType: n.AppType,
		URI: n.URI, LogoURI: n.LogoURI, RedirectURIs: n.RedirectURIs, AllowedOrigins: n.AllowedOrigins,
		Permissions: estate.ParsePermissions(strings.Join(n.Permissions, " ")),
		GrantTypes:  n.GrantTypes, AuthMethods: n.AuthMethods, Consent: n.Consent, TokenBinding: n.TokenBinding,
		CreatedBy: actor.ID, CreatedByType: "service", CreatedAt: now, UpdatedAt: now,
	}
	if actor.Kind == estate.ActorAccount || actor.Kind == estate.ActorUser {
		c.CreatedByType = "user"
	}
	c.JWKSURI, c.Federated = n.JWKSURI, n.Federated
	if c.PublicKeys, err = validatePublicKeys(n.PublicKeys); err != nil {
		return estate.Client{}, "", err
	}
	complete(&c)
	if err := validateClient(c, n); err != nil {
		return c, "", err
	}
	if err := s.validateTrust(c); err != nil {
		return c, "", err
	}
	if isBounded(actor) && n.Level == estate.LevelOrganization && !c.Permissions.Within(actor.Permissions) {
		return c, "", errScopeBeyondActor
	}
	if slices.Contains(c.AuthMethods, authClientSecret) {
		stored, plain := s.newSecret(c, actor)
		c.Secrets, secret = []estate.ClientSecret{stored}, plain
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := checkOwner(ctx, tx, c); err != nil {
			return err
		}
		if err := tx.InsertClient(ctx, c); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, c.Scope, "oauth-client.create", string(c.ID), map[string]any{
			"name": c.Name, "level": c.Level, "scopes": c.Permissions, "authMethods": c.AuthMethods, event.KeyEvent: describeClient(c),
		})
	})
	if err != nil {
		return estate.Client{}, "", err
	}
	return c, secret, nil
}

// Clients lists the clients in scope, of one level where level is set. Only the
// operator may.
func (s *Service) Clients(ctx context.Context, actor estate.Actor, scope estate.Scope, level estate.Level) (all []estate.Client, err error) {
	if !actor.IsOperator() {
		return nil, errNeedsOwner
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Clients(ctx, scope, level)
		return err
	})
	return all, err
}

func mayCreateClient(actor estate.Actor, n NewClient) error {
	if actor.IsOperator() {
		return nil
	}
	switch n.Level {
	case estate.LevelOrganization:
		if actor.Scope != n.Scope {
			return errNeedsScope(api.ScopeOrgOAuthClients)
		}
		return actor.Lacks(estate.LevelOrganization, api.ScopeOrgOAuthClients)
	case estate.LevelRegion:
		return mayManage(actor, Realm{Level: n.Level, Scope: n.Scope})
	case estate.LevelTenant:
		if !slices.Contains(actor.Roles, estate.RoleTenantAdmin) || actor.Scope != n.Scope {
			return errNeedsTenantAdmin
		}
		if !actor.Permissions.Holds(api.ScopeAdminClassic) {
			return errNeedsScope(api.ScopeAdminClassic)
		}
		return nil
	}
	return errNeedsOwner
}

// complete fills in what was left out.
func complete(c *estate.Client) {
	if c.Level != estate.LevelTenant { // machine clients, nothing else
		if c.AppType == "" {
			c.AppType = api.AppTypeWeb
		}
		if len(c.GrantTypes) == 0 {
			c.GrantTypes = []string{api.GrantClientCredentials}
		}
		c.Consent = estate.ConsentTrusted
	}
	if c.AppType == api.AppTypeWeb && len(c.AuthMethods) == 0 {
		c.AuthMethods = defaultAuthMethods(c)
	}
	if c.Consent == "" {
		c.Consent = estate.ConsentRequired
	}
	if c.Name == "" && c.Level == estate.LevelRegion {
		c.Name = strings.ToUpper(string(c.Scope.Region)) + " OAuth Client"
	}
	if len(c.Permissions) == 0 {
		c.Permissions = defaultPermissions(c)
	}
}

// defaultAuthMethods are a secret, unless the client came with something better:
// then there is to be no secret anywhere.
func defaultAuthMethods(c *estate.Client) []string {
	switch {
	case len(c.PublicKeys) > 0 || c.JWKSURI != "":
		return []string{authPrivateKeyJWT}
	case len(c.Federated) > 0:
		return nil
	}
	return []string{authClientSecret}
}

// defaultPermissions are what a client gets that was not given any: as the
// contract has it, all region scopes at region level and reading tenants at
// organization level.
func defaultPermissions(c *estate.Client) estate.Permissions {
	switch c.Level {
	case estate.LevelRegion:
		return api.RegionScopes()
	case estate.LevelOrganization:
		return estate.Permissions{api.ScopeOrgTenantsRead}
	}
	return estate.Permissions{api.ScopeUserDefault}
}

// checkOwner makes sure that what c belongs to exists and is entitled to it.
func checkOwner(ctx context.Context, tx *store.Tx, c estate.Client) error {
	switch c.Level {
	case estate.LevelOrganization:
		_, err := tx.Organization(ctx, c.Scope)
		return err
	case estate.LevelTenant:
		_, err := tx.Tenant(ctx, c.Scope, c.Scope.Tenant)
		return err
	}
	subscription, err := tx.Subscription(ctx, estate.Scope{Organization: c.Scope.Organization}, c.Scope.Subscription)
	if err != nil {
		return err
	}
	if !subscription.MultiTenant() {
		return errSingleTenant
	}
	if !slices.Contains(subscription.Regions, c.Scope.Region) {
		return errRegionNotEntitled
	}
	return nil
}

// newSecret makes a secret for c.
func (s *Service) newSecret(c estate.Client, actor estate.Actor) (estate.ClientSecret, estate.Secret) {
	plain := newSecretText()
	keyID, hash := s.keys.HashSecret(c.ID, plain)
	return estate.ClientSecret{Hint: hintOf(plain), KeyID: keyID, Hash: hash, CreatedBy: actor.ID, CreatedAt: c.UpdatedAt}, plain
}

func validateClient(c estate.Client, n NewClient) error {
	scope := c.Scope
	switch {
	case c.Level == estate.LevelRegion && scope.Region == "":
		return invalidClient("/regionCode", "regionCode is missing")
	case scope.Organization == "",
		c.Level == estate.LevelRegion && (scope.Subscription == "" || scope.Region == "" || scope.Tenant != ""),
		c.Level == estate.LevelTenant && scope.Tenant == "",
		!c.Level.Valid():
		return invalidClient("", fmt.Sprintf("a client of level %q can't belong there", c.Level))
	case c.Name == "" || utf8.RuneCountInString(c.Name) > maxClientName:
		return invalidClient("/clientName", fmt.Sprintf("clientName must have 1 to %d characters", maxClientName))
	case strings.ContainsFunc(c.Name, unicode.IsControl):
		return invalidClient("/clientName", "clientName must have no control characters")
	case utf8.RuneCountInString(c.Description) > maxDescription:
		return invalidClient("/description", fmt.Sprintf("description must have at most %d characters", maxDescription))
	case !slices.Contains([]string{api.AppTypeWeb, api.AppTypeNative, api.AppTypeSPA, api.AppTypeAnonymousEmbed}, c.AppType):
		return invalidClient("/appType", "appType must be web, native, spa or anonymous-embed")
	case c.Level != estate.LevelTenant && c.AppType != api.AppTypeWeb:
		return invalidClient("/appType", "appType must be web: machine clients keep a secret")
	case n.Consent != "" && n.Consent != estate.ConsentTrusted:
		return invalidClient("/connectionConfig/consentMethod", "consentMethod can only be trusted at creation; left out it is required")
	case !n.TokenBinding.Valid():
		return invalidClient("/tokenBinding", "tokenBinding must be dpop or mtls")
	}
	for pointer, uri := range map[string]string{"/clientUri": c.URI, "/logoUri": c.LogoURI} {
		if uri != "" && !isWebURL(uri) {
			return invalidClient(pointer, "must be an absolute https URL")
		}
	}
	if err := validateGrants(c); err != nil {
		return err
	}
	return validateLists(c)
}

func validateGrants(c estate.Client) error {
	for i, grant := range c.GrantTypes {
		if c.AppType != api.AppTypeWeb {
			return invalidClient("/allowedGrantTypes", "allowedGrantTypes is for appType web only")
		}
		impersonates := grant == api.GrantUserImpersonation && c.Level == estate.LevelTenant
		if grant != api.GrantClientCredentials && !impersonates {
			return invalidClient(fmt.Sprintf("/allowedGrantTypes/%d", i), "the supported grant types are "+api.GrantClientCredentials+" and, for a tenant's clients, "+api.GrantUserImpersonation)
		}
	}
	for i, method := range c.AuthMethods {
		if c.AppType != api.AppTypeWeb || method != authClientSecret && method != authPrivateKeyJWT {
			return invalidClient(fmt.Sprintf("/allowedAuthMethods/%d", i), "the supported methods are "+authClientSecret+" and "+authPrivateKeyJWT+", for appType web")
		}
	}
	return nil
}

func validateLists(c estate.Client) error {
	if len(c.RedirectURIs) > maxListed {
		return invalidClient("/redirectUris", fmt.Sprintf("must have at most %d entries", maxListed))
	}
	if len(c.Permissions) > maxScopes {
		return invalidClient("/allowedScopes", fmt.Sprintf("must have at most %d entries", maxScopes))
	}
	for i, uri := range c.RedirectURIs {
		if !isRedirectURI(c.AppType, uri) {
			return invalidClient(fmt.Sprintf("/redirectUris/%d", i), "must be an absolute https URL, or http on localhost; of a native client also one with a scheme of its own, such as com.example.app:/callback")
		}
	}
	if len(c.AllowedOrigins) > maxOrigins {
		return invalidClient("/allowedOrigins", fmt.Sprintf("allowedOrigins must have at most %d entries", maxOrigins))
	}
	for i, origin := range c.AllowedOrigins {
		if u, err := url.Parse(origin); !isWebURL(origin) || strings.Contains(origin, "*") || err != nil || u.Scheme+"://"+u.Host != origin {
			return invalidClient(fmt.Sprintf("/allowedOrigins/%d", i), "must be an origin, such as https://app.example.com")
		}
	}
	closed := map[estate.Level][]string{estate.LevelRegion: api.RegionScopes(), estate.LevelOrganization: api.OrganizationClientScopes()}
	for i, name := range c.Permissions {
		allowed, isClosed := closed[c.Level]
		switch {
		case !isScopeName(name):
			return invalidClient(fmt.Sprintf("/allowedScopes/%d", i), "not a scope name (RFC 6749 section 3.3)")
		case api.IsRoleScope(name):
			return invalidClient(fmt.Sprintf("/allowedScopes/%d", i), "a scope of roles; a client can't hold it")
		case isClosed && !slices.Contains(allowed, name):
			return invalidClient(fmt.Sprintf("/allowedScopes/%d", i), "scopes of this level are "+strings.Join(allowed, ", "))
		case !isClosed && (name == "tenants" || strings.HasPrefix(name, "tenants:") || strings.HasPrefix(name, "cloud-console.")):
			return invalidClient(fmt.Sprintf("/allowedScopes/%d", i), "a tenant's client can't hold scopes of another level")
		}
	}
	return nil
}

// isScopeName checks RFC 6749's scope-token.
func isScopeName(name string) bool {
	if name == "" || len(name) > maxScopeNameLen {
		return false
	}
	for _, b := range []byte(name) {
		if b <= ' ' || b == '"' || b == '\\' || b > '~' {
			return false
		}
	}
	return true
}

// isRedirectURI accepts where codes can be sent to: a page, or a native program that
// has a scheme of its own, which has a period (RFC 8252 section 8.4): others belong to
// the system, and can be dangerous to open.
func isRedirectURI(appType, uri string) bool {
	u, err := url.Parse(uri)
	switch {
	case err != nil || strings.Contains(u.Host, "*"): // which would match nothing
		return false
	case appType == api.AppTypeNative && strings.Contains(u.Scheme, "."):
		return len(uri) <= maxURI && u.Opaque == "" && u.Fragment == "" && u.User == nil
	}
	return isWebURL(uri)
}

// isWebURL accepts absolute https URLs, and http ones on localhost.
func isWebURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURI || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && local
}

func invalidClient(pointer, detail string) error {
	e := estate.E(estate.Invalid, api.CodeClientInvalid, "Invalid OAuth client", detail)
	if pointer == "" {
		return e
	}
	return e.At(pointer, detail)
}

func errNeedsScope(scope string) error {
	return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+scope+".")
}

var (
	errNeedsTenantAdmin  = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "This needs the role TenantAdmin in this tenant.")
	errNeedsOwner        = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Region-level clients are made by an owner of the subscription.")
	errScopeBeyondActor  = estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "A client can't be given scopes that the calling token lacks.").At("/allowedScopes", "beyond the caller's scopes")
	errSingleTenant      = estate.E(estate.Forbidden, api.CodeClientEntitlement, "Not entitled", "Region-level clients need an entitlement for more than one tenant; use an OAuth client of the tenant itself.")
	errRegionNotEntitled = estate.E(estate.Forbidden, api.CodeClientEntitlement, "Not entitled", "The subscription may not use this region.").At("/regionCode", "not a region of the subscription")
)
