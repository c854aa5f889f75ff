package credential

import (
	"encoding/json"
	"testing"
	"testing/quick"

	"github.com/freehold-platform/freehold/api"
)

// TestAppendClaims compares with encoding/json, for whatever claims.
func TestAppendClaims(t *testing.T) {
	same := func(c api.Claims) bool {
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		have := appendClaims(nil, &c)
		if string(have) != string(want) {
			t.Errorf("have %s\nwant %s", have, want)
		}
		return string(have) == string(want)
	}
	for _, c := range []api.Claims{
		{},
		{Issuer: "https://console.example.com:8443", Scope: "a b", Level: "organization", IssuedAt: -1},
		{Confirmation: &api.Confirmation{}},
		{Confirmation: &api.Confirmation{JWKThumbprint: "j"}},
		{Confirmation: &api.Confirmation{CertificateThumbprint: "c"}, Actor: &api.ActorClaim{}},
		{Confirmation: &api.Confirmation{JWKThumbprint: "j", CertificateThumbprint: "c"}, Exchanged: true},
	} {
		same(c)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}
