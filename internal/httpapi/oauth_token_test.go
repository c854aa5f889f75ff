package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// listGrants reads the list at a link as the holder of token. A grant is there as soon
// as its first token is.
func listGrants(t testing.TB, e *testenv.Env, link, token string) api.OAuthTokenList {
	t.Helper()
	response, body := tokenCall(t, e, "GET", link, "", bearerHeader(token))
	var list api.OAuthTokenList
	if err := json.Unmarshal([]byte(body), &list); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", link, response.Status, body)
	}
	return list
}

func TestOAuthTokens_List(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	origin := e.TenantURL(tenant)
	link := origin + "/api/v1/oauth-tokens"
	region, plain := e.RegionClient(sub, "us"), e.TenantClient(tenant, "user_default")
	admin := e.Token(origin, region)
	own := e.Token(origin, plain)
	for range 5 {
		e.Token(origin, e.TenantClient(tenant))
		e.Token(origin, plain) // more tokens, no more entries
	}
	elsewhere := e.Tenant(sub, "us")
	e.Token(e.TenantURL(elsewhere), region)

	all := listGrants(t, e, link, admin)
	if len(all.Data) != 7 || all.Links.Next != nil || all.Links.Prev != nil || all.Links.Self.Href != link {
		t.Fatalf("%d entries, links %+v", len(all.Data), all.Links)
	}
	ids := func(list api.OAuthTokenList) (ids []string) {
		for _, entry := range list.Data {
			if entry.TenantID != string(tenant.ID) {
				t.Errorf("an entry of tenant %s", entry.TenantID)
			}
			ids = append(ids, entry.ID)
		}
		return ids
	}
	if !slices.IsSortedFunc(all.Data, func(a, b api.OAuthToken) int { return strings.Compare(a.UserID, b.UserID) }) {
		t.Error("not in the order of users")
	}

	t.Run("pages forward and back", func(t *testing.T) {
		var there []string
		page := listGrants(t, e, link+"?limit=3", admin)
		for there = append(there, ids(page)...); page.Links.Next != nil; there = append(there, ids(page)...) {
			page = listGrants(t, e, page.Links.Next.Href, admin)
		}
		if !slices.Equal(there, ids(all)) {
			t.Errorf("forward: %v, want %v", there, ids(all))
		}
		back := ids(page)
		for page.Links.Prev != nil {
			page = listGrants(t, e, page.Links.Prev.Href, admin)
			back = append(ids(page), back...)
		}
		if !slices.Equal(back, ids(all)) {
			t.Errorf("back: %v, want %v", back, ids(all))
		}
		down := ids(listGrants(t, e, link+"?sort=-userId", admin))
		slices.Reverse(down)
		if !slices.Equal(down, ids(all)) {
			t.Errorf("descending is not the reverse")
		}
	})
	t.Run("others see their own", func(t *testing.T) {
		mine := listGrants(t, e, link, own)
		if len(mine.Data) != 1 || mine.Data[0].ClientID != string(plain.ID) || mine.Data[0].Description == nil || *mine.Data[0].Description != plain.Name {
			t.Fatalf("%+v", mine.Data)
		}
		for _, entry := range all.Data {
			narrowed := listGrants(t, e, link+"?userId="+entry.UserID, own)
			if want := entry.UserID == mine.Data[0].UserID; want != (len(narrowed.Data) == 1) {
				t.Errorf("entries of %s: %+v", entry.UserID, narrowed.Data)
			}
			if narrowed := listGrants(t, e, link+"?userId="+entry.UserID, admin); len(narrowed.Data) != 1 {
				t.Errorf("the administrator sees %d entries of %s", len(narrowed.Data), entry.UserID)
			}
		}
	})
	t.Run("refuses", func(t *testing.T) {
		for _, query := range []string{"limit=0", "limit=101", "limit=many", "sort=lastUsed", "userId=someone", "page=x", "page=" + url.QueryEscape("eyJ1IjoiIn0")} {
			if response, body := tokenCall(t, e, "GET", link+"?"+query, "", bearerHeader(admin)); response.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s %s", query, response.Status, body)
			}
		}
		if response, _ := tokenCall(t, e, "GET", link, "", nil); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("nobody: %s", response.Status)
		}
	})
}

func TestOAuthTokens_Delete(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	origin := e.TenantURL(tenant)
	link := origin + "/api/v1/oauth-tokens"
	region, plain, other := e.RegionClient(sub, "us"), e.TenantClient(tenant, "user_default"), e.TenantClient(tenant, "user_default")
	remove := func(id, token string) int {
		t.Helper()
		response, _ := tokenCall(t, e, "DELETE", link+"/"+id, "", bearerHeader(token))
		return response.StatusCode
	}
	// The clock stands still: all of it happens in one millisecond.
	admin, mine, theirs := e.Token(origin, region), e.Token(origin, plain), e.Token(origin, other)
	id := listGrants(t, e, link, mine).Data[0].ID

	if got := remove(id, theirs); got != http.StatusNotFound {
		t.Errorf("another user: %d", got)
	}
	if got := remove("0123456789abcdef01234567", admin); got != http.StatusNotFound {
		t.Errorf("no such entry: %d", got)
	}
	if !tokenWorks(t, e, origin, mine) {
		t.Fatal("a refused request revoked the token")
	}
	for round := range 3 { // also what was issued after an earlier deletion
		second := e.Token(origin, plain)
		id = listGrants(t, e, link, second).Data[0].ID
		caller := admin
		if round == 1 {
			caller = second
		}
		if got := remove(id, caller); got != http.StatusNoContent {
			t.Fatalf("delete: %d", got)
		}
		if tokenWorks(t, e, origin, second) || tokenWorks(t, e, origin, mine) {
			t.Error("a token still works")
		}
		if introspectAs(t, e, origin, region, second).Active {
			t.Error("a token is still active")
		}
		if entries := listGrants(t, e, link, admin).Data; slices.ContainsFunc(entries, func(g api.OAuthToken) bool { return g.ClientID == string(plain.ID) }) {
			t.Error("the entry is still listed")
		}
	}
	if again := e.Token(origin, plain); !tokenWorks(t, e, origin, again) || len(listGrants(t, e, link, again).Data) != 1 {
		t.Error("a new token does not work")
	}
	if !tokenWorks(t, e, origin, theirs) || !tokenWorks(t, e, origin, admin) {
		t.Error("tokens of others were revoked")
	}
	found := false
	for _, r := range auditOf(t, e, tenant.Scope()) {
		if r.Action != "oauth-token.delete" || r.Target != id {
			continue
		}
		found = true
		told := event.Data(r)
		of, _ := told["revokedContext"].(map[string]any)
		if told["revokedAt"] == nil || told["revokedBy"] == "" || told["revokedByBearer"] != false || of["grantId"] != id || of["clientId"] != string(plain.ID) || of["userId"] == nil {
			t.Errorf("the event tells %v", told)
		}
	}
	if !found {
		t.Error("there is no audit record")
	}
}
