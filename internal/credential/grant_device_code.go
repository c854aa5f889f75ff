package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// grantDeviceCode is RFC 8628 section 3.4: a device asks whether somebody has
// approved it.
func (s *Service) grantDeviceCode(_ context.Context, i *issue) error {
	if i.surface.Kind == estate.SurfaceRegister {
		return errUnsupportedGrantType
	}
	if i.request.DeviceCode == "" {
		return errInvalidRequest.InParameter("device_code", "device_code is missing")
	}
	i.finish = s.redeemDevice
	return nil
}

// redeemDevice gives the device its tokens, once.
func (s *Service) redeemDevice(ctx context.Context, i *issue) error {
	var outcome error
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		outcome = nil
		now, place := s.now(), i.surface.Tenant.ID
		d, err := tx.Device(ctx, place, estate.HashOf(i.request.DeviceCode))
		switch {
		case estate.HasCode(err, api.CodeTokenNotFound):
			return errInvalidGrant
		case err != nil:
			return err
		case d.Client != i.request.Credentials.ClientID:
			return errInvalidGrant
		case !now.Before(d.ExpiresAt):
			return errDeviceExpired
		case d.Status == estate.DeviceDenied:
			outcome = errDenied
			return tx.DeleteDevice(ctx, place, d.Hash)
		case d.Status == estate.DevicePending:
			outcome = errPending
			if !d.PolledAt.IsZero() && now.Sub(d.PolledAt) < d.Interval {
				d.Interval += deviceSlowdown
				outcome = errSlowDown
			}
			d.PolledAt = now
			return tx.UpdateDevice(ctx, d)
		}
		return s.redeemApproved(ctx, tx, i, d, now)
	})
	if err != nil {
		return err
	}
	return outcome
}

func (s *Service) redeemApproved(ctx context.Context, tx *store.Tx, i *issue, d estate.Device, now time.Time) error {
	client, err := tx.ClientToAuthenticate(ctx, d.GrantedTo)
	switch {
	case estate.HasCode(err, api.CodeClientNotFound):
		return errInvalidGrant
	case err != nil:
		return err
	}
	scope, ok := i.surface.Admits(&client)
	if !ok || !client.DisabledAt.IsZero() || scope.Organization != d.Organization {
		return errInvalidGrant
	}
	i.client, i.scope, i.granted = client, scope, nil
	f := estate.TokenFamily{
		ID: estate.NewFamilyID(), Organization: d.Organization, Tenant: d.Tenant, Client: client.ID, Person: d.Person,
		Permissions: d.Permissions, AuthenticatedAt: d.AuthenticatedAt,
	}
	if err := s.personOf(ctx, scope, f); err != nil {
		return err
	}
	i.begin(f)
	if len(i.granted) == 0 {
		return errInvalidGrant
	}
	if i.refresh, err = s.startFamily(ctx, tx, i, f, now); err != nil {
		return err
	}
	return tx.DeleteDevice(ctx, d.Tenant, d.Hash)
}

var (
	errPending       = estate.E(estate.Invalid, api.CodeOAuthPending, "Authorization pending", "Nobody has approved the device yet.")
	errSlowDown      = estate.E(estate.Invalid, api.CodeOAuthSlowDown, "Slow down", "The device asks too often: from now on, it has to wait five seconds longer.")
	errDeviceExpired = estate.E(estate.Invalid, api.CodeOAuthDeviceExpired, "Expired token", "Nobody approved the device in time.")
)
