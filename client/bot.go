package client

import (
	"context"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

// Bots deals with the bots that have lost their client. It is made by one of the
// methods of [Client] that return one.
type Bots struct {
	c    *Client
	path string
}

// TenantBots deals with those of a tenant, on its host.
func (c *Client) TenantBots() Bots { return Bots{c, "/api/v1/bots"} }

// OrganizationBots deals with those that organization-level and region-level
// clients have left in any tenant, on the console host.
func (c *Client) OrganizationBots() Bots { return Bots{c, "/api/core/bots"} }

// List returns all of them, by tenant.
func (b Bots) List(ctx context.Context) ([]api.Bot, error) {
	list, err := get[api.BotList](ctx, b.c, b.path)
	if err != nil {
		return nil, err
	}
	return list.Data, nil
}

// Adopt makes a bot that of another client of the same level and place, with all
// that it owns.
func (b Bots) Adopt(ctx context.Context, id, clientID string) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return b.c.Do(ctx, http.MethodPost, b.path+"/"+segment+"/actions/adopt", nil, api.AdoptBotRequest{ClientID: clientID}, nil)
}

// Remove deletes a bot from its tenant, for good.
func (b Bots) Remove(ctx context.Context, id string) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return b.c.Do(ctx, http.MethodDelete, b.path+"/"+segment, nil, nil, nil)
}
