package httpapi

import (
	"testing"

	"github.com/freehold-platform/freehold/api"
)

// TestReadTokenRequest_RFC reads the examples that the RFCs have of requests.
func TestReadTokenRequest_RFC(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		authorization, body string
		want                api.TokenRequest
	}{
		"RFC 6749 section 4.4.2": {
			"Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "grant_type=client_credentials",
			api.TokenRequest{GrantType: "client_credentials", ClientID: "s6BhdRkqt3", ClientSecret: "gX1fBat3bV"},
		},
		"RFC 6749 section 2.3.1": {
			"", "grant_type=client_credentials&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw",
			api.TokenRequest{GrantType: "client_credentials", ClientID: "s6BhdRkqt3", ClientSecret: "7Fjfp0ZBr1KtDRbnfVdmIw"},
		},
		"RFC 8693 section 2.3, whose resource is ignored": {
			"Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0",
			"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&resource=https%3A%2F%2Fbackend.example.com%2Fapi" +
				"&subject_token=accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
			api.TokenRequest{
				GrantType: api.GrantTokenExchange, ClientID: "rs08", ClientSecret: "long-secure-random-secret",
				SubjectToken: "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC", SubjectTokenType: api.TokenTypeAccessToken,
			},
		},
	} {
		if got, err := parseToken(form, c.authorization, c.body); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
