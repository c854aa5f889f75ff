package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// expectError fails the test unless err is an *estate.Error of the kind and code.
func expectError(t *testing.T, what string, err error, kind estate.Kind, code string) {
	t.Helper()
	var known *estate.Error
	if !errors.As(err, &known) || known.Kind != kind || known.Code != code {
		t.Errorf("%s: %v, want %s of kind %d", what, err, code, kind)
	}
}

func TestService_CreateAccount(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Directory
	const password = "correct horse battery"
	made, err := s.CreateAccount(t.Context(), testenv.Operator, directory.NewAccount{Organization: e.Organization.ID, Email: "Ada@example.com", Name: " Ada ", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if made.Name != "Ada" || made.Email != "Ada@example.com" || made.Organization != e.Organization.ID || !made.CreatedAt.Equal(e.Clock.Now()) {
		t.Errorf("%+v", made)
	}
	if match, err := argon2id.ComparePasswordAndHash(password, made.PasswordHash); err != nil || !match || !strings.HasPrefix(made.PasswordHash, "$argon2id$") {
		t.Errorf("%s does not match (%v)", made.PasswordHash, err)
	}
	e.Clock.Advance(time.Second)
	plain, err := s.CreateAccount(t.Context(), testenv.Operator, directory.NewAccount{Organization: e.Organization.ID, Email: "bob@example.com"})
	if err != nil || plain.Name != "bob@example.com" || plain.PasswordHash != "" {
		t.Errorf("%+v (%v)", plain, err)
	}
	all, err := s.Accounts(t.Context(), testenv.Operator, e.Organization.ID)
	if err != nil || !slices.Equal(all, []estate.Account{made, plain}) {
		t.Errorf("%+v (%v)", all, err)
	}

	for name, test := range map[string]struct {
		account directory.NewAccount
		kind    estate.Kind
		code    string
	}{
		"address taken, in other case": {directory.NewAccount{Organization: e.Organization.ID, Email: "ADA@EXAMPLE.COM"}, estate.Conflict, api.CodeEstateConflict},
		"address taken, elsewhere":     {directory.NewAccount{Organization: e.NewOrganization("Other").ID, Email: "ada@example.com"}, estate.Conflict, api.CodeEstateConflict},
		"no address":                   {directory.NewAccount{Organization: e.Organization.ID}, estate.Invalid, api.CodeEstateInvalid},
		"address with a name":          {directory.NewAccount{Organization: e.Organization.ID, Email: "Ada <ada@example.com>"}, estate.Invalid, api.CodeEstateInvalid},
		"address without a domain":     {directory.NewAccount{Organization: e.Organization.ID, Email: "ada"}, estate.Invalid, api.CodeEstateInvalid},
		"address that is too long":     {directory.NewAccount{Organization: e.Organization.ID, Email: strings.Repeat("a", 250) + "@example.com"}, estate.Invalid, api.CodeEstateInvalid},
		"short password":               {directory.NewAccount{Organization: e.Organization.ID, Email: "eve@example.com", Password: "11 letters."}, estate.Invalid, api.CodeEstateInvalid},
		"no such organization":         {directory.NewAccount{Organization: "org_none", Email: "eve@example.com"}, estate.NotFound, api.CodeEstateNotFound},
	} {
		_, err := s.CreateAccount(t.Context(), testenv.Operator, test.account)
		expectError(t, name, err, test.kind, test.code)
	}
	if all, err = s.Accounts(t.Context(), testenv.Operator, e.Organization.ID); err != nil || len(all) != 2 {
		t.Errorf("%d accounts (%v)", len(all), err)
	}
}

func TestService_SetPassword(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Directory
	a, err := s.CreateAccount(t.Context(), testenv.Operator, directory.NewAccount{Organization: e.Organization.ID, Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(time.Minute)
	if err := s.SetPassword(t.Context(), testenv.Operator, e.Organization.ID, a.ID, "a new password"); err != nil {
		t.Fatal(err)
	}
	all, err := s.Accounts(t.Context(), testenv.Operator, e.Organization.ID)
	if err != nil || len(all) != 1 || !all[0].UpdatedAt.Equal(e.Clock.Now()) {
		t.Fatalf("%+v (%v)", all, err)
	}
	if match, err := argon2id.ComparePasswordAndHash("a new password", all[0].PasswordHash); err != nil || !match {
		t.Errorf("the password is another (%v)", err)
	}
	expectError(t, "short", s.SetPassword(t.Context(), testenv.Operator, e.Organization.ID, a.ID, "short"), estate.Invalid, api.CodeEstateInvalid)
	expectError(t, "nobody", s.SetPassword(t.Context(), testenv.Operator, e.Organization.ID, "acc_none", "a new password"), estate.NotFound, api.CodeEstateNotFound)
	other := e.NewOrganization("Other").ID
	expectError(t, "of another organization", s.SetPassword(t.Context(), testenv.Operator, other, a.ID, "a new password"), estate.NotFound, api.CodeEstateNotFound)
	expectError(t, "as nobody", s.SetPassword(t.Context(), estate.Actor{}, e.Organization.ID, a.ID, "a new password"), estate.Forbidden, api.CodeForbidden)

	err = e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		records, err := tx.AuditRecords(t.Context(), estate.Scope{Organization: e.Organization.ID}, 100)
		var actions []string
		for _, r := range records {
			if r.Target == string(a.ID) {
				actions = append(actions, r.Action)
			}
			if text := fmt.Sprint(r); strings.Contains(text, "password$") || strings.Contains(text, "a new password") {
				t.Errorf("a record holds the password: %s", text)
			}
		}
		if want := []string{"account.set-password", "account.create"}; !slices.Equal(actions, want) {
			t.Errorf("records %v, want %v", actions, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestService_OperatorOnly calls what is the operator's as others.
func TestService_OperatorOnly(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Directory
	for who, actor := range map[string]estate.Actor{
		"nobody":  {},
		"account": {Kind: estate.ActorAccount, ID: "acc_x", Scope: estate.Scope{Organization: e.Organization.ID}},
		"client":  {Kind: estate.ActorClient, Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Permissions: api.OrganizationScopes()},
	} {
		_, err := s.CreateAccount(t.Context(), actor, directory.NewAccount{Organization: e.Organization.ID, Email: "eve@example.com"})
		expectError(t, "create as "+who, err, estate.Forbidden, api.CodeForbidden)
		_, err = s.Accounts(t.Context(), actor, e.Organization.ID)
		expectError(t, "list as "+who, err, estate.Forbidden, api.CodeForbidden)
	}
}

// TestService_User looks for users with actors that reach more and less.
func TestService_User(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	me := e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/users/me", Token: e.Token(e.TenantURL(tenant), c)})
	id := estate.UserID(strings.TrimPrefix(me.Header.Get("Location"), "/api/v1/users/"))
	for name, test := range map[string]struct {
		scope estate.Scope
		found bool
	}{
		"its tenant":                {tenant.Scope(), true},
		"another tenant":            {other.Scope(), false},
		"the whole organization":    {estate.Scope{Organization: tenant.Organization}, false},
		"no organization":           {estate.Scope{Tenant: tenant.ID}, false},
		"tenant of somebody else's": {estate.Scope{Organization: e.NewOrganization("Other").ID, Tenant: tenant.ID}, false},
		"nothing":                   {estate.Scope{}, false},
	} {
		u, err := e.App.Directory.User(t.Context(), estate.Actor{Scope: test.scope, User: id}, id)
		if test.found {
			if err != nil || u.ClientID != c.ID || u.Tenant != tenant.ID {
				t.Errorf("%s: %+v (%v)", name, u, err)
			}
			continue
		}
		expectError(t, name, err, estate.NotFound, api.CodeUserNotFound)
	}
}
