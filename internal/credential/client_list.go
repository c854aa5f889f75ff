package credential

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
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
	sees, err := mayRead(actor, realm)
	if err != nil {
		return page, err
	}
	query := store.ClientQuery{Level: realm.Level, Published: realm.Level == estate.LevelTenant, Limit: q.Limit, Enabled: q.Status == "active", Disabled: q.Status == "disabled"}
	if q.Filter != "" {
		if query.Filter, err = filter.Parse(q.Filter, store.ClientSchema(realm.Level)); err != nil {
			return page, badParameter("filter", err)
		}
	}
	if query.Sort, err = filter.ParseSort(q.Sort, store.ClientSortAttributes(realm.Level)); err != nil {
		return page, badParameter("sort", err)
	}
	switch {
	case q.Next != "" && q.Prev != "":
		return page, badParameter("prev", errors.New("next and prev exclude each other"))
	case q.Next != "":
		if query.From, err = parseCursor(q.Next, query.Sort); err != nil {
			return page, badParameter("next", err)
		}
	case q.Prev != "":
		if query.From, err = parseCursor(q.Prev, query.Sort); err != nil {
			return page, badParameter("prev", err)
		}
		query.Backward = true
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
		if realm.Level == estate.LevelTenant && isCode(err, api.CodeClientNotFound) {
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

// cursor is a position in a sorted list of clients. It carries no rights: every
// page is restricted to the caller's realm anew.
type cursor struct {
	Sort   string `json:"s"` // the order it was made for
	Values []any  `json:"v"` // strings, or integer microseconds
	ID     string `json:"i"`
}

var errCursor = errors.New("is not a cursor of this list in this order; take it from links.next or links.prev")

// maxCursor bounds the text of a cursor; names of 256 characters fit well.
const maxCursor = 8 << 10

func formatCursor(p store.ClientPosition, sort []filter.SortKey) string {
	text, err := json.Marshal(cursor{Sort: sortText(sort), Values: p.Values, ID: string(p.ID)})
	if err != nil {
		panic(err) //nolint:forbidigo // strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string, sort []filter.SortKey) (*store.ClientPosition, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > maxCursor {
		return nil, errCursor
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // microseconds don't fit a float exactly
	var c cursor
	if err := decoder.Decode(&c); err != nil || c.Sort != sortText(sort) {
		return nil, errCursor
	}
	p := &store.ClientPosition{ID: estate.ClientID(c.ID)}
	for _, v := range c.Values {
		if number, ok := v.(json.Number); ok {
			n, err := number.Int64()
			if err != nil {
				return nil, errCursor
			}
			v = n
		} else if _, ok := v.(string); !ok {
			return nil, errCursor
		}
		p.Values = append(p.Values, v)
	}
	if !p.Fits(sort) {
		return nil, errCursor
	}
	return p, nil
}

func sortText(sort []filter.SortKey) string {
	parts := make([]string, len(sort))
	for i, key := range sort {
		parts[i] = key.Attribute
		if key.Descending {
			parts[i] = "-" + key.Attribute
		}
	}
	return strings.Join(parts, ",")
}

// badParameter is the error for a query parameter that does not parse.
func badParameter(name string, err error) error {
	e := estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid "+name, err.Error())
	field := estate.Field{Parameter: name, Detail: err.Error()}
	var at *filter.Error
	if errors.As(err, &at) {
		field.Meta = map[string]int{"position": at.Position}
	}
	e.Fields = []estate.Field{field}
	return e
}
