package credential

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// The rules for devices (RFC 8628).
const (
	DeviceLifetime = 10 * time.Minute
	DeviceInterval = 5 * time.Second // between two questions of a device

	deviceSlowdown = 5 * time.Second
	maxDevices     = 1000 // that wait at one host: anybody can make one
	addressDevices = 60   // that an address makes wait in five minutes, so that nobody alone fills a host
	userCodeTries  = 30   // of one person in five minutes
)

// userCodeAlphabet has no vowels, so that codes are no words, and nothing that
// looks like something else (RFC 8628 section 6.1).
const (
	userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength   = 8
)

// WaitingDevice is what a device is told when it begins to wait.
type WaitingDevice struct {
	DeviceCode estate.Secret
	UserCode   string // as people read it: "BCDF-GHJK"
	ExpiresAt  time.Time
	IssuedAt   time.Time
}

// AuthorizeDevice lets a device of a client wait for somebody to approve it.
func (s *Service) AuthorizeDevice(ctx context.Context, surface estate.Surface, c Credentials, scope string) (w WaitingDevice, err error) {
	if surface.Kind == estate.SurfaceRegister {
		return w, errUnauthorizedClient
	}
	if c.ClientID == "" {
		return w, errInvalidRequest.InParameter("client_id", "client_id is missing")
	}
	held := builtInScopes(surface)
	if c.ClientID != api.CLIClientID {
		client, err := s.deviceClient(ctx, surface, c)
		if err != nil {
			return w, err
		}
		held = client.Permissions
	}
	requested := estate.ParsePermissions(scope)
	wanted := slices.DeleteFunc(slices.Clone(requested), func(name string) bool { return !held.Holds(name) })
	if len(wanted) == 0 && len(requested) > 0 {
		return w, errInvalidScope
	}
	now := s.now()
	if from := throttle.Network(c.Address); from.IsValid() {
		if wait := s.devices.Take(from, addressDevices, now); wait > 0 {
			return w, errTooOften(wait, "Too many devices", "Too many devices have begun to wait from this address.")
		}
	}
	w = WaitingDevice{DeviceCode: estate.NewCredential("fhd_"), ExpiresAt: now.Add(DeviceLifetime), IssuedAt: now}
	d := estate.Device{
		Hash: estate.HashOf(w.DeviceCode), Tenant: surface.Tenant.ID, UserCode: newUserCode(), Client: c.ClientID, Permissions: wanted,
		Status: estate.DevicePending, Interval: DeviceInterval, CreatedAt: now, ExpiresAt: w.ExpiresAt,
	}
	w.UserCode = d.UserCode[:userCodeLength/2] + "-" + d.UserCode[userCodeLength/2:]
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		waiting, err := tx.CountDevices(ctx, d.Tenant, now)
		switch {
		case err != nil:
			return err
		case waiting >= maxDevices:
			return errBusy
		}
		return tx.InsertDevice(ctx, d)
	})
	return w, err
}

// deviceClient is the client that a device says it is of.
func (s *Service) deviceClient(ctx context.Context, surface estate.Surface, c Credentials) (estate.Client, error) {
	client, _, err := s.identifyProgram(ctx, surface, TokenRequest{Credentials: c})
	if err != nil {
		return client, err
	}
	_, admitted := surface.Admits(&client)
	switch {
	case !admitted:
		return client, errInvalidClient
	case client.Level != levelOfPeople(surface), client.Consent == estate.ConsentPending,
		client.AppType != api.AppTypeNative && client.AppType != api.AppTypeWeb:
		return client, errUnauthorizedClient
	}
	return client, nil
}

func newUserCode() string {
	code := make([]byte, 0, userCodeLength)
	var b [1]byte
	for len(code) < userCodeLength {
		_, _ = rand.Read(b[:]) // never fails, by its documentation
		if n := len(userCodeAlphabet); int(b[0]) < 256-256%n {
			code = append(code, userCodeAlphabet[int(b[0])%n])
		}
	}
	return string(code)
}

// plainUserCode is what somebody typed, without what makes it readable.
func plainUserCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeAlphabet, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// DeviceQuestion is what a person is asked about a device that waits.
func (s *Service) DeviceQuestion(ctx context.Context, surface estate.Surface, p Person, userCode string) (Question, error) {
	d, err := s.waitingDevice(ctx, surface, p, userCode)
	if err != nil {
		return Question{}, err
	}
	return s.deviceQuestion(ctx, surface, p, d)
}

// deviceQuestion is what p is asked about a device. Accounts of all organizations
// sign in at the console: none is asked about a client of another one.
func (s *Service) deviceQuestion(ctx context.Context, surface estate.Surface, p Person, d estate.Device) (q Question, err error) {
	if d.Client == api.CLIClientID {
		q.Client = estate.Client{Name: builtInName, Permissions: builtInScopes(surface), AppType: api.AppTypeNative}
	} else if q.Client, err = s.clientForPeople(ctx, surface, d.Client); err != nil {
		return q, errNoDevice
	} else if surface.Kind == estate.SurfaceConsole && q.Client.Scope.Organization != p.Actor.Scope.Organization {
		return Question{}, errNoDevice
	}
	for _, name := range d.Permissions {
		if q.Client.Permissions.Holds(name) {
			q.Scopes = append(q.Scopes, name)
		}
	}
	if len(d.Permissions) == 0 {
		q.Scopes = slices.DeleteFunc(slices.Clone(q.Client.Permissions), func(name string) bool { return name == api.ScopeOfflineAccess })
	}
	return q, nil
}

// waitingDevice finds the device that shows a code. A person has so many tries.
func (s *Service) waitingDevice(ctx context.Context, surface estate.Surface, p Person, userCode string) (d estate.Device, err error) {
	if p.id() == "" {
		return d, errNoUser
	}
	now := s.now()
	if wait := s.userCodes.Take(p.id(), userCodeTries, now); wait > 0 {
		return d, errTooOften(wait, "Too many codes", "You have typed too many codes.")
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		d, err = tx.DeviceByUserCode(ctx, surface.Tenant.ID, plainUserCode(userCode))
		return err
	})
	switch {
	case estate.HasCode(err, api.CodeTokenNotFound):
		return d, errNoDevice
	case err != nil:
		return d, err
	case d.Status != estate.DevicePending || !now.Before(d.ExpiresAt):
		return d, errNoDevice
	}
	return d, nil
}

// DecideDevice approves a device that waits for the person, or refuses it.
func (s *Service) DecideDevice(ctx context.Context, surface estate.Surface, p Person, userCode string, approve bool) (q Question, err error) {
	d, err := s.waitingDevice(ctx, surface, p, userCode)
	if err != nil {
		return q, err
	}
	if q, err = s.deviceQuestion(ctx, surface, p, d); err != nil {
		return q, err
	}
	if !approve {
		refused := error(errDenied)
		s.audit.Refused(ctx, p.Actor, actionApprove, d.Client, &refused)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Device(ctx, d.Tenant, d.Hash)
		switch {
		case estate.HasCode(err, api.CodeTokenNotFound), err == nil && now.Status != estate.DevicePending:
			return errNoDevice // somebody was faster
		case err != nil:
			return err
		}
		if !approve {
			d.Status = estate.DeviceDenied
			return tx.UpdateDevice(ctx, d)
		}
		client := q.Client
		if d.Client == api.CLIClientID {
			if client, err = s.builtIn(ctx, tx, surface, p.Actor); err != nil {
				return err
			}
		}
		d.Status, d.Organization, d.GrantedTo, d.Person = estate.DeviceApproved, client.Scope.Organization, client.ID, p.id()
		d.Permissions, d.AuthenticatedAt = q.Scopes, p.AuthenticatedAt
		if err := s.approveDevice(ctx, tx, surface, client, p, q.Scopes); err != nil {
			return err
		}
		return tx.UpdateDevice(ctx, d)
	})
	return q, err
}

// approveDevice records an approval and, in a tenant, remembers it.
func (s *Service) approveDevice(ctx context.Context, tx *store.Tx, surface estate.Surface, client estate.Client, p Person, scopes estate.Permissions) error {
	if surface.Kind != estate.SurfaceTenant {
		return s.audit.Done(ctx, tx, p.Actor, p.Actor.Scope, actionApprove, string(client.ID), map[string]any{"name": client.Name, "granted": scopes})
	}
	scope := surface.Tenant.Scope()
	g, err := tx.GrantFor(ctx, scope, client.ID, p.Actor.User)
	if estate.HasCode(err, api.CodeTokenNotFound) {
		g, err = estate.Grant{ID: estate.NewGrantID(), Client: client.ID, User: p.Actor.User, CreatedAt: s.now()}, nil
	}
	if err != nil {
		return err
	}
	g.Approved = merge(g.Approved, scopes)
	return s.approve(ctx, tx, scope, client, p, g, scopes)
}

// The client of the command line, which every host has. It becomes a client like
// others, which administrators see and can delete, when somebody first signs in
// with it.
const builtInName = "Freehold command line"

func builtInScopes(surface estate.Surface) estate.Permissions {
	if surface.Kind == estate.SurfaceConsole {
		return append(api.OrganizationScopes(), api.ScopeOfflineAccess)
	}
	return estate.Permissions{api.ScopeUserDefault, api.ScopeAdminClassic, api.ScopeOfflineAccess}
}

// builtIn finds it, or makes it.
func (s *Service) builtIn(ctx context.Context, tx *store.Tx, surface estate.Surface, actor estate.Actor) (estate.Client, error) {
	scope, level := surface.Tenant.Scope(), estate.LevelTenant
	if surface.Kind == estate.SurfaceConsole {
		scope, level = estate.Scope{Organization: actor.Scope.Organization}, estate.LevelOrganization
	}
	all, err := tx.Clients(ctx, scope, level)
	if err != nil {
		return estate.Client{}, err
	}
	for _, c := range all {
		if c.CreatedBy == api.CLIClientID {
			return c, nil
		}
	}
	now := s.now()
	c := estate.Client{
		ID: estate.NewClientID(), Level: level, Scope: scope, Name: builtInName, Description: "By which people sign in with freehold login.",
		AppType: api.AppTypeNative, Permissions: builtInScopes(surface), Consent: estate.ConsentRequired,
		CreatedBy: api.CLIClientID, CreatedByType: "service", CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.InsertClient(ctx, c); err != nil {
		return c, err
	}
	return c, s.audit.Done(ctx, tx, actor, scope, "oauth-client.create", string(c.ID), map[string]any{"name": c.Name, "level": c.Level, "scopes": c.Permissions})
}

var (
	errNoDevice = estate.E(estate.NotFound, api.CodeOAuthUserCode, "No such code", "No device waits with this code; it may have expired.")
	errBusy     = estate.E(estate.Unavailable, api.CodeOAuthBusy, "Too many are waiting", "Try again in some minutes.")
)
