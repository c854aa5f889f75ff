package signin

import (
	"context"

	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// LocalURL is the path of returnTo if that is on the host of surface, and of the
// start page if it is anywhere else.
func LocalURL(surface estate.Surface, returnTo string) string { return localPath(surface, returnTo) }

// Interactive tells whether people sign in at surface by an identity provider,
// too.
func (s *Service) Interactive(ctx context.Context, surface estate.Surface) (bool, error) {
	if surface.Kind != estate.SurfaceTenant {
		return false, nil
	}
	_, err := s.interactive(ctx, surface.Tenant.Scope())
	if estate.HasKind(err, estate.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Name is what the person that actor is goes by: its e-mail address, or its name if
// it has none.
func (s *Service) Name(ctx context.Context, actor estate.Actor) (name string, err error) {
	person, err := PersonOf(actor)
	if err != nil {
		return "", err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		k, err := s.personAt(ctx, tx, person)
		if name = k.email; name == "" {
			name = k.name
		}
		return err
	})
	if _, refused := err.(assertion.Refusal); refused { //nolint:errorlint // made by personAt, and never wrapped
		err = errNoPerson
	}
	return name, err
}
