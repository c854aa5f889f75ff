package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// secretOf is the secret of a link at origin.
func secretOf(t *testing.T, link *api.SignInLink, origin string) estate.Secret {
	t.Helper()
	if link == nil {
		t.Fatal("there is no link")
	}
	secret, ok := strings.CutPrefix(link.URL, origin+signin.LinkPath)
	if !ok || len(secret) < 43 {
		t.Fatalf("%q is no link at %s", link.URL, origin)
	}
	return estate.Secret(secret)
}

// TestSignInLink: what an administrator of one tenant makes is nothing at another.
func TestSignInLink(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	home, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	p, elsewhere := newPortal(t, e, home), newPortal(t, e, other)
	u := estate.User{ID: estate.NewUserID(), Organization: home.Organization, Tenant: home.ID, Subject: "ada", Status: estate.UserInvited}
	insertUser(t, e, u)
	make := func(p *portal, body string) testenv.Answer {
		return e.Do(testenv.Request{
			Method: "POST", URL: p.origin + "/api/v1/users/" + string(u.ID) + "/actions/sign-in-link", Token: p.admin, Body: body,
			Header: map[string]string{"Content-Type": "application/json"},
		})
	}
	expect(t, "by the administrator of another tenant", make(elsewhere, "{}"), http.StatusNotFound, api.CodeUserNotFound)
	answer := make(p, "{}")
	expect(t, "made", answer, http.StatusCreated, "")
	var link api.SignInLink
	answer.Into(&link)
	if want := e.Clock.Now().Add(estate.SetUpLinkLifetime); !link.ExpiresAt.Equal(want) || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v, %v", link, answer.Header)
	}
	at := func(p *portal, tenant estate.Tenant) error {
		surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: p.origin, Tenant: tenant}
		_, err := e.App.SignIn.UseLink(t.Context(), surface, secretOf(t, &link, p.origin), signin.Visitor{})
		return err
	}
	link.URL = strings.Replace(link.URL, p.origin, elsewhere.origin, 1)
	if err := at(elsewhere, other); !estate.HasCode(err, api.CodeLinkNone) {
		t.Errorf("at another tenant: %v", err)
	}
	link.URL = strings.Replace(link.URL, elsewhere.origin, p.origin, 1)
	if err := at(p, home); err != nil {
		t.Errorf("at its own: %v", err)
	}
	answer = make(p, `{"recovery":true}`)
	expect(t, "recovery", answer, http.StatusCreated, "")
	answer.Into(&link)
	if want := e.Clock.Now().Add(estate.RecoveryLinkLifetime); !link.ExpiresAt.Equal(want) {
		t.Errorf("%+v", link)
	}
}

// TestCreateTenant_SignInLink: the first answer has a link for the administrator,
// which works once; repeated ones have none, and leave it alone.
func TestCreateTenant_SignInLink(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(3), "us")
	body := map[string]any{"admin": map[string]any{"email": "ada@example.com"}}
	var made, again api.Tenant
	answer := c.create(body, idempotencyKey, "one")
	expect(t, "made", answer, http.StatusCreated, "")
	answer.Into(&made)
	if made.Admin == nil || made.Admin.UserID == "" {
		t.Fatalf("%s", answer.Body)
	}
	e.Clock.Advance(time.Minute)
	answer = c.create(body, idempotencyKey, "one")
	expect(t, "again", answer, http.StatusCreated, "")
	answer.Into(&again)
	if again.ID != made.ID || again.Admin == nil || again.Admin.SignInLink != nil || again.Admin.UserID != made.Admin.UserID || again.Admin.Detail == "" || strings.Contains(string(answer.Body), signin.LinkPath) {
		t.Errorf("again: %s", answer.Body)
	}
	tenant, err := e.App.Tenancy.Tenant(t.Context(), estate.Actor{Scope: estate.Scope{Organization: e.Organization.ID}}, estate.TenantID(made.ID))
	if err != nil {
		t.Fatal(err)
	}
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}
	secret := secretOf(t, made.Admin.SignInLink, surface.Origin)
	in, err := e.App.SignIn.UseLink(t.Context(), surface, secret, signin.Visitor{})
	if err != nil || string(in.Session.User) != made.Admin.UserID {
		t.Errorf("%+v %v", in.Session, err)
	}
	if _, err := e.App.SignIn.UseLink(t.Context(), surface, secret, signin.Visitor{}); !estate.HasCode(err, api.CodeLinkNone) {
		t.Errorf("once more: %v", err)
	}
}

// TestSession_Claim: an invitation is claimed by its e-mail address if that was
// verified, is of nobody else, and the invitation is in force; nobody else's user
// is ever taken over.
func TestSession_Claim(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	for name, c := range map[string]struct {
		status   estate.UserStatus
		ends     time.Duration
		verified bool
		twice    bool
		claimed  bool
	}{
		"claimed":    {estate.UserInvited, time.Hour, true, false, true},
		"unverified": {estate.UserInvited, time.Hour, false, false, false},
		"two":        {estate.UserInvited, time.Hour, true, true, false},
		"active":     {estate.UserActive, 0, true, false, false},
		"disabled":   {estate.UserDisabled, 0, true, false, false},
		"late":       {estate.UserInvited, -time.Hour, true, false, false},
	} {
		invited := func() estate.User {
			u := estate.User{ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Status: c.status, Email: name + "@Example.com"}
			u.Subject = estate.InviteSubject(u.ID)
			if c.ends != 0 {
				u.InviteExpiresAt = e.Clock.Now().Add(c.ends)
			}
			insertUser(t, e, u)
			return u
		}
		u := invited()
		if c.twice {
			invited()
		}
		b := newBrowser(e, p.origin)
		answer := b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: p.sign(t, "idp|"+name, func(claims map[string]any) {
			claims["email"], claims["email_verified"] = strings.ToUpper(name)+"@example.COM", c.verified
		})})
		expect(t, name, answer, http.StatusOK, "")
		if me := b.me(t); (me.ID == string(u.ID)) != c.claimed || me.Subject != "idp|"+name || me.Status != "active" {
			t.Errorf("%s: %+v", name, me)
		}
		answer = newBrowser(e, p.origin).do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: p.sign(t, u.Subject)})
		expect(t, name+", by the subject of an invitation", answer, http.StatusUnauthorized, api.CodeLoginRefused)
	}
}
