package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// ClientQuery asks for a page of the clients of a realm.
type ClientQuery struct {
	Filter string // SCIM; empty: all
	Sort   string // comma-separated attributes with sign; empty: oldest first
	Next   string // cursor: the page after it
	Prev   string // cursor: the page before it
	Limit  int    // 1 to 100
	Total  bool   // count all that match
	Status string // active or disabled; anything else: both
}

// ClientView is a client as its reader may see it.
type ClientView struct {
	estate.Client
	Public     bool        // only what any user of the tenant may know
	Connection *Connection // of the tenant that reads; nil above the tenants
}

// ClientPage is a page of clients. Next and Prev are cursors, empty at the ends.
// Total is -1 unless it was asked for.
type ClientPage struct {
	Clients []ClientView
	Next    string
	Prev    string
	Total   int64
}

// ListClients lists the clients of a realm. A tenant's are its own and those that
// other tenants of its region and organization have published.
func (s *Service) ListClients(ctx context.Context, actor estate.Actor, realm Realm, q ClientQuery) (page ClientPage, err error) {
	ctx, span := telemetry.Start(ctx, "credential.ListClients", telemetry.Internal)
	defer span.End()
	sees, err := mayRead(actor, realm)
	if err != nil {
		return page, err
	}
	query := store.ClientQuery{Level: realm.Level, Published: realm.Level == estate.LevelTenant, Limit: q.Limit, Enabled: q.Status == "active", Disabled: q.Status == "disabled"}
	if q.Filter != "" {
		if query.Filter, err = filter.Parse(q.Filter, store.ClientSchema(realm.Level)); err != nil {
			return page, paging.Unparsed("filter", err)
		}
	}
	if query.Sort, err = filter.ParseSort(q.Sort, store.ClientSortAttributes(realm.Level)); err != nil {
		return page, paging.Unparsed("sort", err)
	}
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil {
		return page, err
	}
	if sent != "" {
		if query.From, err = parseCursor(sent, query.Sort); err != nil {
			return page, paging.Unparsed(parameter, err)
		}
		query.Backward = parameter == "prev"
	}
	page.Total = -1
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if realm.Level == estate.LevelRegion {
			if err := checkSubscription(ctx, tx, realm.Scope); err != nil {
				return err
			}
		}
		if q.Total {
			if page.Total, err = tx.CountClients(ctx, realm.Scope, query); err != nil {
				return err
			}
		}
		clients, more, err := tx.ClientPage(ctx, realm.Scope, query)
		if err != nil {
			return err
		}
		page.Next, page.Prev = clientCursors(query, clients, more)
		page.Clients, err = viewClients(ctx, tx, realm, sees, clients)
		return err
	})
	return page, err
}

// GetClient returns a client of a realm, or one that another tenant has published
// to it.
func (s *Service) GetClient(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) (v ClientView, err error) {
	sees, err := mayRead(actor, realm)
	if err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		c, err := find(ctx, tx, realm, id)
		if realm.Level == estate.LevelTenant && estate.HasCode(err, api.CodeClientNotFound) {
			c, err = tx.PublishedClient(ctx, realm.Scope, id)
		}
		if err != nil {
			return err
		}
		all, err := viewClients(ctx, tx, realm, sees, []estate.Client{c})
		if err == nil {
			v = all[0]
		}
		return err
	})
	return v, err
}

// viewClients adds what the tenant has decided about each client.
func viewClients(ctx context.Context, tx *store.Tx, realm Realm, sees view, clients []estate.Client) ([]ClientView, error) {
	views := make([]ClientView, len(clients))
	var foreign []estate.ClientID
	for i, c := range clients {
		views[i] = ClientView{Client: c, Public: sees < viewAll}
		if realm.Level == estate.LevelTenant && c.Scope != realm.Scope {
			views[i].Public = true
			foreign = append(foreign, c.ID)
		}
	}
	if realm.Level != estate.LevelTenant || sees < viewAll {
		return views, nil
	}
	decided, err := tx.ClientConnections(ctx, realm.Scope, foreign)
	for i, c := range clients {
		connection := connectionOf(realm.Scope, c, decided[c.ID])
		views[i].Connection = &connection
	}
	return views, err
}

// clientCursors returns where the pages around clients begin. The page one came
// from is always there to go back to.
func clientCursors(q store.ClientQuery, clients []estate.Client, more bool) (next, prev string) {
	if len(clients) == 0 {
		return "", ""
	}
	if more || q.Backward {
		next = formatCursor(store.PositionOfClient(clients[len(clients)-1], q.Sort), q.Sort)
	}
	if q.Backward && more || !q.Backward && q.From != nil {
		prev = formatCursor(store.PositionOfClient(clients[0], q.Sort), q.Sort)
	}
	return next, prev
}

func formatCursor(p store.ClientPosition, sort []filter.SortKey) string {
	return paging.Format(paging.Sorted("clients", sort), paging.Place{Values: p.Values, ID: string(p.ID)})
}

func parseCursor(text string, sort []filter.SortKey) (*store.ClientPosition, error) {
	place, err := paging.Parse[paging.Place](paging.Sorted("clients", sort), text)
	if err != nil {
		return nil, err
	}
	p := &store.ClientPosition{Values: place.Values, ID: estate.ClientID(place.ID)}
	if !p.Fits(sort) {
		return nil, paging.ErrCursor
	}
	return p, nil
}
