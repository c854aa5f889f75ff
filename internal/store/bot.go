package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// StopBots disables the bots of a client in the tenants in scope. It returns how many were active. Those start again with
// StartBots, bots that were disabled for another reason don't.
func (tx *Tx) StopBots(ctx context.Context, scope estate.Scope, client estate.ClientID, at time.Time) (int, error) {
	return tx.switchBots(ctx, scope, client, "status = 'active'", "status = 'disabled', stopped_with_client = 1", at)
}

// StartBots undoes StopBots, except where a tenant does not trust the client that
// another published. It returns how many bots became active.
func (tx *Tx) StartBots(ctx context.Context, scope estate.Scope, client estate.ClientID, at time.Time) (int, error) {
	const admitted = `exists (select 1 from clients c where c.organization_id = users.organization_id and c.id = users.client_id and (c.tenant_id in ('', users.tenant_id)
		or exists (select 1 from client_connections n where n.client_id = c.id and n.tenant_id = users.tenant_id and n.consent = 'trusted')))`
	return tx.switchBots(ctx, scope, client, "stopped_with_client = 1 and "+admitted, "status = 'active', stopped_with_client = 0", at)
}

func (tx *Tx) switchBots(ctx context.Context, scope estate.Scope, client estate.ClientID, which, set string, at time.Time) (int, error) {
	if !tx.write {
		return 0, errReadTransaction // also where there is no bot to write to
	}
	conditions := func() *conditions {
		c := inTenants(scope, "users")
		c.add("client_id <> ''") // names the partial index
		c.add("client_id = " + c.arg(client))
		c.add(which)
		return c
	}
	c := conditions()
	rows, err := tx.rows(ctx, "select tenant_id from users"+c.where()+" order by tenant_id", c.args...)
	tenants, err := collect(rows, err, func(row rowScanner) (id estate.TenantID, err error) { return id, row.Scan(&id) })
	if err != nil || len(tenants) == 0 {
		return 0, wrap("select bots", err)
	}
	c = conditions()
	if _, err := tx.exec(ctx, "update users set "+set+", updated_at = "+c.arg(micros(at))+c.where(), c.args...); err != nil {
		return 0, wrap("update bots", err)
	}
	for _, tenant := range tenants {
		if err := tx.botChanged(ctx, at, scope.Organization, tenant, client); err != nil {
			return 0, err
		}
	}
	return len(tenants), nil
}

func (tx *Tx) botChanged(ctx context.Context, at time.Time, organization estate.OrganizationID, tenant estate.TenantID, client estate.ClientID) error {
	return tx.changed(ctx, at, ChangeBot, string(organization)+"/"+string(tenant)+"/"+string(client))
}

// Orphan is a bot whose client is deleted or disabled.
type Orphan struct {
	Bot    estate.User
	Tenant estate.Tenant
	Client estate.Client  // without its secrets
	Spaces []estate.Space // that it owns, by name, MaxPage at most
}

// OrphanQuery says which orphans to return.
type OrphanQuery struct {
	ID    estate.UserID            // of the only one; empty: all
	Shown func(estate.Client) bool // whose bots are returned; nil: everybody's
	Limit int                      // 0: none
}

// Orphans returns the bots in scope whose client is deleted or disabled, by tenant.
func (tx *Tx) Orphans(ctx context.Context, scope estate.Scope, q OrphanQuery) (all []Orphan, err error) {
	clients := map[estate.ClientID]estate.Client{} // few have many bots
	for after := (estate.User{}); ; {
		bots, err := tx.orphanedBots(ctx, scope, q.ID, after)
		if err != nil {
			return nil, wrap("select orphans", err)
		}
		for _, bot := range bots {
			client, known := clients[bot.ClientID]
			if !known {
				client, err = scanClient(tx.row(ctx, "select "+clientColumns+" from clients where organization_id = $1 and id = $2", bot.Organization, bot.ClientID))
				if err != nil {
					return nil, wrap("select client of orphan", err)
				}
				clients[bot.ClientID] = client
			}
			if q.Shown != nil && !q.Shown(client) {
				continue
			}
			orphan, err := tx.orphan(ctx, bot, client)
			if err != nil {
				return nil, err
			}
			if all = append(all, orphan); len(all) == q.Limit {
				return all, nil
			}
		}
		if len(bots) < MaxPage {
			return all, nil
		}
		after = bots[len(bots)-1]
	}
}

// orphanedBots are at most MaxPage bots whose client is stopped, behind another.
func (tx *Tx) orphanedBots(ctx context.Context, scope estate.Scope, id estate.UserID, after estate.User) ([]estate.User, error) {
	c := inTenants(scope, "users")
	c.add("client_id <> ''")
	if id != "" {
		c.add("id = " + c.arg(id))
	}
	if after.ID != "" {
		c.add("(tenant_id, id) > (" + c.arg(after.Tenant) + ", " + c.arg(after.ID) + ")")
	}
	const stopped = "(c.deleted_at <> 0 or c.disabled_at <> 0)"
	if scope.Tenant != "" {
		c.add("exists (select 1 from clients c where c.organization_id = users.organization_id and c.id = users.client_id and " + stopped + ")")
	} else { // few of an organization's clients are stopped, and nearly all bots are at work
		c.add("client_id in (select c.id from clients c where c.organization_id = " + c.arg(scope.Organization) + " and " + stopped + ")")
	}
	rows, err := tx.rows(ctx, "select "+userColumns+" from users"+c.where()+" order by tenant_id, id limit "+c.arg(MaxPage), c.args...)
	return collect(rows, err, scanUser)
}

func (tx *Tx) orphan(ctx context.Context, bot estate.User, client estate.Client) (Orphan, error) {
	tenant, err := tx.Tenant(ctx, estate.Scope{Organization: bot.Organization}, bot.Tenant)
	if err != nil {
		return Orphan{}, err
	}
	rows, err := tx.rows(ctx, "select "+spaceColumns+" from spaces where organization_id = $1 and tenant_id = $2 and owner_id = $3 order by name_key, id limit $4",
		bot.Organization, bot.Tenant, bot.ID, MaxPage)
	spaces, err := collect(rows, err, scanSpace)
	return Orphan{Bot: bot, Tenant: tenant, Client: client, Spaces: spaces}, wrap("select spaces of orphan", err)
}

// GiveBot makes a bot of the tenant of scope the active bot of another client of
// the organization. A person is no bot, and not found. A tenant has one bot a
// client: if there is one, the answer is a conflict.
func (tx *Tx) GiveBot(ctx context.Context, scope estate.Scope, id estate.UserID, to estate.ClientID, at time.Time) error {
	bot, err := tx.User(ctx, scope, id)
	if err == nil && bot.ClientID == "" {
		err = wrap("give bot", errUserNotFound)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Client(ctx, estate.Scope{Organization: scope.Organization}, to); err != nil {
		return err
	}
	c := inTenant(scope, "users")
	set := "update users set client_id = " + c.arg(to) + ", subject = " + c.arg(estate.BotSubject(to)) + ", subject_key = " + c.arg(filter.Fold(estate.BotSubject(to))) + ", status = " + c.arg(string(estate.UserActive)) +
		", stopped_with_client = 0, updated_at = " + c.arg(micros(at))
	c.add("id = " + c.arg(id))
	if _, err := tx.exec(ctx, set+c.where(), c.args...); err != nil {
		if tx.conn.violated(err) != "" { // the subject is the client's too, and which of the two is found first is up to the engine
			err = constraintErrors["users.tenant_id, users.client_id"].Because(err)
		}
		return wrap("give bot", err)
	}
	if err := tx.botChanged(ctx, at, scope.Organization, scope.Tenant, bot.ClientID); err != nil {
		return err
	}
	return tx.botChanged(ctx, at, scope.Organization, scope.Tenant, to)
}

// DeleteUser removes a user of the tenant of scope.
func (tx *Tx) DeleteUser(ctx context.Context, scope estate.Scope, id estate.UserID, at time.Time) error {
	u, err := tx.User(ctx, scope, id)
	if err != nil {
		return err
	}
	c := inTenant(scope, "users")
	c.add("id = " + c.arg(id))
	if _, err := tx.exec(ctx, "delete from users"+c.where(), c.args...); err != nil {
		return wrap("delete user", err)
	}
	if err := tx.holdRoles(ctx, scope.Organization, scope.Tenant, string(id), nil); err != nil {
		return err
	}
	if err := tx.forgetAssignee(ctx, scope, string(id)); err != nil {
		return err
	}
	keys := inTenant(scope, "api_keys")
	keys.add("user_id = " + keys.arg(string(id)))
	if _, err := tx.exec(ctx, "delete from api_keys"+keys.where(), keys.args...); err != nil {
		return wrap("delete api keys of a user", err)
	}
	return tx.userChanged(ctx, at, u)
}
