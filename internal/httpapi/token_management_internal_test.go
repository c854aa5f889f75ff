package httpapi

import (
	"net/url"
	"testing"

	"github.com/freehold-platform/freehold/api"
)

// FuzzParseTokenQueryForm checks that a form is read as whoever wrote it meant
// it, or refused: no field may come from another, or from the second of two.
func FuzzParseTokenQueryForm(f *testing.F) {
	f.Add("token=a.b.c&token_type_hint=access_token&client_id=c&client_secret=s%2B")
	f.Add("token=a&token=b")
	f.Add("token=%zz")
	f.Add("client_assertion=a&client_assertion_type=urn%3Aietf&more=x;y")
	f.Fuzz(func(t *testing.T, body string) {
		var in api.TokenQuery
		err := parseTokenQueryForm(body, &in)
		form, invalid := url.ParseQuery(body)
		if invalid != nil {
			if err == nil {
				t.Errorf("%q was accepted", body)
			}
			return
		}
		repeated := false
		for name, value := range map[string]string{
			"token": in.Token, "token_type_hint": in.TokenTypeHint, "client_id": in.ClientID, "client_secret": in.ClientSecret,
			"client_assertion": in.ClientAssertion, "client_assertion_type": in.ClientAssertionType,
		} {
			repeated = repeated || len(form[name]) > 1
			if err == nil && form.Get(name) != value {
				t.Errorf("%q: %s is %q", body, name, value)
			}
		}
		if repeated != (err != nil) {
			t.Errorf("%q: a field comes twice: %v, error: %v", body, repeated, err)
		}
	})
}
