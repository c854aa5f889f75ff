package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// seats gives the subscription of c seats of a type.
func (c directoryCaller) seats(t *testing.T, of estate.SeatType, units int64) {
	t.Helper()
	if err := c.App.Directory.SetSeats(t.Context(), testenv.Operator, c.tenant.Subscription, of, units); err != nil {
		t.Fatal(err)
	}
}

// change changes seats and returns the status and code of each result.
func (c directoryCaller) change(t *testing.T, action string, changes ...api.SeatChange) (states []string) {
	t.Helper()
	answer := c.post("licenses/assignments/actions/"+action, map[string]any{action: changes})
	expect(t, action, answer, http.StatusMultiStatus, "")
	var out api.SeatResults
	answer.Into(&out)
	for _, r := range out.Data {
		states = append(states, strings.TrimSpace(fmt.Sprint(r.Status, " ", r.Code)))
	}
	return states
}

// neighbour is another tenant of the same subscription.
func (c directoryCaller) neighbour(t *testing.T) directoryCaller {
	t.Helper()
	sub := estate.Subscription{ID: c.tenant.Subscription, Organization: c.tenant.Organization}
	c.tenant = c.Tenant(sub, "us")
	c.token = c.Token(c.TenantURL(c.tenant), c.RegionClient(sub, "us"))
	return c
}

func TestLicenses_Assignments(t *testing.T) {
	c := newDirectoryCaller(t)
	next := c.neighbour(t)
	for _, who := range []directoryCaller{c, next} {
		for i := range 4 {
			who.newUser(t, fmt.Sprint("u", i))
		}
	}
	pro := func(i int) api.SeatChange { return api.SeatChange{Subject: fmt.Sprint("u", i), Type: "professional"} }
	if have := c.change(t, "add", pro(0)); !slices.Equal(have, []string{"403 LICENSES-011"}) {
		t.Errorf("without seats: %v", have)
	}
	c.seats(t, estate.SeatProfessional, 3)
	c.seats(t, estate.SeatAnalyzer, 1)
	analyzer := api.SeatChange{Subject: "u3", Type: "analyzer"}
	if have := c.change(t, "add", pro(0), pro(0), pro(9), analyzer, api.SeatChange{Subject: "u0", Type: "analyzer"}, api.SeatChange{Subject: "u1", Type: "x"}); !slices.Equal(have,
		[]string{"201", "200", "404 LICENSES-016", "201", "409 LICENSES-012", "400 LICENSES-001"}) {
		t.Errorf("add: %v", have)
	}
	if have := next.change(t, "add", pro(0), pro(1), pro(2), analyzer); !slices.Equal(have, []string{"201", "201", "403 LICENSES-011", "403 LICENSES-011"}) {
		t.Errorf("add in the next tenant: %v", have)
	}
	var overview api.LicenseOverview
	c.get("licenses/overview").Into(&overview)
	if want := []api.LicenseAllotment{{Name: "analyzer", Units: 1, UnitsUsed: 1, UsageClass: "assigned"}, {Name: "professional", Units: 3, UnitsUsed: 3, UsageClass: "assigned"}}; !slices.Equal(overview.Allotments, want) {
		t.Errorf("overview %+v", overview.Allotments)
	}
	again := overview
	if c.get("licenses/overview").Into(&again); len(overview.Version) != 32 || again.Version != overview.Version || overview.SecondaryNumber != "" {
		t.Errorf("version %q, then %q", overview.Version, again.Version)
	}
	if err := c.App.Directory.SetSeats(t.Context(), testenv.Operator, c.tenant.Subscription, estate.SeatAnalyzer, 2); err != nil {
		t.Fatal(err)
	}
	if c.get("licenses/overview").Into(&again); again.Version == overview.Version {
		t.Error("other seats have the same version")
	}
	list := func(query string) (list api.LicenseAssignmentList) {
		c.get("licenses/assignments?" + query).Into(&list)
		return list
	}
	// The neighbour's are not to be seen.
	page := list("limit=1&totalResults=true")
	if len(page.Data) != 1 || page.Data[0].Subject != "u0" || page.Data[0].Excess || *page.TotalResults != 2 || page.Links.Next == nil || !strings.Contains(page.Links.Next.Href, "page=") {
		t.Fatalf("%+v", page)
	}
	var second api.LicenseAssignmentList
	c.Do(testenv.Request{URL: page.Links.Next.Href, Token: c.token}).Into(&second)
	if len(second.Data) != 1 || second.Data[0].Subject != "u3" || second.Links.Next != nil || second.Links.Prev == nil {
		t.Errorf("%+v", second)
	}
	c.Do(testenv.Request{URL: second.Links.Prev.Href, Token: c.token}).Into(&second)
	if len(second.Data) != 1 || second.Data[0].Subject != "u0" {
		t.Errorf("the page before %+v", second)
	}
	if found := list("filter=" + url.QueryEscape(`type eq "analyzer"`)); len(found.Data) != 1 {
		t.Errorf("filtered %+v", found)
	}
	expect(t, "orphans", c.get("licenses/assignments?orphans=x"), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "page", c.get("licenses/assignments?page=x"), http.StatusBadRequest, api.CodeInvalidRequest)

	if have := c.change(t, "update", api.SeatChange{Subject: "u3", Type: "professional", SourceType: "analyzer"}, api.SeatChange{Subject: "u0", Type: "professional", SourceType: "analyzer"},
		api.SeatChange{Subject: "u2", Type: "analyzer"}, api.SeatChange{Subject: "u1", Type: "professional", SourceSubject: "u0"}, api.SeatChange{Subject: "u3", Type: "analyzer", SourceSubject: "u1"},
		api.SeatChange{Subject: "u9", Type: "analyzer", SourceSubject: "u3"}); !slices.Equal(have,
		[]string{"403 LICENSES-011", "404 LICENSES-016", "404 LICENSES-016", "200", "409 LICENSES-012", "404 LICENSES-016"}) {
		t.Errorf("update: %v", have)
	}
	if have := c.change(t, "delete", pro(0), pro(1), analyzer, analyzer); !slices.Equal(have, []string{"404 LICENSES-016", "204", "204", "404 LICENSES-016"}) {
		t.Errorf("delete: %v", have)
	}
	if have := next.change(t, "add", pro(2)); !slices.Equal(have, []string{"201"}) {
		t.Errorf("a seat that was given back: %v", have)
	}
	// A deleted user's seat stays taken until it is given back.
	expect(t, "delete the user", next.remove("users/"+next.list("filter=" + url.QueryEscape(`subject eq "u2"`)).Data[0].ID), http.StatusNoContent, "")
	var orphans api.LicenseAssignmentList
	next.get("licenses/assignments?orphans=true").Into(&orphans)
	if len(orphans.Data) != 1 || orphans.Data[0].Subject != "u2" {
		t.Errorf("orphans %+v", orphans.Data)
	}
	c.seats(t, estate.SeatProfessional, 1)
	next.get("licenses/assignments?orphans=true").Into(&orphans)
	if !orphans.Data[0].Excess {
		t.Error("no excess, though there are fewer seats than taken")
	}
	if have := c.change(t, "add", pro(0)); !slices.Equal(have, []string{"403 LICENSES-011"}) {
		t.Errorf("beyond the entitlement: %v", have)
	}
	for what, body := range map[string]any{"none": map[string]any{"add": []any{}}, "too many": map[string]any{"add": make([]api.SeatChange, 1001)}} {
		expect(t, what, c.post("licenses/assignments/actions/add", body), http.StatusBadRequest, api.CodeLicenseInvalid)
	}
	if have := c.actions(t, "u1"); !slices.Equal(have, []string{"license.assignment.update done", "license.assignment.delete done"}) {
		t.Errorf("records %v", have)
	}
}

// TestLicenses_NeverOversold takes seats in two tenants, from two servers, all at
// once.
func TestLicenses_NeverOversold(t *testing.T) {
	c := newDirectoryCaller(t)
	next := c.neighbour(t)
	next.Env = c.Node()
	const users, units = 12, 10
	for i := range users {
		c.newUser(t, fmt.Sprint("u", i))
		next.newUser(t, fmt.Sprint("u", i))
	}
	c.seats(t, estate.SeatAnalyzer, units)
	results := together(2*users, func(i int) int {
		who := c
		if i%2 == 0 {
			who = next
		}
		var out api.SeatResults
		who.post("licenses/assignments/actions/add", api.AddSeatsRequest{Add: []api.SeatChange{{Subject: fmt.Sprint("u", i/2), Type: "analyzer"}}}).Into(&out)
		if len(out.Data) != 1 {
			return 0
		}
		return out.Data[0].Status
	})
	given := map[int]int{}
	for _, status := range results {
		given[status]++
	}
	if given[http.StatusCreated] != units || given[http.StatusForbidden] != 2*users-units {
		t.Errorf("results %v, want %d seats given", given, units)
	}
}

func TestLicenses_SettingsAndStatus(t *testing.T) {
	c := newDirectoryCaller(t)
	var settings api.LicenseSettings
	c.get("licenses/settings").Into(&settings)
	if settings != (api.LicenseSettings{}) {
		t.Errorf("at first %+v", settings)
	}
	expect(t, "put", c.do(http.MethodPut, "licenses/settings", api.LicenseSettings{AutoAssignAnalyzer: true, AutoAssignProfessional: true}), http.StatusOK, "")
	answer := c.do(http.MethodPut, "licenses/settings", map[string]any{"autoAssignProfessional": false})
	answer.Into(&settings)
	if settings != (api.LicenseSettings{AutoAssignAnalyzer: true}) {
		t.Errorf("%+v", settings)
	}
	c.get("licenses/settings").Into(&settings)
	if settings != (api.LicenseSettings{AutoAssignAnalyzer: true}) {
		t.Errorf("stored %+v", settings)
	}
	expect(t, "wrong type", c.do(http.MethodPut, "licenses/settings", map[string]any{"autoAssignProfessional": "yes"}), http.StatusBadRequest, api.CodeInvalidRequest)
	if have := c.actions(t, string(c.tenant.ID)); !slices.Equal(have[len(have)-2:], []string{"license-settings.update done", "license-settings.update done"}) {
		t.Errorf("records %v", have)
	}
	status := func() (s api.LicenseStatus) {
		c.get("licenses/status").Into(&s)
		return s
	}
	if s := status(); s.Status != "Ok" || s.ExtensionStatus != "Unavailable" || s.Valid == "" || s.Type != "Signed" {
		t.Errorf("%+v", s)
	}
	if _, err := c.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, c.tenant.Subscription, tenancy.SubscriptionUpdate{EndsAt: c.Clock.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	c.Clock.Advance(time.Minute)
	if s := status(); s.Status != "Expired" {
		t.Errorf("after the end %+v", s)
	}
}

// TestSpaces makes spaces as the official scripts do, and gives a group roles.
func TestSpaces(t *testing.T) {
	c := newDirectoryCaller(t)
	var group api.Group
	c.post("groups", map[string]any{"name": "Finance", "status": "active"}).Into(&group)
	made := c.post("spaces", map[string]any{"name": "Dev", "type": "shared"})
	expect(t, "create", made, http.StatusCreated, "")
	var shared, managed api.Space
	made.Into(&shared)
	c.post("spaces", map[string]any{"name": "Prod", "type": "managed", "description": "d"}).Into(&managed)
	if shared.TenantID != string(c.tenant.ID) || shared.OwnerID == "" || !slices.Equal(shared.Meta.Actions, []string{"read", "update", "delete"}) || !slices.Contains(shared.Meta.AssignableRoles, "producer") {
		t.Errorf("%+v", shared)
	}
	given := c.post("spaces/"+managed.ID+"/assignments", map[string]any{"type": "group", "assigneeId": group.ID, "roles": []string{"consumer"}})
	expect(t, "assign", given, http.StatusCreated, "")
	var a api.SpaceAssignment
	given.Into(&a)
	for what, test := range map[string]struct {
		path string
		body map[string]any
		code string
	}{
		"no name": {"spaces", map[string]any{"type": "shared"}, api.CodeSpaceInvalid}, "bad name": {"spaces", map[string]any{"type": "shared", "name": "a/b"}, api.CodeSpaceInvalid},
		"no such type":         {"spaces", map[string]any{"type": "x", "name": "x"}, api.CodeSpaceInvalid},
		"role of another type": {"spaces/" + shared.ID + "/assignments", map[string]any{"type": "group", "assigneeId": group.ID, "roles": []string{"publisher"}}, api.CodeSpaceInvalid},
		"no role":              {"spaces/" + shared.ID + "/assignments", map[string]any{"type": "group", "assigneeId": group.ID, "roles": []string{}}, api.CodeSpaceInvalid},
		"nobody":               {"spaces/" + shared.ID + "/assignments", map[string]any{"type": "user", "assigneeId": group.ID, "roles": []string{"consumer"}}, api.CodeSpaceInvalid},
		"no such assignee":     {"spaces/" + shared.ID + "/assignments", map[string]any{"type": "robot", "assigneeId": group.ID, "roles": []string{"consumer"}}, api.CodeSpaceInvalid},
	} {
		expect(t, what, c.post(test.path, test.body), http.StatusBadRequest, test.code)
	}
	expect(t, "name taken", c.post("spaces", map[string]any{"name": "Dev", "type": "data"}), http.StatusConflict, api.CodeSpaceExists)
	expect(t, "assigned", c.post("spaces/"+managed.ID+"/assignments", map[string]any{"type": "group", "assigneeId": group.ID, "roles": []string{"publisher"}}), http.StatusConflict, api.CodeSpaceAssignmentExists)

	u := c.newUser(t, "ada")
	mine := c.as(t, u.ID)
	visible := func(query string) (found []string) {
		var list api.SpaceList
		mine.get("spaces?" + query).Into(&list)
		for _, s := range list.Data {
			found = append(found, s.Name)
		}
		if int(list.Meta.Count) != len(found) {
			t.Errorf("%d of %d spaces", len(found), list.Meta.Count)
		}
		return found
	}
	if have := visible(""); len(have) != 0 {
		t.Errorf("a stranger sees %v", have)
	}
	expect(t, "as a stranger", mine.get("spaces/"+managed.ID), http.StatusNotFound, api.CodeSpaceNotFound)
	expect(t, "without the role", mine.post("spaces", map[string]any{"name": "Mine", "type": "shared"}), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "join", c.patch("users/"+u.ID, op("add", "/assignedGroups", []any{map[string]any{"id": group.ID}}), op("add", "/assignedRoles", []any{map[string]any{"name": "SharedSpaceCreator"}})), http.StatusNoContent, "")
	for query, want := range map[string]int{
		"assigneeId=" + group.ID: 1, "type=group": 1, "type=user": 0, "assigneeId=x": 0, "type=group&assigneeId=" + group.ID + "&filter=" + url.QueryEscape(`type eq "user"`): 0,
		"assigneeId=" + url.QueryEscape("\U0001f3f4\U000e0067\a\""): 0,
	} {
		var found api.SpaceAssignmentList
		if c.get("spaces/" + managed.ID + "/assignments?" + query).Into(&found); len(found.Data) != want || found.Data == nil {
			t.Errorf("%s: %+v", query, found)
		}
	}
	for query, want := range map[string]int{"environmentId=": 1, "environmentId=x": 0, "environment.name=Development": 0, "environment.name=": 1} {
		if have := visible("type=managed&" + query); len(have) != want {
			t.Errorf("%s: %v", query, have)
		}
	}
	if have := visible("type=managed"); !slices.Equal(have, []string{"Prod"}) {
		t.Errorf("a member sees %v", have)
	}
	var seen api.Space
	mine.get("spaces/" + managed.ID).Into(&seen)
	if !slices.Equal(seen.Meta.Roles, []string{"consumer"}) || !slices.Equal(seen.Meta.Actions, []string{"read"}) || len(seen.Meta.AssignableRoles) != 0 {
		t.Errorf("%+v", seen.Meta)
	}
	for what, answer := range map[string]testenv.Answer{
		"change": mine.patch("spaces/"+managed.ID, op("replace", "/name", "x")), "delete": mine.remove("spaces/" + managed.ID),
		"assign": mine.post("spaces/"+managed.ID+"/assignments", map[string]any{"type": "user", "assigneeId": u.ID, "roles": []string{"publisher"}}),
		"raise":  mine.do(http.MethodPut, "spaces/"+managed.ID+"/assignments/"+a.ID, map[string]any{"roles": []string{"publisher"}}),
		"remove": mine.remove("spaces/" + managed.ID + "/assignments/" + a.ID),
	} {
		expect(t, what, answer, http.StatusForbidden, api.CodeForbidden)
	}
	own := mine.post("spaces", map[string]any{"name": "Mine", "type": "shared"})
	expect(t, "with the role", own, http.StatusCreated, "")
	expect(t, "of another type", mine.post("spaces", map[string]any{"name": "Data", "type": "data"}), http.StatusForbidden, api.CodeInsufficientScope)
	own.Into(&seen)
	expect(t, "one's own", mine.patch("spaces/"+seen.ID, op("replace", "/description", "my space")), http.StatusOK, "")
	expect(t, "one's own", mine.remove("spaces/"+seen.ID), http.StatusNoContent, "")

	// A facilitator manages members, and not the space.
	raised := c.do(http.MethodPut, "spaces/"+managed.ID+"/assignments/"+a.ID, map[string]any{"roles": []string{"facilitator", "consumer"}})
	expect(t, "raise", raised, http.StatusOK, "")
	expect(t, "assign", mine.post("spaces/"+managed.ID+"/assignments", map[string]any{"type": "user", "assigneeId": u.ID, "roles": []string{"publisher"}}), http.StatusCreated, "")
	expect(t, "delete", mine.remove("spaces/"+managed.ID), http.StatusForbidden, api.CodeForbidden)
	var members api.SpaceAssignmentList
	mine.get("spaces/" + managed.ID + "/assignments").Into(&members)
	if members.Meta.Count != 2 || len(members.Data) != 2 {
		t.Errorf("%+v", members)
	}
	mine.get("spaces/" + managed.ID + "/assignments/" + a.ID).Into(&a)
	if !slices.Equal(a.Roles, []string{"consumer", "facilitator"}) {
		t.Errorf("%+v", a)
	}
	expect(t, "take away", mine.remove("spaces/"+managed.ID+"/assignments/"+a.ID), http.StatusNoContent, "")
	expect(t, "gone", c.get("spaces/"+managed.ID+"/assignments/"+a.ID), http.StatusNotFound, api.CodeSpaceAssignmentNotFound)

	replaced := c.do(http.MethodPut, "spaces/"+shared.ID, map[string]any{"name": "Dev 2", "ownerId": u.ID})
	expect(t, "replace", replaced, http.StatusOK, "")
	replaced.Into(&seen)
	if seen.Name != "Dev 2" || seen.OwnerID != u.ID || seen.Description != shared.Description {
		t.Errorf("%+v", seen)
	}
	for what, bad := range map[string]api.PatchOperation{"path": op("replace", "/type", "data"), "op": op("add", "/name", "x"), "owner": op("replace", "/ownerId", "x"), "name": op("replace", "/name", "a:b")} {
		expect(t, what, c.patch("spaces/"+shared.ID, op("replace", "/description", "half"), bad), http.StatusBadRequest, api.CodeSpaceInvalid)
	}
	expect(t, "name taken", c.patch("spaces/"+shared.ID, op("replace", "/name", "Prod")), http.StatusConflict, api.CodeSpaceExists)
	var list api.SpaceList
	c.get("spaces?name=" + url.QueryEscape("Dev 2") + "&ownerId=" + u.ID + "&filter=" + url.QueryEscape(`type eq "shared" or type eq "data"`)).Into(&list)
	if len(list.Data) != 1 || list.Data[0].ID != shared.ID || list.Data[0].Description != "" {
		t.Errorf("%+v", list)
	}
	expect(t, "delete", c.remove("spaces/"+shared.ID), http.StatusNoContent, "")
	expect(t, "gone", c.get("spaces/"+shared.ID), http.StatusNotFound, api.CodeSpaceNotFound)
	if have := c.actions(t, shared.ID); !slices.Equal(have, []string{"space.create done", "space.update done", "space.delete done"}) {
		t.Errorf("records %v", have)
	}
	var types api.SpaceTypeList
	c.get("spaces/types").Into(&types)
	if len(types.Data) != 3 {
		t.Errorf("%v", types.Data)
	}
}
