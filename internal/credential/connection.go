package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// Connection is how a tenant stands to a client.
type Connection struct {
	Consent        estate.Consent
	Status         ConnectionStatus
	DeletedByOwner bool // the client is gone
}

// ConnectionStatus says whether the tenant has agreed.
type ConnectionStatus string

// The states of a connection.
const (
	ConnectionApproved ConnectionStatus = "approved" // the client can be used in the tenant
	ConnectionPending  ConnectionStatus = "pending"  // which an administrator has yet to trust or connect: another tenant's, or one that registered itself
)

// connectionOf returns the connection of a tenant to a client, given what it has
// decided about it.
func connectionOf(tenant estate.Scope, c estate.Client, decided store.Connection) Connection {
	n := Connection{Consent: c.Consent, Status: ConnectionApproved, DeletedByOwner: !c.DeletedAt.IsZero()}
	if n.Consent == estate.ConsentPending {
		n.Consent, n.Status = estate.ConsentRequired, ConnectionPending
	}
	if c.Scope == tenant {
		return n
	}
	n.Consent = decided.Consent
	if n.Consent != estate.ConsentTrusted {
		n.Consent, n.Status = estate.ConsentRequired, ConnectionPending
	}
	return n
}

// PublishClient makes a tenant's client known to the other tenants of its region
// and organization. Each of them decides whether to let it act there. Publishing
// can't be undone; doing it again changes nothing.
func (s *Service) PublishClient(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) (at time.Time, err error) {
	err = s.change(ctx, actor, realm, id, "oauth-client.publish", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if at = c.PublishedAt; !at.IsZero() {
			return nil, nil //nolint:nilnil // it is published already
		}
		at = s.now()
		c.PublishedAt, c.UpdatedAt = at, at
		return map[string]any{"name": c.Name, "region": c.Scope.Region}, tx.UpdateClient(ctx, c.Scope, c)
	})
	return at, err
}

// GetConnection returns how the tenant of realm stands to a client, its own or one
// that another tenant has published.
func (s *Service) GetConnection(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) (n Connection, err error) {
	if err := mayManage(actor, realm); err != nil {
		return n, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		c, err := findConnected(ctx, tx, realm, id)
		if err != nil {
			return err
		}
		decided, err := tx.ClientConnection(ctx, realm.Scope, id)
		n = connectionOf(realm.Scope, c, decided)
		return err
	})
	return n, err
}

// SetConsent decides for the tenant of realm about a client. Trusting another
// tenant's published client lets it act here, through a bot of its own; no longer
// trusting it ends that at once.
func (s *Service) SetConsent(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, consent estate.Consent) (err error) {
	const action = "oauth-client.connection.update"
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayManage(actor, realm); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := findConnected(ctx, tx, realm, id)
		if err != nil {
			return err
		}
		decided, err := tx.ClientConnection(ctx, realm.Scope, id)
		if err != nil {
			return err
		}
		before := connectionOf(realm.Scope, c, decided)
		now := s.now()
		switch {
		case c.Scope == realm.Scope:
			c.Consent, c.UpdatedAt = consent, now
			err = tx.UpdateClient(ctx, c.Scope, c)
		case !c.DeletedAt.IsZero():
			return errDeletedByOwner
		default:
			err = tx.SetClientConnection(ctx, realm.Scope, id, consent, now)
			if err == nil {
				err = switchBot(ctx, tx, realm.Scope, id, consent == estate.ConsentTrusted && c.DisabledAt.IsZero(), now)
			}
		}
		if err != nil {
			return err
		}
		decided.Consent = consent
		return s.consented(ctx, tx, actor, realm.Scope, id, before, connectionOf(realm.Scope, c, decided))
	})
}

// consented records that a tenant has decided about a client anew.
func (s *Service) consented(ctx context.Context, tx *store.Tx, actor estate.Actor, scope estate.Scope, id estate.ClientID, before, after Connection) error {
	action := "oauth-client.connection.update"
	if before.Status == ConnectionPending && after.Status == ConnectionApproved {
		action = "oauth-client.connection.approve"
	}
	return s.audit.Done(ctx, tx, actor, scope, action, string(id), map[string]any{
		"clientId": id, "consentMethod": after.Consent,
		event.KeyUpdates: []event.Update{{Path: "/consentMethod", OldValue: before.Consent, NewValue: after.Consent}},
	})
}

// DeleteConnection takes from another tenant's published client the access to the
// tenant of realm.
func (s *Service) DeleteConnection(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) (err error) {
	const action = "oauth-client.connection.delete"
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayManage(actor, realm); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := findConnected(ctx, tx, realm, id)
		if err != nil {
			return err
		}
		if c.Scope == realm.Scope {
			return errOwnConnection
		}
		now := s.now()
		existed, err := tx.DeleteClientConnection(ctx, realm.Scope, id, now)
		if err != nil || !existed {
			return err
		}
		if err := switchBot(ctx, tx, realm.Scope, id, false, now); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, realm.Scope, action, string(id), map[string]any{"name": c.Name})
	})
}

// switchBot lets the bot of a client in one tenant act, or stops it.
func switchBot(ctx context.Context, tx *store.Tx, tenant estate.Scope, id estate.ClientID, active bool, now time.Time) error {
	if active {
		_, err := tx.StartBots(ctx, tenant, id, now)
		return err
	}
	_, err := tx.StopBots(ctx, tenant, id, now)
	return err
}

// findConnected returns a client that the tenant of realm can have a connection
// to: its own, or a published one.
func findConnected(ctx context.Context, tx *store.Tx, realm Realm, id estate.ClientID) (estate.Client, error) {
	c, err := find(ctx, tx, realm, id)
	if estate.HasCode(err, api.CodeClientNotFound) {
		return tx.PublishedClient(ctx, realm.Scope, id)
	}
	return c, err
}

var (
	errOwnConnection  = estate.E(estate.Invalid, api.CodeClientInvalid, "Invalid OAuth client", "The client is this tenant's own; delete the client itself.")
	errDeletedByOwner = estate.E(estate.NotFound, api.CodeClientNotFound, "Not found", "The client was deleted by its owner.")
)
