package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestQuery_NothingDisappears: a semicolon is a character of a value, and what is not
// percent-encoded is refused, instead of a filter that is left out and lets all through.
func TestQuery_NothingDisappears(t *testing.T) {
	c := newDirectoryCaller(t)
	c.newUser(t, "ada")
	for _, list := range []string{"users", "roles", "groups", "spaces", "oauth-clients", "users/actions/count"} {
		filter := `%20eq%20%22a;z%22`
		attribute := "name"
		if list == "oauth-clients" {
			attribute = "clientName"
		}
		var found struct {
			Data  []any
			Total int64
		}
		answer := c.get(list + "?limit=5&filter=" + attribute + filter)
		expect(t, list, answer, http.StatusOK, "")
		if answer.Into(&found); len(found.Data) != 0 || found.Total != 0 {
			t.Errorf("%s: a filter with a semicolon lets %d through", list, max(int64(len(found.Data)), found.Total))
		}
		expect(t, list, c.get(list+"?filter=name%20eq%20%22100%%22"), http.StatusBadRequest, api.CodeInvalidRequest)
	}
}

// TestQuery_Python: Python's clients write True and False.
func TestQuery_Python(t *testing.T) {
	c := newDirectoryCaller(t)
	var list api.UserList
	c.get("users?limit=1&totalResults=True").Into(&list)
	if list.TotalResults == nil || len(list.Data) != 1 {
		t.Errorf("%+v", list)
	}
	list = api.UserList{}
	if c.get("users?totalResults=False").Into(&list); list.TotalResults != nil {
		t.Errorf("a total of %d", *list.TotalResults)
	}
}

// TestListUsers_OldParameters: what the contract once had for single attributes
// restricts, and what can't be done any more is refused instead of ignored.
func TestListUsers_OldParameters(t *testing.T) {
	c := newDirectoryCaller(t)
	ada := c.newUser(t, "ada")
	subject := ada.Subject
	for query, want := range map[string]int{
		"email=nobody@example.com": 0, "subject=" + url.QueryEscape(subject): 1, "subject=nobody": 0, "status=disabled": 0, "role=tenantadmin": 1, "role=Developer": 0,
		"tenantId=x": 0, "tenantId=" + string(c.tenant.ID) + "&subject=" + url.QueryEscape(subject): 1, "email=": 2,
		"filter=" + url.QueryEscape(`assignedRoles.name eq "TENANTADMIN"`): 1,
	} {
		var list api.UserList
		if c.get("users?" + query).Into(&list); len(list.Data) != want || list.Data == nil {
			t.Errorf("%s: %d users, want %d", query, len(list.Data), want)
		}
	}
	expect(t, "startingAfter", c.get("users?startingAfter="+ada.ID), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "invited without an address", c.post("users", map[string]any{"subject": "x", "status": "invited"}), http.StatusBadRequest, api.CodeUserInvalid)
	plain := c.Do(testenv.Request{Method: http.MethodPost, URL: c.TenantURL(c.tenant) + "/api/v1/users", Token: c.token, Body: "\ufeff" + `{"subject":"windows"}`, Header: map[string]string{"Content-Type": "application/json"}})
	expect(t, "byte order mark", plain, http.StatusCreated, "")
}

// TestAssignedRoles_AnyCase: names of roles in filters are taken whatever the case, those
// of custom roles too.
func TestAssignedRoles_AnyCase(t *testing.T) {
	c := newDirectoryCaller(t)
	u := c.newUser(t, "ada")
	expect(t, "role", c.post("roles", map[string]any{"name": "Help Désk Ü"}), http.StatusCreated, "")
	expect(t, "give", c.patch("users/"+u.ID, op("add", "/assignedRoles", []any{map[string]any{"name": "Help Désk Ü"}})), http.StatusNoContent, "")
	expect(t, "group", c.post("groups", map[string]any{"name": "G", "assignedRoles": []any{map[string]any{"name": "Help Désk Ü"}}}), http.StatusCreated, "")
	for name, want := range map[string]int{"Help Désk Ü": 1, "hELP dÉsk Ü": 0, "help désk Ü": 1, "HELP DéSK Ü": 1, "other": 0} {
		for _, list := range []string{"users", "groups"} {
			var found struct{ Data []any }
			if c.get(list + "?filter=" + url.QueryEscape(fmt.Sprintf("assignedRoles.name eq %q", name))).Into(&found); len(found.Data) != want {
				t.Errorf("%s with %q: %d, want %d", list, name, len(found.Data), want)
			}
		}
	}
}

// TestListSpaces_Search: name is an open search, and type takes several.
func TestListSpaces_Search(t *testing.T) {
	c := newDirectoryCaller(t)
	for name, kind := range map[string]string{"finance": "shared", "Final": "managed", "Griffin": "data", "Other": "shared"} {
		expect(t, name, c.post("spaces", map[string]any{"name": name, "type": kind}), http.StatusCreated, "")
	}
	var first, second api.SpaceList
	c.get("spaces?limit=1&type=managed&type=data").Into(&first)
	_, next, _ := strings.Cut(first.Links.Next.Href, "/api/v1/")
	if c.get(next).Into(&second); len(second.Data) != 1 || second.Data[0].Name != "Griffin" {
		t.Errorf("the second page of two types: %+v", second.Data)
	}
	for query, want := range map[string][]string{
		"name=fin": {"Final", "finance", "Griffin"}, "name=&type=": {"Final", "finance", "Griffin", "Other"}, "type=managed,shared": {"Final", "finance", "Other"},
		"type=managed&type=data": {"Final", "Griffin"}, "type=shared&name=FIN": {"finance"}, "action=publish": nil,
	} {
		var list api.SpaceList
		c.get("spaces?" + query).Into(&list)
		var have []string
		for _, s := range list.Data {
			have = append(have, s.Name)
		}
		if !slices.Equal(have, want) || int(list.Meta.Count) != len(want) {
			t.Errorf("%s: %v, want %v", query, have, want)
		}
	}
}

// TestPages_WhileDeleting: who deletes each row of a page finds the others on the next.
func TestPages_WhileDeleting(t *testing.T) {
	c := newDirectoryCaller(t)
	for list, body := range map[string]func(i int) map[string]any{
		"webhooks": func(i int) map[string]any {
			return map[string]any{"name": fmt.Sprint("w", i), "url": "https://h.example", "eventTypes": []string{"*"}}
		},
		"csp-origins": func(i int) map[string]any {
			return map[string]any{"name": fmt.Sprint("o", i), "origin": fmt.Sprintf("https://o%d.example.com", i), "childSrc": true}
		},
		"web-integrations": func(i int) map[string]any {
			return map[string]any{"name": fmt.Sprint("i", i), "validOrigins": []string{"https://i.example.com"}}
		},
	} {
		for i := range 5 {
			expect(t, list, c.post(list, body(i)), http.StatusCreated, "")
		}
		deleted := 0
		for path := list + "?limit=2"; path != ""; {
			var page struct {
				Data  []struct{ ID string }
				Links api.PageLinks
			}
			answer := c.get(path)
			expect(t, list, answer, http.StatusOK, "")
			answer.Into(&page)
			for _, one := range page.Data {
				expect(t, list, c.remove(list+"/"+one.ID), http.StatusNoContent, "")
				deleted++
			}
			path = ""
			if page.Links.Next != nil {
				_, path, _ = strings.Cut(page.Links.Next.Href, "/api/v1/")
			}
		}
		if deleted != 5 {
			t.Errorf("%s: %d of 5 were on the pages", list, deleted)
		}
	}
}
