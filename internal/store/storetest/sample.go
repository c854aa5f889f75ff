package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// The samples have a value in every field, and no two fields of the same type
// have the same value: what the store mixes up makes a test fail.

func organization(n int) estate.Organization {
	return estate.Organization{
		ID: estate.OrganizationID(fmt.Sprintf("org-%d", n)), Name: fmt.Sprintf("Organization %d", n),
		CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

func account(of estate.Organization, n int) estate.Account {
	return estate.Account{
		ID: estate.AccountID(fmt.Sprintf("acc-%d", n)), Organization: of.ID, Email: fmt.Sprintf("Person-%d@Example.com", n),
		Name: fmt.Sprintf("Person %d", n), PasswordHash: fmt.Sprintf("hash %d", n), CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

var (
	europe  = estate.Region{Code: "eu", Name: "Ireland", Datacenter: "eu-west-1", CountryCode: "IE", CreatedAt: moment(1)}
	america = estate.Region{Code: "us", Name: "N. Virginia", Datacenter: "us-east-1", CountryCode: "US", CreatedAt: moment(2)}
)

func subscription(of estate.Organization, n int) estate.Subscription {
	return estate.Subscription{
		ID: estate.SubscriptionID(fmt.Sprintf("%016d", n)), Organization: of.ID, Name: fmt.Sprintf("Subscription %d", n),
		TenantLimit: 10, TenantCount: 2, Regions: []estate.RegionCode{europe.Code, america.Code},
		StartsAt: moment(-1), EndsAt: moment(1_000_000), RateTier1: 100, RateTier2: 20, CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

func tenantID(n int) estate.TenantID { return estate.TenantID(fmt.Sprintf("tenant-%025d", n)) }

func tenant(of estate.Subscription, in estate.Region, n int) estate.Tenant {
	return estate.Tenant{
		ID: tenantID(n), Organization: of.Organization, Subscription: of.ID, Region: in.Code, Datacenter: in.Datacenter, CountryCode: in.CountryCode,
		Name: fmt.Sprintf("Tenant %d", n), Hostname: estate.NewHostname(fmt.Sprintf("t%d", n), in.Code), Alias: estate.NewHostname(fmt.Sprintf("alias%d", n), in.Code),
		Status: estate.TenantActive, StatusUpdatedAt: moment(n + 2), ExternalID: fmt.Sprintf("external %d", n),
		Labels: map[string]string{"stage": "test", "number": fmt.Sprint(n)}, CreatedBy: "somebody", CreatedAt: moment(n), UpdatedAt: moment(n + 1),
		PurgeAt: moment(n + 3), Protected: true, Settings: estate.TenantSettings{EnableAnalyticCreation: true}, Rev: int64(n + 1),
	}
}

func userID(n int) estate.UserID { return estate.UserID(fmt.Sprintf("%024x", n)) }

func user(of estate.Tenant, n int) estate.User {
	return estate.User{
		ID: userID(n), Organization: of.Organization, Tenant: of.ID, Subject: fmt.Sprintf("subject %d", n), Name: fmt.Sprintf("User %d", n),
		Email: fmt.Sprintf("user-%d@example.com", n), Status: estate.UserActive, ClientID: clientID(n),
		Roles: []estate.RoleName{estate.RoleTenantAdmin, "Another"}, CreatedAt: moment(n), UpdatedAt: moment(n + 1),
		Profile: estate.UserProfile{Picture: "https://example.com/me.png", Locale: "en", Zoneinfo: "Europe/Dublin"}, InviteExpiresAt: moment(n + 2),
	}
}

func clientID(n int) estate.ClientID { return estate.ClientID(fmt.Sprintf("%032x", n)) }

func client(level estate.Level, scope estate.Scope, n int) estate.Client {
	return estate.Client{
		ID: clientID(n), Level: level, Scope: scope, Name: fmt.Sprintf("Client %d", n), Description: "what it is for", AppType: "web",
		URI: "https://example.com", LogoURI: "https://example.com/logo.png",
		RedirectURIs: []string{"https://example.com/a", "https://example.com/b"}, AllowedOrigins: []string{"https://example.com"},
		Permissions: estate.Permissions{"user_default", "apps:read"}, GrantTypes: []string{"client_credentials"}, AuthMethods: []string{"client_secret_basic", "client_secret_post"},
		Consent: estate.ConsentTrusted, TokenBinding: estate.BindingDPoP,
		Secrets: []estate.ClientSecret{
			secret("abc", n),
			{Hint: "aaa", KeyID: "key-2", Hash: []byte{2}, CreatedBy: "two", CreatedAt: moment(n + 1)},
		},
		PublicKeys: []estate.PublicKey{{ID: "k1", Algorithm: "ES256", JWK: []byte(`{"kid":"k1"}`)}, {ID: "k2", Algorithm: "EdDSA", JWK: []byte(`{"kid":"k2"}`)}},
		JWKSURI:    "https://example.com/keys",
		Federated:  []estate.FederatedCredential{{Name: "ci", Issuer: "https://issuer.example.com", Audience: "us", Subject: "them", Condition: "true"}},
		CreatedBy:  "somebody", CreatedByType: "account", CreatedAt: moment(n), UpdatedAt: moment(n + 1), DisabledAt: moment(n + 2),
		PublishedAt: moment(n + 3),
	}
}

// secret is one that ends and rotates.
func secret(hint string, n int) estate.ClientSecret {
	return estate.ClientSecret{
		Hint: hint, KeyID: "key-1", Hash: []byte{0, 1, 255}, CreatedBy: "one", CreatedAt: moment(n), ExpiresAt: moment(n + 100),
		FirstUsedAt: moment(n + 10), LastUsedAt: moment(n + 11), WarnedAt: moment(n + 12), Rotation: estate.RotationOld, EndBefore: moment(n + 200),
	}
}

func key(id estate.KeyID, purpose estate.KeyPurpose, generation int) estate.Key {
	return estate.Key{
		ID: id, Purpose: purpose, Algorithm: "ES256", Sealed: []byte{0, 255, '\'', byte(generation)},
		CreatedAt: moment(generation), ActiveAt: moment(generation + 1), Generation: int64(generation),
	}
}

// sample is a small estate.
type sample struct {
	acme, other         estate.Organization
	owner               estate.Account
	sub, second, others estate.Subscription // second is acme's too
}

// newSample inserts the organizations, regions and subscriptions of a sample.
func newSample(t *testing.T, db Database) sample {
	t.Helper()
	s := sample{acme: organization(1), other: organization(2)}
	s.owner = account(s.acme, 1)
	s.sub, s.second, s.others = subscription(s.acme, 1), subscription(s.acme, 2), subscription(s.other, 3)
	s.sub.Owners = []estate.AccountID{s.owner.ID}
	write(t, db, func(tx *store.Tx) error {
		return first(
			tx.InsertOrganization(t.Context(), s.acme), tx.InsertOrganization(t.Context(), s.other),
			tx.InsertAccount(t.Context(), s.owner), tx.InsertRegion(t.Context(), europe), tx.InsertRegion(t.Context(), america),
			tx.InsertSubscription(t.Context(), s.sub), tx.InsertSubscription(t.Context(), s.second), tx.InsertSubscription(t.Context(), s.others),
		)
	})
	return s
}

// all is the scope of everything in an organization.
func all(o estate.Organization) estate.Scope { return estate.Scope{Organization: o.ID} }

// of is the scope of everything in a subscription.
func of(s estate.Subscription) estate.Scope {
	return estate.Scope{Organization: s.Organization, Subscription: s.ID}
}

// first is the first error of some.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// insertTenants inserts tenants in one transaction.
func insertTenants(t *testing.T, db Database, tenants ...estate.Tenant) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, tenant := range tenants {
			if err := tx.InsertTenant(t.Context(), tenant); err != nil {
				return err
			}
		}
		return nil
	})
}

// stored is how the store gives back a time that it was given.
func stored(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }
