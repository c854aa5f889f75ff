package signin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxProviders is how many identity providers a tenant can have.
const maxProviders = estate.MaxIdentityProviders

// mayAdministerProviders tells why actor may not change by which identity providers
// people sign in to its tenant or, without one, to the console; nil: it may.
func mayAdministerProviders(actor estate.Actor) error {
	switch {
	case actor.IsOperator() && actor.Scope.Organization != "":
		return nil
	case actor.Scope.Tenant == "" && actor.Scope.Organization != "":
		return actor.Lacks(estate.LevelOrganization, api.ScopeOrgIdentityProviders)
	}
	return mayAdminister(actor)
}

// CreateIdentityProvider makes an identity provider of the actor's tenant, or
// organization.
func (s *Service) CreateIdentityProvider(ctx context.Context, actor estate.Actor, in api.CreateIdentityProviderRequest) (p estate.IdentityProvider, err error) {
	defer s.audit.Refused(ctx, actor, "identity-provider.create", "", &err)
	if err := mayAdministerProviders(actor); err != nil {
		return p, err
	}
	if p, err = s.newProvider(actor.Scope, in); err != nil {
		return estate.IdentityProvider{}, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		others, err := tx.IdentityProviders(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if len(others) >= maxProviders {
			return invalid("", "The tenant has as many identity providers as it can have.")
		}
		if err := tx.InsertIdentityProvider(ctx, p); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "identity-provider.create", string(p.ID), map[string]any{
			"protocol": p.Protocol, "provider": p.Provider, "interactive": p.Interactive, "active": p.Active, "issuer": p.Options.Issuer,
		})
	})
	if err != nil {
		return estate.IdentityProvider{}, err
	}
	return p, nil
}

// newProvider makes an identity provider of a request that is in order.
func (s *Service) newProvider(scope estate.Scope, in api.CreateIdentityProviderRequest) (p estate.IdentityProvider, err error) {
	now := s.now()
	p = estate.IdentityProvider{
		ID: estate.NewIdentityProviderID(), Organization: scope.Organization, Tenant: scope.Tenant,
		Protocol: in.Protocol, Provider: in.Provider, Description: in.Description, ClockTolerance: defaultTolerance, AfterLogout: in.PostLogoutRedirectURI,
		CreateUsers: scope.Tenant != "", CreatedAt: now, UpdatedAt: now, // accounts are made only if that is asked for
	}
	if in.CreateNewUsersOnLogin != nil {
		p.CreateUsers = *in.CreateNewUsersOnLogin
	}
	if slices.ContainsFunc(in.TenantIDs, func(id string) bool { return id != string(scope.Tenant) }) {
		return p, invalid("/tenantIds", "must be this tenant")
	}
	if in.ClockToleranceSec != nil {
		if p.ClockTolerance, err = tolerance(*in.ClockToleranceSec); err != nil {
			return p, err
		}
	}
	if err := checkCommon(p); err != nil {
		return p, err
	}
	switch in.Protocol {
	case api.ProtocolJWT:
		if scope.Tenant == "" {
			return p, unsupported("/protocol", "accounts sign in in a browser: use OIDC")
		}
		err = s.newJWT(&p, in)
	case api.ProtocolOIDC:
		err = s.newOIDC(&p, in)
	case "SAML":
		err = unsupported("/protocol", "SAML is not supported: use OIDC, which the same identity providers speak, or jwtAuth")
	default:
		err = invalid("/protocol", "must be "+api.ProtocolOIDC+" or "+api.ProtocolJWT)
	}
	if err == nil {
		err = checkSecrets(p)
	}
	return p, err
}

func (s *Service) newJWT(p *estate.IdentityProvider, in api.CreateIdentityProviderRequest) error {
	p.Active = in.Active == nil || *in.Active
	switch {
	case in.Provider != "external":
		return invalid("/provider", "must be external")
	case in.Interactive != nil && *in.Interactive:
		return invalid("/interactive", "must be false: nobody is sent to an issuer of tokens")
	case in.PendingOptions != nil:
		return invalid("/pendingOptions", "there is nothing to test: use options")
	case in.Options == nil:
		return invalid("/options", "must hold issuer and staticKeys")
	case in.Options.JWTLoginEnabled != nil && !*in.Options.JWTLoginEnabled:
		return invalid("/options/jwtLoginEnabled", "must be true: signing in is all that the tokens are for")
	}
	var err error
	p.Options, err = jwtOptions(*in.Options)
	return err
}

func (s *Service) newOIDC(p *estate.IdentityProvider, in api.CreateIdentityProviderRequest) error {
	p.Interactive = true
	switch {
	case !slices.Contains(oidcProviders, in.Provider):
		return invalid("/provider", "must be one of "+strings.Join(oidcProviders, ", "))
	case in.Interactive == nil:
		return invalid("/interactive", "is missing")
	case !*in.Interactive:
		return unsupported("/interactive", "an OIDC identity provider must be interactive: machines use OAuth clients here, which can trust outside issuers")
	case (in.Options == nil) == (in.PendingOptions == nil):
		return invalid("/options", "either pendingOptions are given, to be tested, or options with skipVerify")
	case in.Options != nil && !in.SkipVerify:
		return invalid("/skipVerify", "must be true with options; without it, use pendingOptions")
	}
	var err error
	if in.Options != nil {
		p.Active = in.Active == nil || *in.Active
		p.Options, err = s.oidcOptions(*p, "/options", *in.Options, estate.IdentityProviderOptions{})
		return err
	}
	if in.Active != nil && *in.Active {
		return invalid("/active", "an identity provider is active once its pendingOptions have been tested and promoted")
	}
	pending, err := s.oidcOptions(*p, "/pendingOptions", *in.PendingOptions, estate.IdentityProviderOptions{})
	p.Pending, p.PendingState = &pending, estate.PendingStatePending
	return err
}

// IdentityProvider returns an identity provider of the actor's tenant, or organization.
func (s *Service) IdentityProvider(ctx context.Context, actor estate.Actor, id estate.IdentityProviderID) (p estate.IdentityProvider, err error) {
	if err := mayAdministerProviders(actor); err != nil {
		return p, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		p, err = tx.IdentityProvider(ctx, actor.Scope, id)
		return err
	})
	return p, err
}

// ProviderQuery asks for a page of a tenant's identity providers.
type ProviderQuery struct {
	Active *bool // only those that are, or are not
	Next   estate.IdentityProviderID
	Prev   estate.IdentityProviderID
	Limit  int
}

// ProviderPage is a page of identity providers. Next and Prev are empty at the
// ends.
type ProviderPage struct {
	Providers  []estate.IdentityProvider
	Next, Prev estate.IdentityProviderID
}

// IdentityProviders lists the identity providers of the actor's tenant, by id.
func (s *Service) IdentityProviders(ctx context.Context, actor estate.Actor, q ProviderQuery) (page ProviderPage, err error) {
	if err := mayAdministerProviders(actor); err != nil {
		return page, err
	}
	all, err := s.all(ctx, actor.Scope)
	if err != nil {
		return page, err
	}
	all = slices.DeleteFunc(all, func(p estate.IdentityProvider) bool { return q.Active != nil && p.Active != *q.Active })
	from, to := 0, 0
	if q.Prev != "" {
		to = countBefore(all, q.Prev)
		from = max(0, to-q.Limit)
	} else {
		if q.Next != "" {
			from = countBefore(all, q.Next+"\x00") // after it
		}
		to = min(from+q.Limit, len(all))
	}
	page.Providers = all[from:to]
	if to < len(all) && to > 0 {
		page.Next = all[to-1].ID
	}
	if from > 0 && from < len(all) {
		page.Prev = all[from].ID
	}
	return page, nil
}

func countBefore(all []estate.IdentityProvider, id estate.IdentityProviderID) int {
	n, _ := slices.BinarySearchFunc(all, id, func(p estate.IdentityProvider, id estate.IdentityProviderID) int {
		return strings.Compare(string(p.ID), string(id))
	})
	return n
}

// all are the identity providers of the tenant of scope, by id.
func (s *Service) all(ctx context.Context, scope estate.Scope) (all []estate.IdentityProvider, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.IdentityProviders(ctx, scope)
		return err
	})
	return all, err
}

// Summaries returns the identity providers of the actor's tenant without what
// only its administrators may know.
func (s *Service) Summaries(ctx context.Context, actor estate.Actor) ([]estate.IdentityProvider, error) {
	all, err := s.all(ctx, actor.Scope)
	for i, p := range all {
		all[i] = estate.IdentityProvider{ID: p.ID, Provider: p.Provider, Interactive: p.Interactive, Active: p.Active, Meta: p.Meta}
	}
	return all, err
}

// DeleteIdentityProvider removes an identity provider of the actor's tenant, or organization. Who
// came in by it is signed out.
func (s *Service) DeleteIdentityProvider(ctx context.Context, actor estate.Actor, id estate.IdentityProviderID) error {
	return s.change(ctx, actor, "identity-provider.delete", id, func(tx *store.Tx, p estate.IdentityProvider) (map[string]any, error) {
		return map[string]any{"protocol": p.Protocol, "issuer": p.Options.Issuer}, tx.DeleteIdentityProvider(ctx, actor.Scope, id, s.now())
	})
}

// UpdateIdentityProvider changes an identity provider of the actor's tenant by a
// patch: all of it or, after an error, nothing.
func (s *Service) UpdateIdentityProvider(ctx context.Context, actor estate.Actor, id estate.IdentityProviderID, patch []PatchOperation) error {
	return s.change(ctx, actor, "identity-provider.update", id, func(tx *store.Tx, p estate.IdentityProvider) (map[string]any, error) {
		for i, op := range patch {
			if err := s.apply(&p, op); err != nil {
				return nil, inPatch(err, i)
			}
		}
		if err := errors.Join(checkCommon(p), checkSecrets(p)); err != nil {
			return nil, err
		}
		p.UpdatedAt = s.now()
		var paths []string
		for _, op := range patch {
			paths = append(paths, strings.TrimSpace(op.Op+" "+op.Path))
		}
		return map[string]any{"updates": paths}, tx.UpdateIdentityProvider(ctx, actor.Scope, p)
	})
}

// change does something to an identity provider, with its audit record, of which
// fn returns the data.
func (s *Service) change(ctx context.Context, actor estate.Actor, action string, id estate.IdentityProviderID,
	fn func(tx *store.Tx, p estate.IdentityProvider) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayAdministerProviders(actor); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.IdentityProvider(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		data, err := fn(tx, p)
		if err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(id), data)
	})
}

// The purposes of what is sealed, see keyring.Seal.
const (
	sealClientSecret = "identity provider client secret"
	sealLogin        = "login under way"
)

// sealedAs names an identity provider to the seal of its secret, which opens in no
// other tenant or organization.
func sealedAs(p estate.IdentityProvider) string {
	if p.Tenant == "" {
		return string(p.Organization) + "//" + string(p.ID)
	}
	return string(p.Tenant) + "/" + string(p.ID)
}

// tolerance checks how far the clock of an identity provider may be off.
func tolerance(seconds int) (time.Duration, error) {
	if seconds < 0 || time.Duration(seconds)*time.Second > maxTolerance {
		return 0, invalid("/clockToleranceSec", "must be from 0 to 600")
	}
	return time.Duration(seconds) * time.Second, nil
}

// Limits and defaults.
const (
	defaultTolerance = 5 * time.Second
	maxTolerance     = 10 * time.Minute
	maxDescription   = 1000
	maxMeta          = 4 << 10
)

var oidcProviders = []string{"auth0", "okta", "generic", "salesforce", "keycloak", "adfs", "azureAD"}

// checkCommon checks what all identity providers have.
func checkCommon(p estate.IdentityProvider) error {
	if len(p.Description) > maxDescription {
		return invalid("/description", "must have at most 1000 characters")
	}
	if p.AfterLogout != "" && !isWebPage(p.AfterLogout) {
		return invalid("/postLogoutRedirectUri", "must be an absolute https URL, or http for localhost")
	}
	var meta map[string]json.RawMessage
	if p.Meta != nil && (len(p.Meta) > maxMeta || json.Unmarshal(p.Meta, &meta) != nil || meta == nil) {
		return invalid("/meta", "must be a JSON object of at most 4096 bytes")
	}
	return nil
}

// invalid says what is wrong with a field; an empty pointer: with the whole.
func invalid(pointer, detail string) *estate.Error {
	e := estate.E(estate.Invalid, api.CodeIDPInvalid, "Invalid identity provider", detail)
	if pointer == "" {
		return e
	}
	e.Detail = strings.TrimPrefix(pointer, "/") + " " + detail
	return e.At(pointer, detail)
}

func unsupported(pointer, detail string) *estate.Error {
	return estate.E(estate.Invalid, api.CodeIDPUnsupported, "Not supported", detail).At(pointer, detail)
}
