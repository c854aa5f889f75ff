package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

// inventory serves total tenants by the organization API and notes what it is
// asked for.
type inventory struct {
	t        *testing.T
	total    int
	next     func(r *http.Request, cursor string) string // in place of the usual link
	requests []string
}

func (s *inventory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	line := r.Method + " " + r.URL.Path + "?" + query.Encode()
	if content := body(s.t, r); content != "" {
		line += " " + fmt.Sprint(len(content))
	}
	s.requests = append(s.requests, line)
	start, _ := strconv.Atoi(query.Get("next"))
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = 20
	}
	end := min(start+limit, s.total)
	page := api.OrganizationTenantList{Data: []api.OrganizationTenant{}}
	for i := start; i < end; i++ {
		page.Data = append(page.Data, api.OrganizationTenant{ID: fmt.Sprint(i)})
	}
	if query.Get("totalResults") == "true" {
		total := int64(s.total)
		page.TotalResults = &total
	}
	if end < s.total {
		cursor := fmt.Sprint(end)
		href := "https://" + r.Host + r.URL.Path + "?limit=" + fmt.Sprint(limit) + "&next=" + cursor
		if s.next != nil {
			href = s.next(r, cursor)
		}
		page.Links.Next = &api.Link{Href: href}
	}
	writeJSON(w, http.StatusOK, page)
}

func newInventory(t *testing.T, total int) (*inventory, *client.Client) {
	server := &inventory{t: t, total: total}
	return server, newInMemory(t, "console.example.com", server)
}

func TestClient_Tenants(t *testing.T) {
	server, c := newInventory(t, 45)
	var ids []string
	for tenant, err := range c.Tenants(t.Context(), client.TenantListOptions{Filter: `status eq "active"`, Sort: "+name,-createdAt"}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, tenant.ID)
	}
	if len(ids) != 45 || ids[44] != "44" {
		t.Errorf("got %d tenants: %v", len(ids), ids)
	}
	want := []string{
		"GET /api/core/tenants?filter=status+eq+%22active%22&sort=%2Bname%2C-createdAt",
		"GET /api/core/tenants?limit=20&next=20",
		"GET /api/core/tenants?limit=20&next=40",
	}
	if diff := cmp.Diff(want, server.requests); diff != "" {
		t.Error(diff)
	}
}

func TestClient_Tenants_fetchesOnlyWhatIsUsed(t *testing.T) {
	server, c := newInventory(t, 45)
	for _, err := range c.Tenants(t.Context(), client.TenantListOptions{Limit: 10}) {
		if err != nil || len(server.requests) == 2 {
			break
		}
	}
	if len(server.requests) != 2 {
		t.Errorf("requests %q", server.requests)
	}
}

func TestClient_Tenants_linkForms(t *testing.T) {
	for name, next := range map[string]func(r *http.Request, cursor string) string{
		"relative": func(_ *http.Request, cursor string) string { return "/api/core/tenants?next=" + cursor },
		"default port, upper case": func(r *http.Request, cursor string) string {
			return "HTTPS://" + strings.ToUpper(r.Host) + ":443/api/core/tenants?next=" + cursor
		},
	} {
		server, c := newInventory(t, 25)
		server.next = next
		n := 0
		for _, err := range c.Tenants(t.Context(), client.TenantListOptions{}) {
			if n++; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n != 25 {
			t.Errorf("%s: %d tenants", name, n)
		}
	}
}

func TestClient_Tenants_refusesBadLinks(t *testing.T) {
	for name, next := range map[string]func(r *http.Request, cursor string) string{
		"other host":   func(_ *http.Request, cursor string) string { return "https://evil.example/?next=" + cursor },
		"other scheme": func(r *http.Request, cursor string) string { return "http://" + r.Host + "/?next=" + cursor },
		"no URL":       func(*http.Request, string) string { return "%zz" },
		"itself":       func(r *http.Request, _ string) string { return "https://" + r.Host + r.URL.RequestURI() },
	} {
		server, c := newInventory(t, 45)
		server.next = next
		var n int
		var failure error
		for _, err := range c.Tenants(t.Context(), client.TenantListOptions{}) {
			if err != nil {
				failure = err
			} else {
				n++
			}
		}
		if failure == nil || n != 20 || len(server.requests) != 1 {
			t.Errorf("%s: %v after %d tenants and %q", name, failure, n, server.requests)
		}
		if strings.HasPrefix(name, "other") && !errors.Is(failure, client.ErrForeignOrigin) {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

func TestClient_ListTenants(t *testing.T) {
	server, c := newInventory(t, 45)
	page, err := c.ListTenants(t.Context(), client.TenantListOptions{Limit: 10, TotalResults: true})
	if err != nil || len(page.Data) != 10 || *page.TotalResults != 45 || len(server.requests) != 1 {
		t.Errorf("%+v, %v, %q", page, err, server.requests)
	}
}

func TestClient_ListTenants_longFilter(t *testing.T) {
	long := `id eq "` + strings.Repeat("x", 2000) + `"`
	content := fmt.Sprint(len(`{"filter":""}`) + len(long) + len(`\\`))
	server, c := newInventory(t, 45)
	n := 0
	for _, err := range c.Tenants(t.Context(), client.TenantListOptions{Filter: long, Limit: 30}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	// A next link that stays with the action takes the filter along.
	want := []string{
		"POST /api/core/tenants/actions/filter?limit=30 " + content,
		"POST /api/core/tenants/actions/filter?limit=30&next=30 " + content,
	}
	if diff := cmp.Diff(want, server.requests); diff != "" || n != 45 {
		t.Errorf("%d tenants, %s", n, diff)
	}

	// One that leads to the list is a plain GET.
	server, c = newInventory(t, 45)
	server.next = func(_ *http.Request, cursor string) string { return "/api/core/tenants?limit=30&next=" + cursor }
	for _, err := range c.Tenants(t.Context(), client.TenantListOptions{Filter: long, Limit: 30}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want[1] = "GET /api/core/tenants?limit=30&next=30"
	if diff := cmp.Diff(want, server.requests); diff != "" {
		t.Error(diff)
	}

	// Characters that a URL spells with three bytes count as such.
	server, c = newInventory(t, 1)
	if _, err := c.ListTenants(t.Context(), client.TenantListOptions{Filter: strings.Repeat(`"`, 700)}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(server.requests[0], "POST ") {
		t.Errorf("%q", server.requests)
	}
}

func TestClient_CountTenants(t *testing.T) {
	var got string
	c := newInMemory(t, "console.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.RequestURI()
		writeJSON(w, http.StatusOK, api.Count{Total: 42})
	}))
	n, err := c.CountTenants(t.Context(), `subscriptionId eq "1"`)
	if err != nil || n != 42 || got != "GET /api/core/tenants/actions/count?filter=subscriptionId+eq+%221%22" {
		t.Errorf("%d, %v, %s", n, err, got)
	}

	server, c := newInventory(t, 45)
	n, err = c.CountTenants(t.Context(), strings.Repeat("x", 2001))
	if err != nil || n != 45 || !strings.HasPrefix(server.requests[0], "POST /api/core/tenants/actions/filter?limit=1&totalResults=true") {
		t.Errorf("%d, %v, %q", n, err, server.requests)
	}
}

func TestClient_GetOrganizationTenant(t *testing.T) {
	for answer, want := range map[string]string{
		`{"data":[{"id":"t1"}],"links":{}}`:      "t1",
		`{"id":"t1","name":"x"}`:                 "t1",
		`{"data":[],"links":{}}`:                 "",
		`{"data":[{"id":"a"},{"id":"b"}]}`:       "",
		`[]`:                                     "",
		`{"data":7}`:                             "",
		`{"id":"t1","createdAt":"no time here"}`: "",
	} {
		c := newInMemory(t, "console.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/core/tenants/t1" {
				t.Errorf("path %s", r.URL.Path)
			}
			_, _ = w.Write([]byte(answer))
		}))
		tenant, err := c.GetOrganizationTenant(t.Context(), "t1")
		switch {
		case want == "" && err == nil:
			t.Errorf("%s was taken as %+v", answer, tenant)
		case want != "" && (err != nil || tenant.ID != want):
			t.Errorf("%s: %+v, %v", answer, tenant, err)
		}
	}
}
