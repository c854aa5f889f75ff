package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// Bots that have lost their client are seen and dealt with by those who managed the
// client, and in a tenant by its administrators; by nobody else.
func TestBots(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	one, two := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	region, heir := e.RegionClient(sub, "us"), e.RegionClient(sub, "us")
	local, localHeir, foreign := e.TenantClient(one), e.TenantClient(one), e.TenantClient(two)
	bot := func(tenant estate.Tenant, c testenv.Credentials) string {
		t.Helper()
		return strings.TrimPrefix(newCaller(t, e, e.TenantURL(tenant), c).do("GET", "/api/v1/users/me", nil).header.Get("Location"), "/api/v1/users/")
	}
	inOne, inTwo, ofLocal := bot(one, region), bot(two, region), bot(one, local)
	console := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID))
	admin, stranger := newCaller(t, e, e.TenantURL(one), localHeir), newCaller(t, e, e.TenantURL(two), foreign)
	organizationsOnly := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients))
	rival := newCaller(t, e, e.Console(), e.OrganizationClient(e.NewOrganization("Rival").ID))
	console.want(204, nil, "DELETE", "/api/core/subscriptions/"+string(sub.ID)+"/oauth-clients/"+string(region.ID), nil, api.HeaderConfirmDelete, string(region.ID))
	admin.want(204, nil, "DELETE", "/api/v1/oauth-clients/"+string(local.ID), nil, api.HeaderConfirmDelete, string(local.ID))

	sees := func(c caller, base string, want ...string) {
		t.Helper()
		var list api.BotList
		c.want(200, &list, "GET", base, nil)
		var got []string
		for _, b := range list.Data {
			got = append(got, b.ID)
			if b.Reason != "deleted" || b.TenantName == "" || b.Since.IsZero() {
				t.Errorf("%+v", b)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s%s: %v, want %v", c.origin, base, got, want)
		}
	}
	const core, v1 = "/api/core/bots", "/api/v1/bots"
	sees(console, core, inOne, inTwo)
	sees(organizationsOnly, core)
	sees(rival, core)
	sees(admin, v1, inOne, ofLocal)
	sees(stranger, v1, inTwo)

	adopt := func(c testenv.Credentials) api.AdoptBotRequest { return api.AdoptBotRequest{ClientID: string(c.ID)} }
	for _, c := range []caller{rival, organizationsOnly} {
		c.refused(404, api.CodeUserNotFound, "DELETE", core+"/"+inOne, nil)
		c.refused(404, api.CodeUserNotFound, "POST", core+"/"+inOne+"/actions/adopt", adopt(heir))
	}
	console.refused(404, api.CodeUserNotFound, "DELETE", core+"/"+ofLocal, nil)
	stranger.refused(404, api.CodeUserNotFound, "DELETE", v1+"/"+ofLocal, nil)
	stranger.refused(404, api.CodeUserNotFound, "POST", v1+"/"+inOne+"/actions/adopt", adopt(foreign))
	// A tenant's administrator can't hand a bot to clients that are not the tenant's.
	admin.refused(404, api.CodeClientNotFound, "POST", v1+"/"+inOne+"/actions/adopt", adopt(heir))
	admin.refused(404, api.CodeClientNotFound, "POST", v1+"/"+ofLocal+"/actions/adopt", adopt(foreign))
	admin.refused(400, api.CodeEstateInvalid, "POST", v1+"/"+inOne+"/actions/adopt", adopt(localHeir))
	reader := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgSubscriptionsRead))
	sees(reader, core, inOne, inTwo)
	reader.refused(403, api.CodeInsufficientScope, "DELETE", core+"/"+inOne, nil)
	console.refused(400, api.CodeInvalidRequest, "POST", core+"/"+inOne+"/actions/adopt", "[]")

	console.want(204, nil, "POST", core+"/"+inOne+"/actions/adopt", adopt(heir))
	if got := bot(one, heir); got != inOne {
		t.Errorf("the heir acts as %s, not as %s", got, inOne)
	}
	bot(two, heir)
	console.refused(409, api.CodeEstateConflict, "POST", core+"/"+inTwo+"/actions/adopt", adopt(heir))
	stranger.want(204, nil, "DELETE", v1+"/"+inTwo, nil)
	admin.want(204, nil, "DELETE", v1+"/"+ofLocal, nil)
	sees(console, core)
	sees(admin, v1)

	refused, done := 0, 0
	for _, r := range records(t, e) {
		switch {
		case r.Action != "user.adopt" && r.Action != "user.delete":
		case r.Outcome == estate.OutcomeDone:
			done++
		default:
			refused++
		}
	}
	if done != 3 || refused != 1 {
		t.Errorf("audit: %d done, %d refused", done, refused)
	}
}
