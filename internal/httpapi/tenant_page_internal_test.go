package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// TestTenantPage_AsEncodingJSON: what is written by hand is byte for byte what the
// types of package api say.
func TestTenantPage_AsEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "plain", "a\"b\\c", "<&>", "\u2028\u2029", "\x00\x1f\x7f\b\f\n\r\t", "\xff\xfe", "\ufffd", "ünï👩‍🚀"}), rapid.StringN(0, 5, 20))
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.IntRange(0, 5).Draw(t, "none") == 0 {
				return time.Time{}
			}
			return time.UnixMicro(rapid.Int64Range(-60_000_000_000_000_000, 250_000_000_000_000_000).Draw(t, "µs")).UTC()
		})
		x := &exchange{server: &Server{Config: Config{Domain: "example.com"}}, surface: estate.Surface{Origin: "https://console.example.com"}, r: httptest.NewRequest(http.MethodGet, "/", nil)}
		starts, ends := moment.Draw(t, "starts"), moment.Draw(t, "ends")
		page := tenantPage{x: x, terms: map[estate.SubscriptionID][]byte{"1": appendTime(appendTime(nil, `,"licenseStartsAt":`, starts), `,"licenseEndsAt":`, ends)}}
		want := api.OrganizationTenantList{Data: []api.OrganizationTenant{}, Links: api.PageLinks{Self: api.Link{Href: text.Draw(t, "self")}}}
		for range rapid.IntRange(0, 3).Draw(t, "tenants") {
			v := estate.Tenant{
				ID: estate.TenantID(text.Draw(t, "id")), Subscription: "1", Name: text.Draw(t, "name"), Status: rapid.SampledFrom([]estate.TenantStatus{estate.TenantActive, estate.TenantDisabled}).Draw(t, "status"),
				Hostname: estate.Hostname(text.Draw(t, "hostname")), Alias: estate.Hostname(text.Draw(t, "alias")), Datacenter: text.Draw(t, "datacenter"), CountryCode: text.Draw(t, "country"),
				CreatedBy: text.Draw(t, "maker"), CreatedAt: moment.Draw(t, "created"), UpdatedAt: moment.Draw(t, "updated"), PurgeAt: moment.Draw(t, "purge"),
				Provisioning: estate.ProvisioningStatus{State: estate.ProvisioningState(text.Draw(t, "state")), Message: text.Draw(t, "message"), UpdatedAt: moment.Draw(t, "provisioned")},
			}
			page.tenants = append(page.tenants, v)
			want.Data = append(want.Data, x.wireOrganizationTenant(v, starts, ends))
		}
		if rapid.Bool().Draw(t, "more") {
			want.Links.Next, want.Links.Prev = &api.Link{Href: text.Draw(t, "next")}, &api.Link{Href: text.Draw(t, "prev")}
			n := rapid.Int64().Draw(t, "total")
			want.TotalResults = &n
		}
		page.links, page.total = want.Links, want.TotalResults

		var expected bytes.Buffer
		encoder := json.NewEncoder(&expected)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expected.String(), string(page.appendJSON(nil))); diff != "" {
			t.Errorf("(-encoding/json +by hand)\n%s", diff)
		}
	})
}
