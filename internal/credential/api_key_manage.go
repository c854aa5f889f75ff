package credential

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxKeyDescription is in characters.
const maxKeyDescription = 256

// APIKeyQuery asks for a page of API keys. Empty texts restrict nothing.
type APIKeyQuery struct {
	User          estate.UserID
	CreatedBy     string
	Status        string
	Sort          string          // created, createdByUser, sub, status or description, with sign; empty: created
	StartingAfter estate.APIKeyID // the page after this key
	EndingBefore  estate.APIKeyID // the page before it
	Limit         int             // 1 to 100
}

// APIKeyPage is a page of API keys, with whether there are more after and before.
type APIKeyPage struct {
	Keys       []estate.APIKey
	More, Less bool
}

// administersKeys tells whether actor deals with the API keys of everybody.
func administersKeys(actor estate.Actor) bool {
	return actor.Scope.Tenant != "" && slices.Contains(actor.Roles, estate.RoleTenantAdmin) && actor.Permissions.Holds(api.ScopeAdminClassic)
}

// mayUseKeys tells why actor may have nothing to do with API keys.
func mayUseKeys(actor estate.Actor) error {
	if actor.Scope.Tenant == "" || actor.User == "" || !actor.Permissions.Holds(api.ScopeUserDefault) && !administersKeys(actor) {
		return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+api.ScopeUserDefault+".")
	}
	return nil
}

var errOthersKeys = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The role TenantAdmin is needed to deal with API keys of others.")

// APIKeys lists the API keys of the actor's tenant: for administrators all, for
// others their own.
func (s *Service) APIKeys(ctx context.Context, actor estate.Actor, q APIKeyQuery) (page APIKeyPage, err error) {
	if err := mayUseKeys(actor); err != nil {
		return page, err
	}
	if !administersKeys(actor) {
		if q.User != "" && q.User != actor.User {
			return page, errOthersKeys
		}
		q.User = actor.User
	}
	picked := store.APIKeyFilter{User: q.User, CreatedBy: q.CreatedBy, Status: estate.APIKeyStatus(q.Status), Now: s.now()}
	switch picked.Status {
	case "", estate.APIKeyActive, estate.APIKeyExpired, estate.APIKeyRevoked:
	default:
		return page, paging.BadParameter("status", "status must be active, expired or revoked")
	}
	query := store.Query{Limit: q.Limit}
	if query.Sort, err = filter.ParseSort(q.Sort, store.APIKeyListing.SortAttributes()); err != nil {
		return page, paging.Unparsed("sort", err)
	}
	if len(query.Sort) > 1 {
		return page, paging.BadParameter("sort", "sort takes one attribute")
	}
	parameter, place := "startingAfter", q.StartingAfter
	if q.EndingBefore != "" {
		if place != "" {
			return page, paging.BadParameter("endingBefore", "startingAfter and endingBefore exclude each other")
		}
		parameter, place, query.Backward = "endingBefore", q.EndingBefore, true
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if place != "" {
			k, err := tx.APIKey(ctx, actor.Scope, place)
			if err != nil || q.User != "" && k.User != q.User {
				return paging.BadParameter(parameter, "there is no such API key; begin anew")
			}
			from := store.APIKeyListing.Position(k, query.Sort)
			query.From = &from
		}
		keys, more, err := tx.APIKeys(ctx, actor.Scope, picked, query)
		page = APIKeyPage{
			Keys: keys, More: len(keys) > 0 && (more || query.Backward), Less: len(keys) > 0 && (query.Backward && more || !query.Backward && place != ""),
		}
		return err
	})
	return page, err
}

// APIKey returns an API key of the actor's tenant: the actor's own, or any for
// administrators.
func (s *Service) APIKey(ctx context.Context, actor estate.Actor, id estate.APIKeyID) (k estate.APIKey, err error) {
	if err := mayUseKeys(actor); err != nil {
		return k, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		k, err = visibleKey(ctx, tx, actor, id)
		return err
	})
	return k, err
}

// visibleKey is the key, if the actor may know of it.
func visibleKey(ctx context.Context, tx *store.Tx, actor estate.Actor, id estate.APIKeyID) (estate.APIKey, error) {
	k, err := tx.APIKey(ctx, actor.Scope, id)
	if err == nil && k.User != actor.User && !administersKeys(actor) {
		return estate.APIKey{}, errNoAPIKey
	}
	return k, err
}

var errNoAPIKey = estate.E(estate.NotFound, api.CodeAPIKeyNotFound, "Not found", "No such API key.")

// NewAPIKey is what CreateAPIKey makes a key of.
type NewAPIKey struct {
	Description string
	Expiry      estate.Period // empty: as long as the tenant allows
	User        estate.UserID // empty: the actor's own
	SubjectType string        // user, or empty
}

// CreateAPIKey makes an API key, whose text is told this once. The key can do all
// that its user can. So a program that acts for the user with less can't make it.
func (s *Service) CreateAPIKey(ctx context.Context, actor estate.Actor, n NewAPIKey) (k estate.APIKey, token estate.Secret, err error) {
	const action = "api-key.create"
	defer s.audit.Refused(ctx, actor, action, "", &err)
	if err := mayUseKeys(actor); err != nil {
		return k, "", err
	}
	if n.User == "" {
		n.User = actor.User
	}
	if n.User != actor.User && !administersKeys(actor) {
		return k, "", errOthersKeys
	}
	if n.SubjectType != "" && n.SubjectType != api.SubjectTypeUser {
		return k, "", errAPIKey.At("/subType", "subType must be user: provisioning by SCIM is not supported")
	}
	description := strings.TrimSpace(n.Description)
	if problem := badDescription(description); problem != "" {
		return k, "", errAPIKey.At("/description", problem)
	}
	now := s.now()
	k = estate.APIKey{
		ID: estate.NewAPIKeyID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, User: n.User, Description: description,
		Status: estate.APIKeyActive, CreatedAt: now, CreatedBy: string(actor.User), UpdatedAt: now,
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil { // so that nobody counts at the same time
			return err
		}
		settings, err := tx.APIKeySettings(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if k.ExpiresAt, err = keyEnd(now, n.Expiry, settings.MaxExpiry); err != nil {
			return err
		}
		if err := mayBeGivenKey(ctx, tx, actor, n.User); err != nil {
			return err
		}
		active, err := tx.CountAPIKeys(ctx, actor.Scope, store.APIKeyFilter{User: n.User, Status: estate.APIKeyActive, Now: now})
		if err != nil {
			return err
		}
		if active >= settings.MaxPerUser {
			return estate.E(estate.Forbidden, api.CodeAPIKeyLimit, "Too many API keys", fmt.Sprintf("A user of this tenant can have %d active API keys.", settings.MaxPerUser))
		}
		if token, err = newAPIKeyToken(k); err != nil {
			return err
		}
		k.HashedBy, k.Hash = s.keys.HashSecret(hashedFor(k), token)
		if err := tx.InsertAPIKey(ctx, k); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(k.ID), keyData(k))
	})
	if err != nil {
		return estate.APIKey{}, "", err
	}
	return k, token, nil
}

// keyEnd is when a key ends that is made now.
func keyEnd(now time.Time, wanted, most estate.Period) (time.Time, error) {
	latest, ok := most.From(now)
	if !ok {
		return time.Time{}, fmt.Errorf("api key settings: %q is no period", most)
	}
	if wanted == "" {
		return latest, nil
	}
	end, ok := wanted.From(now)
	switch {
	case !ok:
		return end, errAPIKey.At("/expiry", "expiry must be a duration of ISO 8601, such as P30D")
	case end.After(latest):
		return end, errAPIKey.At("/expiry", "expiry can be at most "+string(most)+" in this tenant")
	}
	return end, nil
}

// mayBeGivenKey refuses a key for who can't have one, and to an actor who has not
// all that it gives.
func mayBeGivenKey(ctx context.Context, tx *store.Tx, actor estate.Actor, user estate.UserID) error {
	u, err := tx.User(ctx, actor.Scope, user)
	switch {
	case estate.HasCode(err, api.CodeUserNotFound):
		return errAPIKey.At("/sub", "there is no such user")
	case err != nil:
		return err
	case u.ClientID != "":
		return estate.E(estate.Forbidden, api.CodeAPIKeyUser, "Forbidden", "Bots have no API keys: their clients get tokens.")
	case u.Status != estate.UserActive:
		return errAPIKey.At("/sub", "the user is not active")
	}
	access, err := tx.Access(ctx, actor.Scope, user)
	if err != nil {
		return err
	}
	if !mayHaveKeys(access.Roles) {
		return estate.E(estate.Forbidden, api.CodeAPIKeyUser, "Forbidden", "The user needs the role "+string(estate.RoleDeveloper)+".")
	}
	if administersKeys(actor) { // who can do everything in the tenant
		return nil
	}
	for _, scope := range access.Limit(estate.Permissions{api.ScopeUserDefault, api.ScopeAdminClassic}) {
		if !actor.Permissions.Holds(scope) {
			return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The key would hold the scope "+scope+", which this token lacks.")
		}
	}
	return nil
}

func badDescription(text string) string {
	n := utf8.RuneCountInString(text)
	if n < 1 || n > maxKeyDescription || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("description must have 1 to %d characters, none of them a control character", maxKeyDescription)
	}
	return ""
}

func keyData(k estate.APIKey) map[string]any {
	return map[string]any{
		"id": k.ID, "sub": k.User, "subType": api.SubjectTypeUser, "description": k.Description, "expiry": api.Time{Time: k.ExpiresAt}, "createdByUser": k.CreatedBy,
	}
}

// DescribeAPIKey gives an API key another description.
func (s *Service) DescribeAPIKey(ctx context.Context, actor estate.Actor, id estate.APIKeyID, description string) error {
	description = strings.TrimSpace(description)
	return s.changeAPIKey(ctx, actor, "api-key.update", id, func(tx *store.Tx, k estate.APIKey) (string, error) {
		if problem := badDescription(description); problem != "" {
			return "", errAPIKey.At("/0/value", problem)
		}
		k.Description, k.UpdatedAt = description, s.now()
		return "", tx.UpdateAPIKey(ctx, actor.Scope, k)
	})
}

// DeleteAPIKey ends an API key. The user's own is removed; an administrator revokes
// those of others, which stay listed.
func (s *Service) DeleteAPIKey(ctx context.Context, actor estate.Actor, id estate.APIKeyID) error {
	return s.changeAPIKey(ctx, actor, "api-key.delete", id, func(tx *store.Tx, k estate.APIKey) (string, error) {
		now := s.now()
		if k.User == actor.User {
			return "", tx.DeleteAPIKey(ctx, actor.Scope, id, now)
		}
		k.Status, k.UpdatedAt = estate.APIKeyRevoked, now
		return "api-key.revoke", tx.UpdateAPIKey(ctx, actor.Scope, k)
	})
}

// changeAPIKey does something to a key that the actor may know of. fn tells which
// action it was, if another than the one that was begun.
func (s *Service) changeAPIKey(ctx context.Context, actor estate.Actor, action string, id estate.APIKeyID,
	fn func(tx *store.Tx, k estate.APIKey) (string, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayUseKeys(actor); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		k, err := visibleKey(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		did, err := fn(tx, k)
		if err != nil {
			return err
		}
		if did == "" {
			did = action
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, did, string(id), keyData(k))
	})
}

// APIKeySettings returns the limits of API keys in the actor's tenant.
func (s *Service) APIKeySettings(ctx context.Context, actor estate.Actor, tenant estate.TenantID) (settings estate.APIKeySettings, err error) {
	if err := mayUseKeys(actor); err != nil {
		return settings, err
	}
	if tenant != actor.Scope.Tenant {
		return settings, errNoTenant
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		settings, err = tx.APIKeySettings(ctx, actor.Scope)
		return err
	})
	return settings, err
}

var errNoTenant = estate.E(estate.NotFound, api.CodeTenantNotFound, "Not found", "No such tenant.")

// UpdateAPIKeySettings changes the limits of API keys in the actor's tenant by fn. Keys
// that there are stay as they are.
func (s *Service) UpdateAPIKeySettings(ctx context.Context, actor estate.Actor, tenant estate.TenantID, fn func(*estate.APIKeySettings) error) (err error) {
	const action = "api-key-settings.update"
	defer s.audit.Refused(ctx, actor, action, string(tenant), &err)
	if !administersKeys(actor) {
		return estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The role TenantAdmin is needed, and the scope "+api.ScopeAdminClassic+".")
	}
	if tenant != actor.Scope.Tenant {
		return errNoTenant
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		settings, err := tx.APIKeySettings(ctx, actor.Scope)
		if err != nil {
			return err
		}
		before := settings
		if err := fn(&settings); err != nil || settings == before {
			return err
		}
		if err := tx.SetAPIKeySettings(ctx, actor.Scope, settings); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(tenant), map[string]any{
			"max_api_key_expiry": settings.MaxExpiry, "max_keys_per_user": settings.MaxPerUser, "scim_externalClient_expiry": settings.SCIMExpiry,
		})
	})
}

// CheckKeyPeriod tells what is wrong with the longest time that API keys may have;
// "" if nothing is.
func CheckKeyPeriod(p estate.Period, now time.Time) string {
	end, ok := p.From(now)
	latest, _ := estate.Period(estate.MaxAPIKeyPeriod).From(now)
	if !ok || end.After(latest) {
		return "must be a duration of ISO 8601 of at most " + estate.MaxAPIKeyPeriod + ", such as P30D"
	}
	return ""
}

// sweepAPIKeys notes which API keys have expired. They were refused from their very
// end on.
func (s *Service) sweepAPIKeys(ctx context.Context) error {
	for {
		now := s.now()
		var due []estate.APIKey
		err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.APIKeysDue(ctx, now)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range due {
			scope := estate.Scope{Organization: d.Organization, Tenant: d.Tenant}
			err := s.store.Write(ctx, func(tx *store.Tx) error {
				k, err := tx.APIKey(ctx, scope, d.ID)
				if err != nil || k.Status != estate.APIKeyActive {
					return err // another node was faster
				}
				tenant, err := tx.Tenant(ctx, scope, d.Tenant)
				if err != nil {
					return err
				}
				k.Status, k.UpdatedAt = estate.APIKeyExpired, now
				if err := tx.UpdateAPIKey(ctx, scope, k); err != nil {
					return err
				}
				return s.audit.Done(ctx, tx, system, tenant.Scope(), "api-key.expire", string(k.ID), keyData(k))
			})
			if err != nil && !estate.HasCode(err, api.CodeAPIKeyNotFound) {
				return err
			}
		}
		if len(due) < store.MaxPage {
			return nil
		}
	}
}

var errAPIKey = estate.E(estate.Invalid, api.CodeAPIKeyInvalid, "Invalid API key", "")
