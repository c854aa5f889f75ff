package credential

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// exchangeAccessToken makes a token of ours narrower: fewer scopes at the same
// host, or a tenant's host below that of the console or of a register host. The
// token itself says who the client is, so that a secret is shown to one host
// only. What comes out never reaches further, holds more or lives longer than
// what came in, and is bound to the same keys.
func (s *Service) exchangeAccessToken(ctx context.Context, i *issue) error {
	in := i.request.Exchange
	if p := in.Purpose; p != "" && p != "websocket" && p != "webresource" {
		return errInvalidRequest.InParameter("purpose", "purpose must be websocket or webresource")
	}
	if in.Audience != "" && in.Audience != i.surface.Origin {
		return errInvalidTarget
	}
	claims, client, err := s.readToken(ctx, in.SubjectToken)
	if estate.HasKind(err, estate.Unauthenticated) {
		return errInvalidSubjectToken
	} else if err != nil {
		return err
	}
	if err := s.sameClient(ctx, i, client); err != nil {
		return err
	}
	here := issuedFor(claims, i.surface)
	var ok bool
	if here {
		i.scope, ok = reach(claims, i.surface, &client)
		ok = ok && i.scope.Tenant == estate.TenantID(claims.Tenant) // a host name can pass to another tenant
	} else if claims.Tenant == "" && claims.Family == "" { // the hosts above tenants are the only ones from which a way leads down
		i.scope, ok = i.surface.AdmitsExchanged(&client)
	}
	if !ok {
		return errInvalidTarget
	}
	held := stillHeld(claims, client)
	if i.surface.Kind == estate.SurfaceTenant {
		held = slices.DeleteFunc(held, func(name string) bool { return !isTenantScope(name) })
	}
	if len(held) == 0 {
		return errInvalidScope
	}
	if i.granted, err = narrow(held, i.request.Scope); err != nil {
		return err
	}
	i.client, i.confirmation, i.actor = client, claims.Confirmation, claims.Actor
	i.expires = time.Unix(claims.ExpiresAt, 0)
	i.exchanged, i.family = claims.Exchanged || !here, estate.FamilyID(claims.Family)
	if here { // of the same grant: what revokes the one revokes the other
		i.since = issuedAt(claims)
	}
	if i.family != "" {
		i.user = estate.UserID(claims.User)
	}
	if i.surface.Kind != estate.SurfaceTenant {
		return nil
	}
	user, err := s.tokenUser(ctx, i.scope, claims, client)
	if estate.HasKind(err, estate.Unauthenticated) {
		return errBotDisabled
	}
	i.user = user.ID
	return err
}

// sameClient checks what the request says of its client beside the token:
// nothing is needed, but what is said must be true.
func (s *Service) sameClient(ctx context.Context, i *issue, client estate.Client) error {
	said := i.request.Credentials
	if said.ClientID != "" && said.ClientID != string(client.ID) {
		return errInvalidClient
	}
	if said.Secret == "" && said.Assertion == "" && said.AssertionType == "" {
		return nil
	}
	shown, _, err := s.identify(ctx, i.surface, TokenRequest{Credentials: said})
	if err == nil && shown.ID != client.ID {
		err = errInvalidClient
	}
	return err
}

// isTenantScope tells whether a scope means anything at a tenant's host.
func isTenantScope(name string) bool {
	return !strings.HasPrefix(name, "tenants:") && !strings.HasPrefix(name, "cloud-console.")
}

var (
	errInvalidSubjectToken = errInvalidRequest.InParameter("subject_token", "subject_token is not an access token of this server that is in force") // RFC 8693 section 2.2.2
	errInvalidTarget       = estate.E(estate.Invalid, api.CodeOAuthInvalidTarget, "Invalid target", "The subject token can't be exchanged for one of this host.")
)
