package testenv

import (
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// Account makes an account of an organization that is an owner of the
// subscriptions, which keep the owners that they have.
func (e *Env) Account(organization estate.OrganizationID, email string, owns ...estate.Subscription) estate.Account {
	e.t.Helper()
	account, err := e.App.Directory.CreateAccount(e.t.Context(), Operator, directory.NewAccount{Organization: organization, Email: email})
	e.must(nil, err)
	for _, sub := range owns {
		now, err := e.App.Tenancy.Subscription(e.t.Context(), Operator, sub.ID)
		e.must(nil, err)
		owners := []string{string(account.ID)}
		for _, id := range now.Owners {
			owners = append(owners, string(id))
		}
		e.must(e.App.Tenancy.UpdateSubscription(e.t.Context(), Operator, sub.ID, tenancy.SubscriptionUpdate{Owners: owners}))
	}
	return account
}

// Session is a person who is signed in: what a browser sends along.
type Session struct {
	Cookies map[string]string
	CSRF    string
}

// SignIn signs an account in to the console.
func (e *Env) SignIn(account estate.Account) Session {
	e.t.Helper()
	person := estate.Person{Organization: account.Organization, ID: string(account.ID)}
	return e.signIn(estate.Surface{Kind: estate.SurfaceConsole, Origin: e.Console()}, person)
}

// SignInUser signs a user in to its tenant.
func (e *Env) SignInUser(tenant estate.Tenant, user estate.UserID) Session {
	e.t.Helper()
	person := estate.Person{Organization: tenant.Organization, Tenant: tenant.ID, ID: string(user)}
	return e.signIn(estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}, person)
}

func (e *Env) signIn(surface estate.Surface, person estate.Person) Session {
	e.t.Helper()
	in, err := e.App.SignIn.Begin(e.t.Context(), surface, person, estate.SignInPasskey, signin.Visitor{})
	e.must(nil, err)
	token := in.Cookie.Token.Reveal()
	return Session{Cookies: map[string]string{"eas.sid": token, "eas.sid.sig": in.Cookie.Signature}, CSRF: signin.CSRFToken(in.Cookie.Token)}
}

// Header is what a request of the session has in its header.
func (s Session) Header() map[string]string {
	var cookies []string
	for name, value := range s.Cookies {
		cookies = append(cookies, name+"="+value)
	}
	return map[string]string{"Cookie": strings.Join(cookies, "; "), api.HeaderCSRF: s.CSRF}
}
