package credential

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// UpdateClient changes a client by a patch: all of it or, after an error, nothing.
// A client that starts to authenticate by secret gets one, which is returned here
// and nowhere else; one that stops loses all it has.
func (s *Service) UpdateClient(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, patch []PatchOperation) (secret estate.Secret, err error) {
	err = s.change(ctx, actor, realm, id, "oauth-client.update", func(tx *store.Tx, before estate.Client) (map[string]any, error) {
		secret = ""
		c := before
		if err := applyPatch(&c, patch); err != nil {
			return nil, err
		}
		c.UpdatedAt = s.now()
		complete(&c)
		if err := validateClient(c, NewClient{}); err != nil {
			return nil, inPatch(err, patch)
		}
		if err := s.validateTrust(c); err != nil {
			return nil, inPatch(err, patch)
		}
		if err := mayGrant(actor, before, c); err != nil {
			return nil, inPatch(err, patch)
		}
		updates := describeUpdates(before, c)
		if len(updates) == 0 {
			return nil, nil //nolint:nilnil // nothing changes, so there is nothing to record
		}
		if err := tx.UpdateClient(ctx, c.Scope, c); err != nil {
			return nil, err
		}
		secret, err = s.followAuthMethods(ctx, tx, actor, before, c)
		return map[string]any{event.KeyUpdates: updates}, err
	})
	return secret, err
}

// followAuthMethods makes a secret for a client that from now on authenticates by
// one, and erases those of a client that no longer does.
func (s *Service) followAuthMethods(ctx context.Context, tx *store.Tx, actor estate.Actor, before, c estate.Client) (estate.Secret, error) {
	had, has := slices.Contains(before.AuthMethods, authClientSecret), slices.Contains(c.AuthMethods, authClientSecret)
	switch {
	case had && !has:
		for _, stored := range before.Secrets {
			if err := tx.DeleteClientSecret(ctx, c.Scope, c.ID, stored.Hint, c.UpdatedAt); err != nil {
				return "", err
			}
		}
	case has && !had && len(before.Secrets) == 0:
		if err := mayHand(actor, c); err != nil {
			return "", err
		}
		stored, plain := s.newSecret(c, actor)
		return plain, tx.InsertClientSecret(ctx, c.Scope, c.ID, stored)
	}
	return "", nil
}

// mayGrant refuses to give an organization-level client what the actor lacks, and to
// take it away: of a client that was narrowed to what the actor has it could make
// itself a secret, which would be worth more once the client is widened again.
func mayGrant(actor estate.Actor, before, c estate.Client) error {
	if !isBounded(actor) || c.Level != estate.LevelOrganization {
		return nil
	}
	for _, name := range c.Permissions {
		if !before.Permissions.Holds(name) && !actor.Permissions.Holds(name) {
			return errScopeBeyondActor
		}
	}
	for _, name := range before.Permissions {
		if !c.Permissions.Holds(name) && !actor.Permissions.Holds(name) {
			return errScopeBeyondActor
		}
	}
	return nil
}

// describeUpdates lists what differs, as the contract's events do. Secrets are no
// part of it.
func describeUpdates(before, after estate.Client) []map[string]any {
	var updates []map[string]any
	for _, path := range changeable(estate.LevelTenant) {
		var was, is any
		differs := false
		switch m := members[path]; {
		case m.text != nil:
			was, is = *m.text(&before), *m.text(&after)
		case m.keys != nil:
			was, is = keyIDs(*m.keys(&before)), keyIDs(*m.keys(&after))
			differs = !slices.EqualFunc(*m.keys(&before), *m.keys(&after), sameKey) // another key may have the same id
		default:
			was, is = slices.Concat([]string{}, *m.list(&before)), slices.Concat([]string{}, *m.list(&after))
		}
		if differs || !reflect.DeepEqual(was, is) {
			updates = append(updates, map[string]any{"path": path, "oldValue": was, "newValue": is})
		}
	}
	return updates
}

func sameKey(a, b estate.PublicKey) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.JWK, b.JWK)
}

// keyIDs is how the audit trail names keys.
func keyIDs(keys []estate.PublicKey) []string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID
	}
	return ids
}

// DeleteClient takes a client out of use for good, at once and everywhere: it no
// longer authenticates, its tokens no longer count, its secrets are erased and its
// bots disabled. confirm must be the id again.
func (s *Service) DeleteClient(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, confirm string) error {
	return s.change(ctx, actor, realm, id, "oauth-client.delete", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if confirm != string(c.ID) {
			const detail = "The header " + api.HeaderConfirmDelete + " must be the id of the client."
			return nil, estate.E(estate.Invalid, api.CodeClientConfirm, "Deletion not confirmed", detail).InParameter(api.HeaderConfirmDelete, detail)
		}
		now := s.now()
		bots, err := tx.StopBots(ctx, organizationOf(c), c.ID, now)
		if err != nil {
			return nil, err
		}
		return map[string]any{"name": c.Name, "level": c.Level, "botsDisabled": bots}, tx.DeleteClient(ctx, c.Scope, c.ID, now)
	})
}

// SetClientEnabled disables a client, or enables it again, at once and everywhere.
// Its bots stop and start with it. Only the operator may.
func (s *Service) SetClientEnabled(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, id estate.ClientID, enabled bool) (c estate.Client, err error) {
	action, switchBots := "oauth-client.disable", (*store.Tx).StopBots
	if enabled {
		action, switchBots = "oauth-client.enable", (*store.Tx).StartBots
	}
	realm := Realm{Scope: estate.Scope{Organization: organization}}
	err = s.change(ctx, actor, realm, id, action, func(tx *store.Tx, found estate.Client) (map[string]any, error) {
		c = found
		if enabled == c.DisabledAt.IsZero() {
			return nil, nil //nolint:nilnil // it is so already
		}
		now := s.now()
		c.UpdatedAt, c.DisabledAt = now, time.Time{}
		if !enabled {
			c.DisabledAt = now
		}
		bots, err := switchBots(tx, ctx, organizationOf(c), c.ID, now)
		if err != nil {
			return nil, err
		}
		return map[string]any{"name": c.Name, "bots": bots}, tx.UpdateClient(ctx, c.Scope, c)
	})
	return c, err
}

// organizationOf is where the bots of c can be: in its own tenants, or in those
// that it was published to.
func organizationOf(c estate.Client) estate.Scope {
	return estate.Scope{Organization: c.Scope.Organization}
}
