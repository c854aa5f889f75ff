package credential

import (
	"errors"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// TestConfirm_RequiredLater: a client that comes to require a binding makes its
// older, unbound tokens worthless, and so does the other kind of binding.
func TestConfirm_RequiredLater(t *testing.T) {
	s := &Service{now: func() time.Time { return time.UnixMilli(1_800_000_000_000) }}
	for name, c := range map[string]struct {
		binding estate.TokenBinding
		bound   *api.Confirmation
		scheme  string
		want    error
	}{
		"nothing required":         {"", nil, "bearer", nil},
		"dpop required":            {estate.BindingDPoP, nil, "bearer", errUnboundToken},
		"mtls required":            {estate.BindingMTLS, nil, "bearer", errUnboundToken},
		"mtls required, dpop had":  {estate.BindingMTLS, &api.Confirmation{JWKThumbprint: "x"}, "dpop", errUnboundToken},
		"unbound, shown as DPoP":   {"", nil, "dpop", errUnboundToken},
		"empty cnf, shown as DPoP": {"", &api.Confirmation{}, "dpop", errUnboundToken},
		"both, no certificate":     {"", &api.Confirmation{JWKThumbprint: "x", CertificateThumbprint: "y"}, "dpop", errCertificateMissing},
		"dpop, no proof":           {estate.BindingDPoP, &api.Confirmation{JWKThumbprint: "x"}, "dpop", errBoundToken},
	} {
		err := s.confirm(t.Context(), estate.Surface{}, estate.Client{TokenBinding: c.binding}, c.bound, Presented{Scheme: c.scheme})
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
