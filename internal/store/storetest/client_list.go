package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// clientList is what is asked for, page by page.
type clientList struct {
	db    Database
	scope estate.Scope
	query store.ClientQuery
}

func (l clientList) page(t *testing.T, from *store.ClientPosition, backward bool) (page []estate.Client, more bool) {
	t.Helper()
	q := l.query
	q.From, q.Backward = from, backward
	read(t, l.db, func(tx *store.Tx) (_ bool, err error) {
		page, more, err = tx.ClientPage(t.Context(), l.scope, q)
		return more, err
	})
	return page, more
}

// walk reads page after page in one direction, and returns what it saw in the
// order of the list.
func (l clientList) walk(t *testing.T, backward bool) (all []estate.ClientID) {
	t.Helper()
	var from *store.ClientPosition
	for {
		page, more := l.page(t, from, backward)
		ids := idsOfClients(page)
		if backward {
			all = append(ids, all...)
		} else {
			all = append(all, ids...)
		}
		if !more {
			return all
		}
		if len(page) != l.query.Limit {
			t.Fatalf("%d clients on a page, want %d", len(page), l.query.Limit)
		}
		last := page[len(page)-1]
		if backward {
			last = page[0]
		}
		position := store.PositionOfClient(last, l.query.Sort)
		if !position.Fits(l.query.Sort) {
			t.Fatalf("position %+v does not fit its own order", position)
		}
		from = &position
	}
}

func (l clientList) count(t *testing.T) int64 {
	t.Helper()
	return read(t, l.db, func(tx *store.Tx) (int64, error) { return tx.CountClients(t.Context(), l.scope, l.query) })
}

func idsOfClients(clients []estate.Client) (ids []estate.ClientID) {
	for _, c := range clients {
		ids = append(ids, c.ID)
	}
	return ids
}

// sortedClients are the ids in the order of sort: the plain way.
func sortedClients(clients []estate.Client, sort []filter.SortKey) []estate.ClientID {
	switch {
	case len(sort) == 0:
		sort = []filter.SortKey{{Attribute: "createdAt"}}
	case len(sort) == 1 && sort[0].Attribute == "regionCode":
		sort = append(slices.Clone(sort), filter.SortKey{Attribute: "createdAt", Descending: sort[0].Descending})
	}
	sort = append(slices.Clone(sort), filter.SortKey{Attribute: "clientId", Descending: sort[len(sort)-1].Descending})
	sorted := slices.Clone(clients)
	slices.SortFunc(sorted, func(a, b estate.Client) int {
		for _, key := range sort {
			if c := compareClients(a, b, key.Attribute); c != 0 {
				if key.Descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
	return idsOfClients(sorted)
}

func compareClients(a, b estate.Client, attribute string) int {
	switch attribute {
	case "createdAt":
		return a.CreatedAt.Compare(b.CreatedAt)
	case "updatedAt":
		return a.UpdatedAt.Compare(b.UpdatedAt)
	}
	return cmp.Compare(textOfClient(a, attribute), textOfClient(b, attribute))
}

func textOfClient(c estate.Client, attribute string) string {
	switch attribute {
	case "clientId":
		return string(c.ID)
	case "clientName":
		return filter.Fold(c.Name)
	case "appType":
		return c.AppType
	case "createdByType":
		return c.CreatedByType
	case "tenantId":
		return string(c.Scope.Tenant)
	case "regionCode":
		return string(c.Scope.Region)
	}
	return ""
}

// listed are clients at each level of a subscription, with many values in
// common, and some that no list of it shows.
type listed struct {
	home, next estate.Tenant
	clients    []estate.Client // of the subscription's level and below
}

func newListed(t *testing.T, db Database) (sample, listed) {
	t.Helper()
	s := newSample(t, db)
	l := listed{home: tenant(s.sub, europe, 1), next: tenant(s.sub, europe, 2)}
	foreign := tenant(s.others, europe, 3)
	insertTenants(t, db, l.home, l.next, foreign)
	region := func(of estate.Subscription, code estate.RegionCode) estate.Scope {
		return estate.Scope{Organization: of.Organization, Subscription: of.ID, Region: code}
	}
	n := 0
	add := func(level estate.Level, scope estate.Scope) estate.Client {
		n++
		c := client(level, scope, n*7919%1000) // ids in another order than the rest
		c.Secrets = c.Secrets[:1]
		c.Name, c.AppType = drawnNames[n*5%len(drawnNames)], []string{"native", "spa", "web"}[n%3]
		c.CreatedByType = []string{"account", "client"}[n%2]
		c.CreatedAt, c.UpdatedAt = moment(n*3%5), moment(n*7%4)
		insertClients(t, db, c)
		return c
	}
	for range 12 {
		l.clients = append(l.clients, add(estate.LevelTenant, l.home.Scope()), add(estate.LevelTenant, l.next.Scope()),
			add(estate.LevelRegion, region(s.sub, "eu")), add(estate.LevelRegion, region(s.sub, "us")))
		add(estate.LevelOrganization, all(s.acme))
		add(estate.LevelTenant, foreign.Scope())
		add(estate.LevelRegion, region(s.second, "eu"))
	}
	deleteClient(t, db, add(estate.LevelTenant, l.home.Scope()), moment(9))
	deleteClient(t, db, add(estate.LevelRegion, region(s.sub, "eu")), moment(9))
	return s, l
}

func (l listed) those(which func(estate.Client) bool) []estate.Client {
	return slices.DeleteFunc(slices.Clone(l.clients), func(c estate.Client) bool { return !which(c) })
}

// testClientPages walks through lists in every order and compares them with a
// plain model.
func testClientPages(t *testing.T, db Database) {
	s, l := newListed(t, db)
	tenantly := func(c estate.Client) bool { return c.Level == estate.LevelTenant }
	regionally := func(c estate.Client) bool { return c.Level == estate.LevelRegion }
	atHome := func(c estate.Client) bool { return c.Scope == l.home.Scope() }
	for name, list := range map[string]struct {
		scope   estate.Scope
		query   store.ClientQuery
		clients []estate.Client
	}{
		"tenant":           {l.home.Scope(), store.ClientQuery{Level: estate.LevelTenant}, l.those(atHome)},
		"with published":   {l.home.Scope(), store.ClientQuery{Level: estate.LevelTenant, Published: true}, l.those(tenantly)},
		"subscription":     {of(s.sub), store.ClientQuery{Level: estate.LevelRegion}, l.those(regionally)},
		"nothing":          {l.home.Scope(), store.ClientQuery{Level: estate.LevelRegion}, nil},
		"another's tenant": {estate.Scope{Organization: s.other.ID, Tenant: l.home.ID}, store.ClientQuery{Level: estate.LevelTenant, Published: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			attributes := store.ClientSortAttributes(list.query.Level)
			orders := [][]filter.SortKey{nil}
			for i, attribute := range attributes {
				for _, descending := range []bool{false, true} {
					key := filter.SortKey{Attribute: attribute, Descending: descending}
					second := filter.SortKey{Attribute: attributes[(i+2)%len(attributes)], Descending: i%2 == 0}
					orders = append(orders, []filter.SortKey{key}, []filter.SortKey{key, second})
				}
			}
			for i, order := range orders {
				walker := clientList{db: db, scope: list.scope, query: list.query}
				walker.query.Sort, walker.query.Limit = order, 1+i%5
				want := sortedClients(list.clients, order)
				equal(t, fmt.Sprintf("forward by %v", order), walker.walk(t, false), want)
				equal(t, fmt.Sprintf("backward by %v", order), walker.walk(t, true), want)
				equal(t, "count", walker.count(t), int64(len(want)))
			}
		})
	}
	t.Run("filters", func(t *testing.T) { testClientFilters(t, db, l) })
	t.Run("contents", func(t *testing.T) { testClientPageContents(t, db, l) })
}

func testClientFilters(t *testing.T, db Database, l listed) {
	id, name := string(l.clients[4].ID), l.clients[8].Name
	eq := func(attribute, text string) func(estate.Client) bool {
		return func(c estate.Client) bool { return textOfClient(c, attribute) == text }
	}
	not := func(which func(estate.Client) bool) func(estate.Client) bool {
		return func(c estate.Client) bool { return !which(c) }
	}
	for text, which := range map[string]func(estate.Client) bool{
		fmt.Sprintf("clientId eq %q", id):                 eq("clientId", id),
		fmt.Sprintf("clientId ne %q", id):                 not(eq("clientId", id)),
		fmt.Sprintf("clientName eq %q", name):             eq("clientName", filter.Fold(name)),
		fmt.Sprintf("clientName ne %q", name):             not(eq("clientName", filter.Fold(name))),
		`clientName co "B"`:                               func(c estate.Client) bool { return strings.Contains(filter.Fold(c.Name), "b") },
		`clientName co "%"`:                               func(c estate.Client) bool { return strings.Contains(c.Name, "%") },
		`clientName co "_"`:                               func(c estate.Client) bool { return strings.Contains(c.Name, "_") },
		`clientName co "\\"`:                              func(c estate.Client) bool { return strings.Contains(c.Name, `\`) },
		`clientName co ""`:                                func(estate.Client) bool { return true },
		`appType eq "WEB"`:                                eq("appType", "web"),
		`appType ne "web"`:                                not(eq("appType", "web")),
		`createdByType eq "client"`:                       eq("createdByType", "client"),
		`tenantId eq "` + string(l.next.ID) + `"`:         eq("tenantId", string(l.next.ID)),
		`tenantId ne "` + string(l.next.ID) + `"`:         not(eq("tenantId", string(l.next.ID))),
		`not (appType eq "web")`:                          not(eq("appType", "web")),
		`appType eq "spa" and createdByType eq "account"`: func(c estate.Client) bool { return c.AppType == "spa" && c.CreatedByType == "account" },
		`clientId eq "' or 1=1 --"`:                       func(estate.Client) bool { return false },
		// A filter narrows what is in scope, whatever it says.
		`appType eq "spa" or clientId ne ""`: func(estate.Client) bool { return true },
	} {
		for _, published := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s published %v", text, published), func(t *testing.T) {
				expr, err := filter.Parse(text, store.ClientSchema(estate.LevelTenant))
				if err != nil {
					t.Fatal(err)
				}
				list := clientList{db: db, scope: l.home.Scope(), query: store.ClientQuery{Level: estate.LevelTenant, Published: published, Filter: expr, Limit: 5}}
				want := sortedClients(l.those(func(c estate.Client) bool {
					return which(c) && (c.Scope == l.home.Scope() || published && c.Scope == l.next.Scope())
				}), nil)
				equal(t, "filtered", list.walk(t, false), want)
				equal(t, "count", list.count(t), int64(len(want)))
			})
		}
	}
}

// testClientPageContents: an owner sees its clients whole, others without their
// secrets, and never more than a page.
func testClientPageContents(t *testing.T, db Database, l listed) {
	list := clientList{db: db, scope: l.home.Scope(), query: store.ClientQuery{Level: estate.LevelTenant, Published: true, Limit: store.MaxPage}}
	page, more := list.page(t, nil, false)
	equal(t, "more", more, false)
	for _, c := range page {
		i := slices.IndexFunc(l.clients, func(known estate.Client) bool { return known.ID == c.ID })
		want := l.clients[i]
		if want.Scope != l.home.Scope() {
			want.Secrets = nil
		}
		equal(t, "client", c, want)
	}
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, len(page) - 1: len(page) - 1, len(page): len(page)} {
		list.query.Limit = limit
		got, more := list.page(t, nil, false)
		if len(got) != want || more != (want < len(page)) {
			t.Errorf("limit %d: %d clients, more: %v", limit, len(got), more)
		}
	}
	for n := range store.MaxPage {
		insertClients(t, db, client(estate.LevelTenant, l.home.Scope(), 10_000+n))
	}
	list.query.Limit = 10 * store.MaxPage
	page, more = list.page(t, nil, false)
	if len(page) != store.MaxPage || !more {
		t.Errorf("%d clients on the largest page, more: %v", len(page), more)
	}
}
