package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestLogin_Claim: who was invited by the API, and comes through an OpenID provider,
// is the invited user if the provider says that the address was verified, and
// somebody new if not.
func TestLogin_Claim(t *testing.T) {
	o := newOpenIDTenant(t)
	fromInfo := o.create("options", object{"provider": "azureAD", "options": with(o.options(), object{"useClaimsFromIdToken": false})})
	invite := func(email string) (user string) {
		t.Helper()
		answer := o.e.Do(testenv.Request{URL: o.origin + "/api/v1/users/actions/invite", Token: o.admin, JSON: api.InviteRequest{Invitees: []api.Invitee{{Email: email, Name: "Invited"}}}})
		expect(t, "invite "+email, answer, http.StatusMultiStatus, "")
		var results api.InviteResponse
		answer.Into(&results)
		if len(results.Data) != 1 || results.Data[0].Status != "ok" {
			t.Fatalf("invite %s: %s", email, answer.Body)
		}
		return results.Data[0].UserID
	}
	signIn := func(claims, info object) api.User {
		t.Helper()
		o.person, o.info = claims, info
		b := newBrowser(o.e, o.origin)
		answer := b.do(testenv.Request{URL: o.visit(b.do(testenv.Request{URL: "/login"}))})
		if answer.Status != http.StatusFound || b.cookies["eas.sid"] == "" {
			t.Fatalf("sign in %v: %d %s", claims, answer.Status, answer.Body)
		}
		return b.me(t)
	}

	ada := invite("ada@example.com")
	if me := signIn(object{"sub": "idp|ada"}, object{"sub": "idp|ada", "name": "Ada Lovelace", "email": "ADA@Example.com", "email_verified": true}); me.ID != ada ||
		me.Subject != "idp|ada" || me.Status != "active" || me.Name != "Ada Lovelace" {
		t.Errorf("by the user info of the provider: %+v", me)
	}
	if me := signIn(object{"sub": "idp|ada"}, object{"sub": "idp|ada"}); me.ID != ada {
		t.Errorf("again, without an address: %+v", me)
	}
	if me := signIn(object{"sub": "idp|thief"}, object{"sub": "idp|thief", "email": "ada@example.com", "email_verified": true}); me.ID == ada {
		t.Error("an answered invitation was claimed by another subject")
	}
	bob := invite("bob@example.com")
	if me := signIn(object{"sub": "idp|bob"}, object{"sub": "idp|bob", "email": "bob@example.com", "email_verified": false}); me.ID == bob {
		t.Error("claimed by an address that was not verified")
	}
	if me := signIn(object{"sub": "idp|bob2"}, object{"sub": "idp|bob2", "email": "bob@example.com"}); me.ID == bob {
		t.Error("claimed by an address of which nothing is said")
	}

	// With the claims of the token, and where the tenant trusts every address.
	expect(t, "delete", o.e.Do(testenv.Request{Method: "DELETE", URL: o.origin + "/api/v1/identity-providers/" + fromInfo, Token: o.admin}), http.StatusNoContent, "")
	o.create("options", object{"provider": "azureAD", "options": with(o.options(), object{"emailVerifiedAlwaysTrue": true, "useClaimsFromIdToken": true})})
	eve := invite("eve@example.com")
	if me := signIn(object{"sub": "idp|eve", "email": "eve@example.com"}, nil); me.ID != eve || me.Subject != "idp|eve" {
		t.Errorf("where every address counts as verified: %+v", me)
	}
}
