package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

func listBots(x *exchange) (list api.BotList, err error) {
	all, err := x.server.Credential.Orphans(x.r.Context(), x.actor, x.actor.Scope, 0)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Bot, len(all))
	for i, o := range all {
		list.Data[i] = wireOrphan(o)
	}
	list.Links.Self = x.pageLink(x.r.URL.RawQuery)
	return list, nil
}

func wireOrphan(o credential.Orphan) api.Bot {
	b := api.Bot{
		ID:          string(o.Bot.ID),
		Name:        o.Bot.Name,
		TenantID:    string(o.Tenant.ID),
		TenantName:  o.Tenant.Name,
		ClientID:    string(o.Client.ID),
		ClientName:  o.Client.Name,
		ClientLevel: string(o.Client.Level),
		Reason:      "deleted",
		Since:       api.Time{Time: o.Client.DeletedAt},
		Owns:        make([]api.Owned, len(o.Spaces)),
	}
	for i, space := range o.Spaces {
		b.Owns[i] = api.Owned{Type: "space", ID: string(space.ID), Name: space.Name}
	}
	if o.Client.DeletedAt.IsZero() {
		b.Reason, b.Since = "disabled", api.Time{Time: o.Client.DisabledAt}
	}
	return b
}

func adoptBot(x *exchange) error {
	var in api.AdoptBotRequest
	if err := x.readJSON(&in); err != nil {
		return err
	}
	_, err := x.server.Credential.AdoptBot(x.r.Context(), x.actor, x.actor.Scope, x.bot(), estate.ClientID(in.ClientID))
	return err
}

func removeBot(x *exchange) error {
	return x.server.Credential.RemoveBot(x.r.Context(), x.actor, x.actor.Scope, x.bot())
}

// bot is the bot that the path names.
func (x *exchange) bot() estate.UserID { return estate.UserID(x.r.PathValue("userId")) }
