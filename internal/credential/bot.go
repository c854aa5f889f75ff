package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// botKey names the bot of a client in a tenant. Only tenant and client
// identify it; the organization is carried along for the scope.
type botKey struct {
	organization estate.OrganizationID
	tenant       estate.TenantID
	client       estate.ClientID
}

func (k botKey) scope() estate.Scope {
	return estate.Scope{Organization: k.organization, Tenant: k.tenant}
}

// bot returns the user through which client acts in the tenant of scope. The
// first call creates it, however many come at once.
func (s *Service) bot(ctx context.Context, scope estate.Scope, client estate.ClientID) (estate.User, error) {
	return s.bots.Get(ctx, botKey{scope.Organization, scope.Tenant, client})
}

func (s *Service) loadOrCreateBot(ctx context.Context, key botKey) (estate.User, error) {
	var bot estate.User
	find := func(tx *store.Tx) (err error) {
		bot, err = tx.BotUser(ctx, key.scope(), key.client)
		return err
	}
	err := s.store.Read(ctx, find)
	if !estate.HasCode(err, api.CodeUserNotFound) {
		return bot, err
	}
	now := s.now()
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := find(tx); !estate.HasCode(err, api.CodeUserNotFound) {
			return err // another request was faster
		}
		client, err := tx.ClientToAuthenticate(ctx, key.client)
		switch {
		case estate.HasCode(err, api.CodeClientNotFound), err == nil && !client.DisabledAt.IsZero():
			return errInvalidClient // since the request began
		case err != nil:
			return err
		}
		tenant, err := tx.Tenant(ctx, key.scope(), key.tenant)
		switch {
		case err != nil:
			return err
		case tenant.Status == estate.TenantDeleted:
			return errInvalidClient // purged since the request began: nothing may be left in it
		}
		bot = estate.User{
			ID:           estate.NewUserID(),
			Organization: key.organization,
			Tenant:       key.tenant,
			Subject:      estate.BotSubject(key.client),
			Name:         client.Name,
			Status:       estate.UserActive,
			ClientID:     key.client,
			Roles:        []estate.RoleName{estate.RoleTenantAdmin},
			CreatedAt:    now,
			UpdatedAt:    now,
		}
		if err := tx.InsertUser(ctx, bot); err != nil {
			return err
		}
		// Here it needs no commit of its own; see findOrMakeGrant.
		if err := tx.AddGrantUse(ctx, key.scope(), estate.Grant{ID: estate.NewGrantID(), Client: key.client, User: bot.ID, LastUsedAt: now}); err != nil {
			return err
		}
		actor := estate.Actor{Kind: estate.ActorClient, ID: string(key.client), Level: client.Level}
		return s.audit.Done(ctx, tx, actor, tenant.Scope(), "user.create", string(bot.ID), map[string]any{"subject": bot.Subject, "name": bot.Name})
	})
	return bot, err
}
