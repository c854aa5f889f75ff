package tenancy

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// NewTenant is what CreateTenant makes a tenant of.
type NewTenant struct {
	LicenseKey     string
	Datacenter     string
	Name           string
	Hostnames      []string // at most one, the alias: full, or its label alone
	ExternalID     string
	Labels         map[string]string
	IdempotencyKey string // empty: every call makes a tenant

	Admin *Administrator `json:",omitempty"` // a first user; left out of the hash where there is none

	dryRun bool // check everything and make nothing
}

// Limits of a tenant's fields, in characters; the contract states none.
const (
	maxExternalID     = 255
	maxLabels         = 50
	maxLabelKey       = 63
	maxLabelValue     = 255
	maxIdempotencyKey = 255
)

var labelKeyPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$`)

// CreateTenant makes a tenant in the subscription and region of the actor, a
// region-level client. The entitlement is counted in the same transaction.
//
// With an idempotency key, the first successful call makes the tenant and each
// further one returns it as it then was; the same key with another request is
// refused.
func (s *Service) CreateTenant(ctx context.Context, actor estate.Actor, n NewTenant) (t Created, err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.CreateTenant", telemetry.Internal)
	defer span.End()
	defer s.audit.Refused(ctx, actor, "tenant.create", "", &err)
	if !actor.Can(estate.LevelRegion, api.ScopeTenantsCreate) {
		return t, errNeedsScope(api.ScopeTenantsCreate)
	}
	if actor.Kind == estate.ActorAccount { // an owner's own act, at region level: that it owns the subscription is the proof
		return s.createTenant(ctx, actor, actor.Scope, n)
	}
	if n.LicenseKey == "" {
		return t, estate.E(estate.Invalid, api.CodeTenantLicenseMissing, "Missing licenseKey property", "").At("/licenseKey", "is missing")
	}
	license, err := s.readLicenseKey(n.LicenseKey)
	if err != nil {
		return t, err
	}
	if license.Subscription != string(actor.Scope.Subscription) || license.Organization != string(actor.Scope.Organization) {
		return t, errLicense("The licence key is of another subscription than the calling client.")
	}
	return s.createTenant(ctx, actor, actor.Scope, n)
}

// CreateTenantFor makes a tenant without licence key or region-level client:
// the operator does it where a subscription's owner would in the portal. It is
// the only way for an entitlement of one tenant.
func (s *Service) CreateTenantFor(ctx context.Context, actor estate.Actor, id estate.SubscriptionID, region estate.RegionCode, n NewTenant) (estate.Tenant, error) {
	sub, err := s.Subscription(ctx, actor, id)
	if err != nil {
		return estate.Tenant{}, err
	}
	made, err := s.createTenant(ctx, actor, estate.Scope{Organization: sub.Organization, Subscription: id, Region: region}, n)
	return made.Tenant, err
}

// createTenant makes a tenant in the subscription and region of scope.
func (s *Service) createTenant(ctx context.Context, actor estate.Actor, scope estate.Scope, n NewTenant) (made Created, err error) {
	alias, err := s.checkNewTenant(ctx, scope.Region, n)
	if err != nil {
		return made, err
	}
	var hash []byte
	if n.IdempotencyKey != "" {
		hash = n.hash()
	}
	now := s.now()
	label := estate.NewHostLabel() // which hardly ever is another tenant's
	create := func(tx *store.Tx) error {
		made = Created{}
		t := &made.Tenant
		if n.IdempotencyKey != "" {
			done, err := tx.IdempotentAnswer(ctx, scope, estate.ClientID(actor.ID), n.IdempotencyKey)
			if err != nil || done != nil {
				return replay(done, hash, &made, err)
			}
		}
		place, taken, err := tx.TakeTenantPlace(ctx, scope, now)
		if err != nil {
			return err
		}
		if !taken {
			if err := s.entitled(ctx, tx, scope, now); err != nil {
				return err
			}
			return errQuota
		}
		*t = estate.Tenant{
			ID: estate.NewTenantID(now), Organization: scope.Organization, Subscription: scope.Subscription, Region: scope.Region,
			Datacenter: place.Datacenter, CountryCode: place.CountryCode, Name: strings.TrimSpace(n.Name), Hostname: estate.NewHostname(label, scope.Region),
			Alias: alias, Status: estate.TenantActive, StatusUpdatedAt: now, ExternalID: n.ExternalID, Labels: n.Labels,
			CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now, Settings: estate.DefaultTenantSettings(), Rev: 1,
		}
		if t.Name == "" {
			t.Name = label
		}
		if err := tx.InsertTenant(ctx, *t); err != nil {
			return err
		}
		if made.Admin, err = s.inviteAdministrator(ctx, tx, actor, *t, n.Admin); err != nil {
			return err
		}
		if place.Provisioned {
			if err := s.provision(ctx, tx, t, estate.TenantWasCreated); err != nil {
				return err
			}
		}
		if n.IdempotencyKey != "" {
			kept := keptTenant{Tenant: *t} // and no link
			if made.Admin != nil {
				kept.AdminUser = made.Admin.User
			}
			answer, err := json.Marshal(kept)
			if err != nil {
				return err
			}
			a := store.IdempotentAnswer{RequestHash: hash, Answer: string(answer)}
			if err := tx.InsertIdempotentAnswer(ctx, scope, estate.ClientID(actor.ID), n.IdempotencyKey, a, now); err != nil {
				return err
			}
		}
		return s.audit.Done(ctx, tx, actor, t.Scope(), "tenant.create", string(t.ID), map[string]any{
			"name": t.Name, "hostname": t.Hostname, "alias": t.Alias, "externalId": t.ExternalID, event.KeyEvent: s.tenantEvent(*t),
		})
	}
	err = s.write(ctx, n.dryRun, create)
	if estate.HasCode(err, api.CodeTenantHostnameTaken) { // the alias, or against all odds the label: then with one that was looked for
		err = s.write(ctx, n.dryRun, func(tx *store.Tx) (err error) {
			if label, err = freeHostLabel(ctx, tx, scope.Region); err != nil {
				return err
			}
			return create(tx)
		})
	}
	if err != nil || n.dryRun { // of which nothing is true
		made.Admin = nil
	}
	return made, err
}

// entitled tells why the subscription may have no tenants in the region, if not
// for their number.
func (s *Service) entitled(ctx context.Context, tx *store.Tx, scope estate.Scope, now time.Time) error {
	sub, err := tx.Subscription(ctx, estate.Scope{Organization: scope.Organization}, scope.Subscription)
	switch {
	case err != nil:
		return err
	case !sub.ValidAt(now):
		return errLicense("The subscription is not in force.")
	case !slices.Contains(sub.Regions, scope.Region):
		return errLicense(fmt.Sprintf("The subscription may not use region %s.", scope.Region))
	}
	return nil
}

// replay answers a repeated request from the answer to the first.
func replay(done *store.IdempotentAnswer, hash []byte, made *Created, err error) error {
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(done.RequestHash, hash) != 1 {
		return errIdempotencyMismatch
	}
	kept := keptTenant{Tenant: estate.Tenant{Settings: estate.DefaultTenantSettings()}} // which answers of older servers don't have
	if err := json.Unmarshal([]byte(done.Answer), &kept); err != nil {
		return err
	}
	*made = Created{Tenant: kept.Tenant}
	if kept.AdminUser != "" {
		made.Admin = &CreatedAdministrator{User: kept.AdminUser}
	}
	return nil
}

// hash identifies what is asked for, whatever the spelling of the JSON was. The
// licence key is left out: each overview of the licence signs a new one.
func (n NewTenant) hash() []byte {
	n.LicenseKey, n.IdempotencyKey = "", ""
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) //nolint:forbidigo // strings only
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// freeHostLabel makes a random label that no tenant of the region has.
func freeHostLabel(ctx context.Context, tx *store.Tx, region estate.RegionCode) (string, error) {
	for range 10 {
		label := estate.NewHostLabel()
		free, err := tx.HostnameFree(ctx, estate.NewHostname(label, region))
		if err != nil || free {
			return label, err
		}
	}
	return "", fmt.Errorf("no free host name in region %s after 10 tries", region)
}

// checkNewTenant validates what the caller chose and returns the alias.
func (s *Service) checkNewTenant(ctx context.Context, region estate.RegionCode, n NewTenant) (alias estate.Hostname, err error) {
	switch {
	case nameProblem(n.Name) != "":
		return "", invalidTenant("/name", nameProblem(n.Name))
	case utf8.RuneCountInString(n.ExternalID) > maxExternalID:
		return "", invalidTenant("/externalId", fmt.Sprintf("must have at most %d characters", maxExternalID))
	case len(n.Hostnames) > 1:
		return "", invalidTenant("/hostnames", "must have at most one entry: the alias")
	case len(n.IdempotencyKey) > maxIdempotencyKey:
		return "", estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid request", "").
			InParameter("Idempotency-Key", fmt.Sprintf("must have at most %d characters", maxIdempotencyKey))
	}
	if pointer, problem := labelsProblem(n.Labels); problem != "" {
		return "", invalidTenant(pointer, problem)
	}
	if err := n.Admin.check(); err != nil {
		return "", err
	}
	if n.Datacenter != "" {
		switch there, err := s.Region(ctx, region); {
		case err != nil:
			return "", err
		case n.Datacenter != there.Datacenter:
			return "", invalidTenant("/datacenter", fmt.Sprintf("the datacenter of region %s is %s", region, there.Datacenter))
		}
	}
	if len(n.Hostnames) == 0 {
		return "", nil
	}
	label, rest, full := strings.Cut(strings.ToLower(n.Hostnames[0]), ".")
	if suffix := string(region) + "." + s.domain; full && rest != suffix {
		return "", invalidTenant("/hostnames/0", "must end in ."+suffix)
	}
	if problem := estate.CheckAliasLabel(label); problem != "" {
		return "", invalidTenant("/hostnames/0", problem)
	}
	return estate.NewHostname(label, region), nil
}

// nameProblem says what is wrong with a display name; empty means nothing.
func nameProblem(name string) string {
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Sprintf("must have at most %d characters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "must have no control characters"
	}
	return ""
}

// labelsProblem says what is wrong with labels, and where; empty means nothing.
func labelsProblem(labels map[string]string) (pointer, problem string) {
	if len(labels) > maxLabels {
		return "/labels", fmt.Sprintf("must have at most %d entries", maxLabels)
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pointer := "/labels/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if len(name) > maxLabelKey || !labelKeyPattern.MatchString(name) {
			return pointer, fmt.Sprintf("a label's name must be 1 to %d letters, digits or _ . / -, beginning and ending with a letter or digit", maxLabelKey)
		}
		if utf8.RuneCountInString(labels[name]) > maxLabelValue {
			return pointer, fmt.Sprintf("must have at most %d characters", maxLabelValue)
		}
	}
	return "", ""
}

// Tenant returns the tenant with the id, if the actor reaches it.
func (s *Service) Tenant(ctx context.Context, actor estate.Actor, id estate.TenantID) (t estate.Tenant, err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.Tenant", telemetry.Internal)
	defer span.End()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, err = tx.Tenant(ctx, actor.Scope, id)
		return err
	})
	return t, err
}

// TenantByExternalID returns a tenant of a subscription by the id that its maker
// gave it. For the operator.
func (s *Service) TenantByExternalID(ctx context.Context, actor estate.Actor, id estate.SubscriptionID, externalID string) (t estate.Tenant, err error) {
	sub, err := s.Subscription(ctx, actor, id)
	if err != nil {
		return t, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, err = tx.TenantByExternalID(ctx, subscriptionScope(sub), externalID)
		return err
	})
	return t, err
}

// TenantFor returns a tenant of a subscription, for the operator.
func (s *Service) TenantFor(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, id estate.TenantID) (t estate.Tenant, err error) {
	if !actor.IsOperator() {
		return t, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, err = tx.Tenant(ctx, estate.Scope{Organization: organization}, id)
		return err
	})
	return t, err
}

func invalidTenant(pointer, detail string) error {
	return estate.E(estate.Invalid, api.CodeTenantInvalid, "Invalid tenant", detail).At(pointer, detail)
}

var (
	errQuota               = estate.E(estate.Forbidden, api.CodeTenantQuota, "License quota limit reached", "The entitlement's number of tenants is used up.")
	errIdempotencyMismatch = estate.E(estate.Unprocessable, api.CodeIdempotencyMismatch, "Idempotency key reused", "The Idempotency-Key was used with another request.").InParameter("Idempotency-Key", "was used with another request")
)
