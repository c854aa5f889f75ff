package signin

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Registers tells whether clients may register themselves at surface.
func (s *Service) Registers(ctx context.Context, surface estate.Surface) (bool, error) {
	if surface.Kind != estate.SurfaceTenant {
		return false, nil
	}
	settings, err := s.settings.Get(ctx, keyOf(surface.Tenant.Scope(), ""))
	return settings.Registration, err
}

// registrationMethods reads how clients that register themselves may authenticate.
func registrationMethods(text json.RawMessage) (methods []string, err error) {
	known := []string{api.RegistrationMethodNone, api.RegistrationMethodSecret}
	if json.Unmarshal(text, &methods) != nil || len(methods) == 0 || len(methods) > len(known) {
		return nil, badSetting("/value", "must be a list of none and client_secret")
	}
	for i, name := range methods {
		if !slices.Contains(known, name) || slices.Contains(methods[:i], name) {
			return nil, badSetting("/value", "must be a list of none and client_secret")
		}
	}
	return methods, nil
}
