package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// grantRefreshToken is RFC 6749 section 6: another token takes the place of the
// one that is shown. The token says whose it is; a client that can keep a secret
// proves itself besides.
func (s *Service) grantRefreshToken(ctx context.Context, i *issue) error {
	shown := i.request.RefreshToken
	if shown == "" {
		return errInvalidRequest.InParameter("refresh_token", "refresh_token is missing")
	}
	var r estate.RefreshToken
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		r, err = tx.RefreshToken(ctx, i.surface.Tenant.ID, estate.HashOf(shown))
		return err
	})
	if estate.HasCode(err, api.CodeTokenNotFound) {
		return errInvalidGrant
	} else if err != nil {
		return err
	}
	if err := s.programOf(ctx, i, r.Family); err != nil {
		return err
	}
	if !s.now().Before(r.ExpiresAt) {
		return errInvalidGrant
	}
	if err := s.personOf(ctx, i.scope, r.Family); err != nil {
		return err
	}
	i.begin(r.Family)
	if len(i.granted) == 0 {
		return errInvalidGrant
	}
	if i.granted, err = narrow(i.granted, i.request.Scope); err != nil {
		return err
	}
	if r.Family.Thumbprint != "" {
		i.confirmation = &api.Confirmation{JWKThumbprint: r.Family.Thumbprint}
	}
	i.finish = s.rotate
	return nil
}

// programOf finds the client of a family, and where it may act now.
func (s *Service) programOf(ctx context.Context, i *issue, f estate.TokenFamily) error {
	said := i.request.Credentials
	if said.ClientID != "" && said.ClientID != string(f.Client) && said.ClientID != api.CLIClientID {
		return errInvalidGrant
	}
	client, err := s.clients.Get(ctx, f.Client)
	switch {
	case estate.HasCode(err, api.CodeClientNotFound):
		return errInvalidGrant
	case err != nil:
		return err
	case !client.DisabledAt.IsZero():
		return errInvalidGrant
	}
	if !isPublic(client) {
		said.ClientID = string(client.ID)
		if client, i.workload, err = s.identify(ctx, i.surface, TokenRequest{Credentials: said}); err != nil {
			return err
		}
		if client.ID != f.Client {
			return errInvalidGrant
		}
	}
	var ok bool
	if i.scope, ok = i.surface.Admits(&client); !ok || i.scope.Organization != f.Organization || i.scope.Tenant != f.Tenant {
		return errInvalidGrant
	}
	i.client = client
	return nil
}

// rotate uses up the refresh token of a request and makes another one.
func (s *Service) rotate(ctx context.Context, i *issue) error {
	var outcome error
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		outcome = nil
		now, hash := s.now(), estate.HashOf(i.request.RefreshToken)
		r, err := tx.RefreshToken(ctx, i.surface.Tenant.ID, hash)
		switch {
		case estate.HasCode(err, api.CodeTokenNotFound):
			return errInvalidGrant
		case err != nil:
			return err
		case !r.UsedAt.IsZero() && now.Sub(r.UsedAt) > refreshGrace:
			outcome = errInvalidGrant
			return s.reused(ctx, tx, i.scope, r.Family, "a refresh token")
		}
		if err := tx.UseRefreshToken(ctx, i.scope, hash, now); err != nil {
			return err
		}
		i.refresh, err = s.addRefreshToken(ctx, tx, r.Family, now)
		return err
	})
	if err != nil {
		return err
	}
	return outcome
}
