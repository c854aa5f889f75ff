package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// directoryCaller calls the API of a tenant with a token.
type directoryCaller struct {
	*testenv.Env
	tenant estate.Tenant
	token  string
}

// newDirectoryCaller is a tenant with a region client, which administers it.
func newDirectoryCaller(t *testing.T) directoryCaller {
	t.Helper()
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	return directoryCaller{e, tenant, e.Token(e.TenantURL(tenant), e.RegionClient(sub, "us"))}
}

func (c directoryCaller) do(method, path string, body any) testenv.Answer {
	return c.Do(testenv.Request{Method: method, URL: c.TenantURL(c.tenant) + "/api/v1/" + path, Token: c.token, JSON: body})
}

func (c directoryCaller) get(path string) testenv.Answer { return c.do(http.MethodGet, path, nil) }
func (c directoryCaller) post(path string, body any) testenv.Answer {
	return c.do(http.MethodPost, path, body)
}

func (c directoryCaller) patch(path string, patch ...api.PatchOperation) testenv.Answer {
	return c.do(http.MethodPatch, path, patch)
}

func (c directoryCaller) remove(path string) testenv.Answer {
	return c.do(http.MethodDelete, path, nil)
}

// as is c with the token of a user, whom an application impersonates.
func (c directoryCaller) as(t *testing.T, user string, scopes ...string) directoryCaller {
	t.Helper()
	portal := impersonator(t, c.Env, c.tenant, estate.ConsentTrusted, api.GrantUserImpersonation)
	request := map[string]any{
		"grant_type": api.GrantUserImpersonation, "client_id": portal.ID, "client_secret": portal.Secret, "user_lookup": map[string]any{"field": "userId", "value": user},
	}
	if len(scopes) > 0 {
		request["scope"] = strings.Join(scopes, " ")
	}
	answer := c.Do(tokenRequest(c.TenantURL(c.tenant), request))
	if answer.Status != http.StatusOK {
		t.Fatalf("impersonate: %d %s", answer.Status, answer.Body)
	}
	c.token = tokenOf(t, answer.Body).AccessToken
	return c
}

// newUser makes a user with roles.
func (c directoryCaller) newUser(t *testing.T, subject string, roles ...string) (u api.User) {
	t.Helper()
	request := api.CreateUserRequest{Subject: subject, Name: "User " + subject, Email: subject + "@example.com"}
	for _, name := range roles {
		request.AssignedRoles = append(request.AssignedRoles, api.RoleReference{Name: name})
	}
	made := c.post("users", request)
	expect(t, "create "+subject, made, http.StatusCreated, "")
	made.Into(&u)
	return u
}

func (c directoryCaller) user(id string) (u api.User) {
	c.get("users/" + id).Into(&u)
	return u
}

func (c directoryCaller) list(query string) (list api.UserList) {
	c.get("users?" + query).Into(&list)
	return list
}

// actions are those of the audit records of the tenant, oldest first.
func (c directoryCaller) actions(t *testing.T, target string) (actions []string) {
	t.Helper()
	err := c.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(context.Background(), c.tenant.Scope(), 1000)
		for _, r := range slices.Backward(all) {
			if r.Target == target {
				actions = append(actions, r.Action+" "+string(r.Outcome))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func names(users []api.User) (all []string) {
	for _, u := range users {
		all = append(all, u.Subject)
	}
	return all
}

func op(op, path string, value any) api.PatchOperation {
	return api.PatchOperation{Op: op, Path: path, Value: value}
}

// TestUsers_Create makes users as the official scripts do, and in all ways that
// are wrong.
func TestUsers_Create(t *testing.T) {
	c := newDirectoryCaller(t)
	var roles api.RoleList
	c.get("roles?limit=100&filter=" + url.QueryEscape(`name eq "TenantAdmin"`)).Into(&roles)
	if len(roles.Data) != 1 {
		t.Fatalf("%d roles", len(roles.Data))
	}
	made := c.post("users", map[string]any{"name": "Ada", "email": "ada@example.com", "subject": "auth0|ada", "status": "active", "assignedRoles": []map[string]any{{"id": roles.Data[0].ID}}})
	expect(t, "create", made, http.StatusCreated, "")
	var u api.User
	made.Into(&u)
	if u.Status != "active" || !slices.Equal(u.Roles, []string{"TenantAdmin"}) || u.AssignedRoles[0] != (api.AssignedRole{ID: roles.Data[0].ID, Name: "TenantAdmin", Type: "default", Level: "admin"}) ||
		u.TenantID != string(c.tenant.ID) || u.ClientID != "" || u.Created != u.CreatedAt {
		t.Errorf("%+v", u)
	}
	if found := c.list("filter=" + url.QueryEscape(`email eq "ADA@example.com"`)); !slices.Equal(names(found.Data), []string{"auth0|ada"}) {
		t.Errorf("found %v", names(found.Data))
	}
	plain := c.post("users", map[string]any{"subject": "bob", "tenantId": c.tenant.ID, "preferredLocale": "de"})
	plain.Into(&u)
	if u.Name != "bob" || u.Status != "active" || u.PreferredLocale != "de" || len(u.Roles) != 0 {
		t.Errorf("%+v", u)
	}
	invited := c.post("users", map[string]any{"subject": "eve", "email": "eve@example.com", "status": "invited"})
	u = api.User{}
	invited.Into(&u)
	if want := c.Clock.Now().Add(7 * 24 * time.Hour).Unix(); u.Status != "invited" || u.InviteExpiry != want {
		t.Errorf("%+v", u)
	}
	for what, test := range map[string]struct {
		body   any
		status int
		code   string
	}{
		"no subject":          {map[string]any{"name": "x"}, 400, api.CodeUserInvalid},
		"subject of a bot":    {map[string]any{"subject": `QLIKBOT\x`}, 400, api.CodeUserInvalid},
		"long subject":        {map[string]any{"subject": strings.Repeat("x", 257)}, 400, api.CodeUserInvalid},
		"control character":   {map[string]any{"subject": "x", "name": "a\tb"}, 400, api.CodeUserInvalid},
		"no address":          {map[string]any{"subject": "x", "email": "Ada <ada@example.com>"}, 400, api.CodeUserInvalid},
		"another tenant's":    {map[string]any{"subject": "x", "tenantId": strings.Repeat("x", 32)}, 400, api.CodeUserInvalid},
		"no such status":      {map[string]any{"subject": "x", "status": "deleted"}, 400, api.CodeUserInvalid},
		"no such role":        {map[string]any{"subject": "x", "assignedRoles": []any{map[string]any{"name": "Nobody"}}}, 400, api.CodeUserInvalid},
		"role without a name": {map[string]any{"subject": "x", "assignedRoles": []any{map[string]any{}}}, 400, api.CodeUserInvalid},
		"a list":              {[]any{}, 400, api.CodeInvalidRequest},
		"wrong type":          {map[string]any{"subject": 1}, 400, api.CodeInvalidRequest},
		"subject taken":       {map[string]any{"subject": "auth0|ada"}, 409, api.CodeUserExists},
	} {
		expect(t, what, c.post("users", test.body), test.status, test.code)
	}
	if n := c.list("totalResults=true"); *n.TotalResults != 4 || len(n.Data) != 4 {
		t.Errorf("%d users", *n.TotalResults)
	}
	var count api.Count
	c.get("users/actions/count").Into(&count)
	if count.Total != 4 {
		t.Errorf("counted %d", count.Total)
	}
	c.get("users/actions/count?filter=" + url.QueryEscape(`subject eq "auth0|ada"`)).Into(&count)
	if count.Total != 1 {
		t.Errorf("counted %d by subject", count.Total)
	}
	expect(t, "bad filter", c.get("users/actions/count?filter=x"), http.StatusBadRequest, api.CodeInvalidRequest)
}

// TestUsers_List pages through users with the bot among them.
func TestUsers_List(t *testing.T) {
	c := newDirectoryCaller(t)
	for i := range 5 {
		c.newUser(t, fmt.Sprintf("u%d", i))
	}
	bots := c.list("filter=" + url.QueryEscape(`clientId ne ""`))
	if len(bots.Data) != 1 || bots.Data[0].ClientID == "" || bots.Data[0].Roles[0] != "TenantAdmin" {
		t.Errorf("bots %+v", bots.Data)
	}
	page := c.list("limit=2&sort=-subject&filter=" + url.QueryEscape(`clientId eq ""`))
	var seen []string
	for {
		seen = append(seen, names(page.Data)...)
		if page.Links.Next == nil {
			break
		}
		next := page.Links.Next.Href
		page = api.UserList{}
		c.Do(testenv.Request{URL: next, Token: c.token}).Into(&page)
	}
	if !slices.Equal(seen, []string{"u4", "u3", "u2", "u1", "u0"}) {
		t.Errorf("pages %v", seen)
	}
	var back api.UserList
	c.Do(testenv.Request{URL: page.Links.Prev.Href, Token: c.token}).Into(&back)
	if !slices.Equal(names(back.Data), []string{"u2", "u1"}) {
		t.Errorf("the page before %v", names(back.Data))
	}
	filtered := c.post("users/actions/filter?limit=2", api.FilterRequest{Filter: `subject co "u" and clientId eq ""`})
	var list api.UserList
	filtered.Into(&list)
	if len(list.Data) != 2 || list.Links.Next == nil {
		t.Fatalf("%s", filtered.Body)
	}
	c.Do(testenv.Request{URL: list.Links.Next.Href, Token: c.token, JSON: api.FilterRequest{Filter: `subject co "u" and clientId eq ""`}}).Into(&list)
	if !slices.Equal(names(list.Data), []string{"u2", "u3"}) {
		t.Errorf("second page of a filter %v", names(list.Data))
	}
	next := page.Links.Prev.Href[strings.Index(page.Links.Prev.Href, "prev=")+5:]
	for what, query := range map[string]string{
		"limit": "limit=0", "limit above": "limit=101", "sort": "sort=height", "filter": "filter=" + url.QueryEscape("height eq 1"), "operator": "filter=" + url.QueryEscape(`status co "a"`),
		"next": "next=x", "another order": "sort=name&next=" + next, "both": "next=x&prev=x", "total": "totalResults=maybe",
	} {
		expect(t, what, c.get("users?"+query), http.StatusBadRequest, api.CodeInvalidRequest)
	}
	// Who does not administer sees the basics, and can't find out more by filters.
	ada := c.newUser(t, "ada")
	mine := c.as(t, ada.ID)
	for _, u := range mine.list("limit=100").Data {
		if own := u.ID == ada.ID; (u.Email != "") != own || u.ClientID != "" || len(u.Roles) > 0 {
			t.Errorf("%s sees %+v", ada.Subject, u)
		}
	}
	for _, query := range []string{"filter=" + url.QueryEscape(`email eq "u1@example.com"`), "filter=" + url.QueryEscape(`assignedRoles.name eq "TenantAdmin"`), "sort=email"} {
		expect(t, query, mine.get("users?"+query), http.StatusBadRequest, api.CodeInvalidRequest)
	}
}

// TestUsers_Update changes users, all of a patch or nothing.
func TestUsers_Update(t *testing.T) {
	c := newDirectoryCaller(t)
	u := c.newUser(t, "ada", "Developer")
	var g api.Group
	c.post("groups", map[string]any{"name": "Finance"}).Into(&g)
	path := "users/" + u.ID
	expect(t, "patch", c.patch(path, op("replace", "/name", "Ada L"), op("add", "/assignedRoles/-", []any{map[string]any{"name": "Steward"}}),
		op("add", "/assignedGroups", map[string]any{"name": "Finance"}), op("set", "preferredLocale", "en")), http.StatusNoContent, "")
	have := c.user(u.ID)
	if have.Name != "Ada L" || !slices.Equal(have.Roles, []string{"Developer", "Steward"}) || !slices.Equal(have.Groups, []string{"Finance"}) || have.AssignedGroups[0].ID != g.ID || have.PreferredLocale != "en" {
		t.Errorf("%+v", have)
	}
	expect(t, "patch", c.patch(path, op("remove-value", "/assignedRoles", []any{map[string]any{"name": "Developer"}}), op("replace", "/assignedGroups", []any{}),
		op("unset", "/preferredLocale", nil), op("replace", "/status", "disabled")), http.StatusNoContent, "")
	if have = c.user(u.ID); !slices.Equal(have.Roles, []string{"Steward"}) || len(have.Groups) > 0 || have.PreferredLocale != "" || have.Status != "disabled" {
		t.Errorf("%+v", have)
	}
	expect(t, "older form", c.patch(path, op("replace", "/roles", []string{"Developer"}), op("replace", "/status", "active")), http.StatusNoContent, "")
	before := c.user(u.ID)
	for what, bad := range map[string]api.PatchOperation{
		"path": op("replace", "/subject", "x"), "op": op("move", "/name", "x"), "op of a path": op("add", "/status", "active"), "empty name": op("replace", "/name", " "), "no name": op("replace", "/name", nil),
		"status": op("replace", "/status", "deleted"), "invited": op("replace", "/status", "invited"), "role": op("add", "/assignedRoles", []any{map[string]any{"name": "x"}}), "no role": op("add", "/assignedRoles", 1),
		"nameless role": op("add", "/assignedRoles", []any{map[string]any{}}), "group": op("add", "/assignedGroups", []any{map[string]any{"id": "x"}}), "renew": op("renew", "/inviteExpiry", nil), "replace at the end": op("replace", "/assignedRoles/-", []any{}),
	} {
		answer := c.patch(path, op("replace", "/name", "half done"), bad)
		expect(t, what, answer, http.StatusBadRequest, api.CodeUserInvalid)
		if source := answer.Error().Source; source == nil || !strings.HasPrefix(source.Pointer, "/1/") {
			t.Errorf("%s: source %+v", what, source)
		}
	}
	expect(t, "no patch", c.do(http.MethodPatch, path, map[string]any{}), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "no operation", c.do(http.MethodPatch, path, []any{map[string]any{"path": "/name"}}), http.StatusBadRequest, api.CodeInvalidRequest)
	if after := c.user(u.ID); after.Name != before.Name || after.LastUpdatedAt != before.LastUpdatedAt {
		t.Errorf("half of a patch was done: %+v", after)
	}
	expect(t, "nobody", c.patch("users/"+strings.Repeat("0", 24), op("replace", "/name", "x")), http.StatusNotFound, api.CodeUserNotFound)

	// One's own preferences, and nothing else.
	mine := c.as(t, u.ID)
	expect(t, "own preference", mine.patch(path, op("replace", "/preferredZoneinfo", "Europe/Paris")), http.StatusNoContent, "")
	expect(t, "own name", mine.patch(path, op("replace", "/name", "x")), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "another's preference", mine.patch("users/"+c.newUser(t, "bob").ID, op("replace", "/preferredZoneinfo", "x")), http.StatusForbidden, api.CodeInsufficientScope)
	if have := c.actions(t, u.ID); !slices.Equal(have[:3], []string{"user.create done", "user.update done", "user.update done"}) || have[len(have)-1] != "user.update refused" {
		t.Errorf("records %v", have)
	}
	expect(t, "delete", c.remove(path), http.StatusNoContent, "")
	expect(t, "gone", c.get(path), http.StatusNotFound, api.CodeUserNotFound)
	expect(t, "its token", mine.get("users/me"), http.StatusUnauthorized, api.CodeUnauthenticated)
	expect(t, "delete again", c.remove(path), http.StatusNotFound, api.CodeUserNotFound)
}

func TestUsers_Invite(t *testing.T) {
	c := newDirectoryCaller(t)
	c.newUser(t, "ada")
	off := c.newUser(t, "off")
	expect(t, "disable", c.patch("users/"+off.ID, op("replace", "/status", "disabled")), http.StatusNoContent, "")
	invite := func(invitees ...api.Invitee) []api.InviteResult {
		t.Helper()
		answer := c.post("users/actions/invite", api.InviteRequest{Invitees: invitees})
		expect(t, "invite", answer, http.StatusMultiStatus, "")
		var out api.InviteResponse
		answer.Into(&out)
		return out.Data
	}
	have := invite(api.Invitee{Email: "new@example.com", Name: "New", Language: "fr"}, api.Invitee{Email: "Ada@example.com"}, api.Invitee{Email: "off@example.com"}, api.Invitee{Email: "nobody"}, api.Invitee{Email: "NEW@example.com"})
	var states []string
	for _, r := range have {
		states = append(states, r.Status+r.Code)
	}
	if !slices.Equal(states, []string{"ok", "error" + api.CodeInviteActive, "error" + api.CodeInviteDisabled, "error" + api.CodeUserInvalid, "exists"}) || have[0].UserID != have[4].UserID {
		t.Fatalf("%+v", have)
	}
	u := c.user(have[0].UserID)
	if u.Status != "invited" || u.Name != "New" || u.PreferredLocale != "fr" || u.InviteExpiry == 0 || u.Subject != have[0].Subject {
		t.Errorf("%+v", u)
	}
	c.Clock.Advance(time.Hour)
	if again := invite(api.Invitee{Email: "new@example.com", Resend: true}); again[0].Status != "ok" || c.user(u.ID).InviteExpiry != u.InviteExpiry+3600 {
		t.Errorf("%+v", again)
	}
	c.Clock.Advance(time.Hour)
	expect(t, "renew", c.patch("users/"+u.ID, op("renew", "/inviteExpiry", nil)), http.StatusNoContent, "")
	if c.user(u.ID).InviteExpiry != u.InviteExpiry+7200 {
		t.Error("the invitation was not renewed")
	}
	until := c.Clock.Now().Add(time.Minute).Unix()
	expect(t, "until", c.patch("users/"+u.ID, op("replace", "/inviteExpiry", until)), http.StatusNoContent, "")
	expect(t, "in the past", c.patch("users/"+u.ID, op("replace", "/inviteExpiry", 1)), http.StatusBadRequest, api.CodeUserInvalid)
	if c.user(u.ID).InviteExpiry != until {
		t.Error("the invitation ends at another time")
	}
	expect(t, "none", c.post("users/actions/invite", map[string]any{"invitees": []any{}}), http.StatusBadRequest, api.CodeUserInvalid)
	expect(t, "too many", c.post("users/actions/invite", map[string]any{"invitees": make([]api.Invitee, 101)}), http.StatusBadRequest, api.CodeUserInvalid)
}

// TestUsers_LastAdmin strips, disables and deletes administrators at the same time
// from two servers: one is left.
func TestUsers_LastAdmin(t *testing.T) {
	c := newDirectoryCaller(t)
	bots := c.list("filter=" + url.QueryEscape(`clientId ne ""`)).Data
	var admins []api.User
	for i := range 6 {
		admins = append(admins, c.newUser(t, fmt.Sprintf("admin%d", i), "TenantAdmin"))
	}
	other := c
	other.Env = c.Node()
	admins = append(admins, bots...)
	keep := admins[0]
	boss := c.as(t, keep.ID)
	answers := together(len(admins)-1, func(i int) testenv.Answer {
		who := boss
		if i%2 == 0 {
			who.Env = other.Env
		}
		path := "users/" + admins[i+1].ID
		switch i % 3 {
		case 0:
			return who.remove(path)
		case 1:
			return who.patch(path, op("replace", "/status", "disabled"))
		default:
			return who.patch(path, op("remove-value", "/assignedRoles", []any{map[string]any{"name": "TenantAdmin"}}))
		}
	})
	for _, a := range answers {
		expect(t, "administrator with others", a, http.StatusNoContent, "")
	}
	// The application's bot administers too, but has never asked for a token of its own.
	for what, answer := range map[string]testenv.Answer{
		"delete": boss.remove("users/" + keep.ID), "disable": boss.patch("users/"+keep.ID, op("replace", "/status", "disabled")),
		"strip": boss.patch("users/"+keep.ID, op("replace", "/assignedRoles", []any{})),
	} {
		expect(t, what, answer, http.StatusForbidden, api.CodeUserLastAdmin)
	}
	// Two who strip one another: one stays.
	second := boss.newUser(t, "second", "TenantAdmin")
	deputy := boss.as(t, second.ID)
	deputy.Env = other.Env
	results := together(2, func(i int) testenv.Answer {
		if i == 0 {
			return boss.remove("users/" + second.ID)
		}
		return deputy.remove("users/" + keep.ID)
	})
	statuses := []int{results[0].Status, results[1].Status}
	slices.Sort(statuses)
	if statuses[0] != http.StatusNoContent || statuses[1] == http.StatusNoContent {
		t.Errorf("statuses %v, want one 204", statuses)
	}
}
