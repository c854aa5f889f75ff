package httpapi_test

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

var sortAttributes = map[string]func(a, b api.OrganizationTenant) int{
	"name": func(a, b api.OrganizationTenant) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	},
	"regionCode":     func(a, b api.OrganizationTenant) int { return strings.Compare(a.RegionCode, b.RegionCode) },
	"countryCode":    func(a, b api.OrganizationTenant) int { return strings.Compare(a.CountryCode, b.CountryCode) },
	"hostnames":      func(a, b api.OrganizationTenant) int { return strings.Compare(a.Hostnames[0], b.Hostnames[0]) },
	"createdAt":      func(a, b api.OrganizationTenant) int { return a.CreatedAt.Compare(b.CreatedAt.Time) },
	"updatedAt":      func(a, b api.OrganizationTenant) int { return a.UpdatedAt.Compare(b.UpdatedAt.Time) },
	"status":         func(a, b api.OrganizationTenant) int { return strings.Compare(a.Status, b.Status) },
	"subscriptionId": func(a, b api.OrganizationTenant) int { return strings.Compare(a.SubscriptionID, b.SubscriptionID) },
}

// inOrder tells whether tenants are in the order that a sort parameter asks for.
// What it leaves open may be in any order.
func inOrder(tenants []api.OrganizationTenant, sort string) bool {
	return slices.IsSortedFunc(tenants, func(a, b api.OrganizationTenant) int {
		for key := range strings.SplitSeq(cmp.Or(sort, "createdAt"), ",") {
			order := sortAttributes[strings.TrimLeft(key, "+-")](a, b)
			if strings.HasPrefix(key, "-") {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// sorts are the orders that the tests try: every attribute both ways, and
// combinations.
func sorts() []string {
	all := []string{"", "status,-name", "-regionCode,createdAt", "countryCode,status,-updatedAt", "-status,-subscriptionId,-hostnames", "subscriptionId,+name", "-name,createdAt,status"}
	for name := range sortAttributes {
		all = append(all, name, "-"+name, "+"+name)
	}
	slices.Sort(all)
	return all
}

// walk follows the links of a page in one direction to the end.
func (i *inventory) walk(t *testing.T, page api.OrganizationTenantList, step func(api.PageLinks) *api.Link) (pages []api.OrganizationTenantList) {
	t.Helper()
	for {
		pages = append(pages, page)
		link := step(page.Links)
		if link == nil || len(pages) > 100 {
			return pages
		}
		answer := i.Do(testenv.Request{URL: link.Href, Token: i.token})
		page = api.OrganizationTenantList{}
		answer.Into(&page)
	}
}

func next(links api.PageLinks) *api.Link { return links.Next }
func prev(links api.PageLinks) *api.Link { return links.Prev }

func flat(pages []api.OrganizationTenantList) (all []api.OrganizationTenant) {
	for _, page := range pages {
		all = append(all, page.Data...)
	}
	return all
}

// TestListTenants_SortAndPage reads one big page in every order, checks the order
// by itself, and then walks there and back in small pages.
func TestListTenants_SortAndPage(t *testing.T) {
	i := newInventory(t)
	for _, sort := range sorts() {
		query := "sort=" + url.QueryEscape(sort)
		whole := i.list(t, query+"&limit=100").Data
		want := ids(whole)
		if !inOrder(whole, sort) || len(want) != len(i.all) {
			t.Errorf("sort=%s: %d tenants out of order", sort, len(want))
			continue
		}
		there := i.walk(t, i.list(t, query+"&limit=5&unknown=kept"), next)
		if have := ids(flat(there)); !slices.Equal(have, want) || len(there) != 3 {
			t.Errorf("sort=%s, there: %d pages, %v\nwant %v", sort, len(there), have, want)
		}
		back := i.walk(t, there[len(there)-1], prev)
		slices.Reverse(back)
		if have := ids(flat(back)); !slices.Equal(have, want) || len(back) != 3 {
			t.Errorf("sort=%s, back: %d pages, %v\nwant %v", sort, len(back), have, want)
		}
		again := i.walk(t, back[0], next)
		if have := ids(flat(again)); !slices.Equal(have, want) {
			t.Errorf("sort=%s, there again: %v\nwant %v", sort, have, want)
		}
		for _, page := range slices.Concat(there, back, again) {
			for _, link := range []*api.Link{page.Links.Next, page.Links.Prev} {
				if link == nil {
					continue
				}
				u, err := url.Parse(link.Href)
				if err != nil || !strings.HasPrefix(link.Href, i.Console()+"/api/core/tenants?") || u.Query().Get("sort") != sort ||
					u.Query().Get("limit") != "5" || u.Query().Get("unknown") != "kept" || u.Query().Has("next") == u.Query().Has("prev") {
					t.Errorf("link %s", link.Href)
				}
			}
		}
	}
}

// TestListTenants_SortInTheURL sends the sign of a key as clients do.
func TestListTenants_SortInTheURL(t *testing.T) {
	i := newInventory(t)
	want := ids(i.list(t, "limit=100&sort=name,-createdAt").Data)
	for _, sort := range []string{"name,-createdAt", "%2Bname,-createdAt", "+name,-createdAt", "name%2C-createdAt", "name,%20-createdAt", "NAME,-CREATEDAT"} {
		if have := ids(i.list(t, "limit=100&sort="+sort).Data); !slices.Equal(have, want) {
			t.Errorf("sort=%s: %v, want %v", sort, have, want)
		}
	}
}

// TestListTenants_LinksDoNotGrow: some clients add their parameters to each link.
func TestListTenants_LinksDoNotGrow(t *testing.T) {
	i := newInventory(t)
	list := i.list(t, "limit=2&limit=2&sort=name&limit=3")
	if len(list.Data) != 2 || list.Links.Next == nil {
		t.Fatalf("%+v", list)
	}
	if href := list.Links.Next.Href; strings.Count(href, "limit=") != 1 || !strings.Contains(href, "limit=2") || !strings.Contains(href, "sort=name") {
		t.Errorf("next: %s", href)
	}
}

// TestListTenants_PageWhileTenantsAppear creates tenants on both sides of where
// the reader is. Whoever was there when the walk began is seen exactly once, and
// nobody twice.
func TestListTenants_PageWhileTenantsAppear(t *testing.T) {
	i := newInventory(t)
	made := 0
	create := func(name string) {
		t.Helper()
		made++
		i.Clock.Advance(time.Millisecond)
		tenant := tenancy.NewTenant{Name: fmt.Sprintf("%s %d", name, made)}
		if _, err := i.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, i.Subscription(2).ID, "eu", tenant); err != nil {
			t.Fatal(err)
		}
	}
	for _, sort := range []string{"", "-createdAt", "name", "-name", "-regionCode,name", "status,-createdAt"} {
		before := ids(i.list(t, "limit=100").Data)
		seen := map[string]int{}
		page := i.list(t, "limit=4&sort="+sort)
		for turn := 0; ; turn++ {
			for _, tenant := range page.Data {
				seen[tenant.ID]++
			}
			if page.Links.Next == nil || turn > 100 {
				break
			}
			if turn < 3 {
				create("AAA") // sorts before and
				create("zzz") // after most
			}
			link := page.Links.Next.Href
			page = api.OrganizationTenantList{}
			i.Do(testenv.Request{URL: link, Token: i.token}).Into(&page)
		}
		missed, twice := 0, 0
		for _, id := range before {
			if seen[id] == 0 {
				missed++
			}
		}
		for _, times := range seen {
			if times > 1 {
				twice++
			}
		}
		if missed > 0 || twice > 0 {
			t.Errorf("sort=%s: of %d tenants %d were missed, %d seen more than once", sort, len(before), missed, twice)
		}
	}
}

// TestListTenants_PageAfterTheCursorIsGone reads on from a tenant that is no
// more.
func TestListTenants_PageAfterTheCursorIsGone(t *testing.T) {
	i := newInventory(t)
	want := ids(i.list(t, "limit=100&sort=name").Data)
	page := i.list(t, "limit=5&sort=name")
	gone := page.Data[4].ID
	sqlExec(t, i.Env, "delete from hostnames where tenant_id = ?", gone)
	sqlExec(t, i.Env, "delete from tenant_labels where tenant_id = ?", gone)
	sqlExec(t, i.Env, "delete from tenants where id = ?", gone)
	if have := ids(flat(i.walk(t, page, next))); !slices.Equal(have, want) {
		t.Errorf("walked %v, want %v", have, want)
	}
}

func TestListTenants_Cursors(t *testing.T) {
	i := newInventory(t)
	cursorOf := func(query string) string {
		u, err := url.Parse(i.list(t, query).Links.Next.Href)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("next")
	}
	byName := cursorOf("limit=3&sort=name")
	for _, name := range []string{"next", "prev"} {
		for what, query := range map[string]string{
			"of another order":      "sort=-name",
			"of another attribute":  "sort=status",
			"of more keys":          "sort=name,status",
			"of the default order":  "sort=",
			"of no order mentioned": "",
		} {
			expectParameter(t, name+" "+what, i.get(query+"&"+name+"="+byName), name)
		}
		for what, cursor := range map[string]string{
			"garbage": "garbage", "cut short": byName[:len(byName)-3], "with something after": byName + "A", "in capitals": strings.ToUpper(byName),
			"an object id": "6305f0a2b1c4d5e6f7a8b9c0", "JSON": url.QueryEscape(`{"s":"name"}`), "null": "bnVsbA", "an empty object": "e30", "padded": url.QueryEscape(byName + "="),
		} {
			expectParameter(t, name+" that is "+what, i.get("sort=name&"+name+"="+cursor), name)
		}
	}
	expectParameter(t, "next and prev", i.get("sort=name&next="+byName+"&prev="+byName), "prev")
	expect(t, "same order in other words", i.get("sort=%2BNAME&next="+byName), 200, "")
	if list := i.list(t, "limit=0&sort=name&next="+byName); len(list.Data) != 0 || list.Links.Next != nil || list.Links.Prev != nil {
		t.Errorf("limit=0 with a cursor: %+v", list.Links)
	}
}
