package people_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
)

// TestBrowser_Passkey goes from a link to a passkey, out, and in again by it.
func TestBrowser_Passkey(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		name := "people-tenant"
		if p.tenant.ID == "" {
			name = "people"
		}
		b := consoletest.Open(t)
		b.Authenticator()
		b.Go(p.URL + "/login")
		b.WaitText("With a password")
		b.Check(name + "-login")
		b.Go(p.URL + p.link())
		b.WaitText("Welcome")
		b.Check(name + "-link")
		b.Click(".btn-primary")
		b.WaitText("You have nothing to sign in with yet")
		b.Check(name + "-account-new")
		b.Type("#f-name", "laptop")
		b.Click(`form[data-passkey] button[type=submit]`)
		b.WaitText("The passkey is added.")
		b.WaitText("laptop")
		b.Check(name + "-account")
		b.Click(`form[data-passkey] button[type=submit]`)
		b.WaitText("This authenticator has a passkey for you already.")
		b.Go(p.URL + "/account")
		b.Click(`form[action="/account/sign-out"] button`)
		b.WaitText("You are signed out.")
		b.Go(p.URL + p.start)
		b.WaitText("With a password")
		b.Click(`form[data-passkey] button[type=submit]`)
		if p.tenant.ID == "" {
			b.WaitText("Tenants")
		} else {
			b.WaitText("Connect a device")
		}
		if at := b.At(); at != p.URL+p.start {
			t.Errorf("after signing in: %s", at)
		}
		p.Clock.Advance(11 * time.Minute)
		b.Go(p.URL + "/account")
		b.WaitText("Sign in again")
		b.Check(name + "-account-stale")
	})
}

// TestBrowser_Password sets a password and an authenticator app up, and signs in by
// them, and by a recovery code.
func TestBrowser_Password(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		name := "people-tenant"
		if p.tenant.ID == "" {
			name = "people"
		}
		b := consoletest.Open(t)
		b.Go(p.URL + p.link())
		b.Click(".btn-primary")
		b.WaitText("You have nothing to sign in with yet")
		b.Type("#f-password", "short")
		b.Click(`form[action="/account/password"] button`)
		b.WaitText("A password must have 12 to 1024 characters.")
		b.Check(name + "-password-short")
		b.Type("#f-password", password)
		b.Click(`form[action="/account/password"] button`)
		b.WaitText("The password is set.")
		b.Click(`a[href="/account/authenticator"]`)
		b.WaitText("Scan the picture")
		b.Check(name + "-authenticator")
		key := regexp.MustCompile(`[A-Z2-7]{32}`).FindString(b.Text())
		code := func() string {
			text, err := totp.GenerateCode(key, p.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		b.Type("#f-code", "000000")
		b.Click(".btn-primary")
		b.WaitText("This is not the code that the app shows now.")
		b.Type("#f-code", code())
		b.Click(".btn-primary")
		b.WaitText("The authenticator app is set up.")
		b.Click(`form[action="/account/recovery-codes"] button`)
		b.WaitText("Keep these recovery codes")
		b.Check(name + "-recovery-codes")
		recovery := regexp.MustCompile(`[A-Z2-7]{4}(-[A-Z2-7]{4}){3}`).FindString(b.Text())

		for what, typed := range map[string]func() string{"app": code, "recovery": func() string { return recovery }} {
			p.Clock.Advance(time.Minute)
			b.Click(`form[action="/account/sign-out"] button`)
			b.WaitText("You are signed out.")
			b.Go(p.URL + "/login?returnto=/account")
			b.Type("#f-email", email)
			b.Type("#f-password", password)
			b.Click(`form[action="/login/local"] button`)
			b.WaitText("Type your password once more")
			if what == "app" {
				b.Check(name + "-login-code")
			}
			b.Type("#f-password", password)
			b.Type("#f-code", typed())
			b.Click(`form[action="/login/local"] button`)
			b.WaitText("Sign-in and sessions")
		}
		b.Go(p.URL + "/account")
		b.WaitText("9 recovery codes are left.")
	})
}
