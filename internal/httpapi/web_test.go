package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestCSPOrigins adds origins, lists them in all ways, and asks for the header.
func TestCSPOrigins(t *testing.T) {
	c := newDirectoryCaller(t)
	create := func(in api.CSPOriginRequest) (made api.CSPOrigin) {
		t.Helper()
		answer := c.post("csp-origins", in)
		expect(t, "create "+in.Origin, answer, http.StatusCreated, "")
		answer.Into(&made)
		return made
	}
	portal := create(api.CSPOriginRequest{Origin: "https://*.Example.com/", Name: "Portal", CSPDirectives: api.CSPDirectives{FrameAncestors: true, ImgSrc: true}})
	if portal.Origin != "https://*.example.com" || !portal.FrameAncestors || !portal.ImgSrc || portal.ScriptSrc || portal.CreatedDate.IsZero() {
		t.Errorf("made: %+v", portal)
	}
	feed := create(api.CSPOriginRequest{Origin: "feed.example.org:8443", Name: "Feed", CSPDirectives: api.CSPDirectives{ConnectSrc: true, ConnectSrcWSS: true}})
	create(api.CSPOriginRequest{Origin: "http://localhost:*", Name: "another portal", CSPDirectives: api.CSPDirectives{FrameAncestors: true}})
	for _, wrong := range []string{"", "https://", "https://a b", "https://a;script-src *", "https://a,b", "'self'", "javascript:x", "https://*", "*", "ftp://a", "https://a/path", "https://a\nb"} {
		expect(t, fmt.Sprintf("origin %q", wrong), c.post("csp-origins", api.CSPOriginRequest{Origin: wrong}), http.StatusBadRequest, api.CodeCSPOriginInvalid)
	}
	expect(t, "the same again", c.post("csp-origins", api.CSPOriginRequest{Origin: "https://*.example.com"}), http.StatusBadRequest, api.CodeCSPOriginInvalid)
	expect(t, "a long name", c.post("csp-origins", api.CSPOriginRequest{Origin: "a.example", Name: strings.Repeat("x", 257)}), http.StatusBadRequest, api.CodeCSPOriginInvalid)

	list := func(query string) string {
		t.Helper()
		answer := c.get("csp-origins" + query)
		expect(t, query, answer, http.StatusOK, "")
		var page api.CSPOriginList
		answer.Into(&page)
		var names []string
		for _, o := range page.Data {
			names = append(names, o.Name)
		}
		return strings.Join(names, ",")
	}
	for query, want := range map[string]string{
		"":                                      "another portal,Feed,Portal",
		"?sort=-name":                           "Portal,Feed,another portal",
		"?sort=origin":                          "Feed,another portal,Portal",
		"?frameAncestors=true":                  "another portal,Portal",
		"?frameAncestors=true&imgSrc=false":     "another portal",
		"?name=PORTAL":                          "another portal,Portal",
		"?name=portal*":                         "Portal",
		"?origin=https://*":                     "Portal",
		"?origin=example":                       "Feed,Portal",
		"?limit=2":                              "another portal,Feed",
		"?limit=2&next=" + feed.ID:              "Portal",
		"?limit=2&prev=" + portal.ID:            "another portal,Feed",
		"?limit=1&sort=-name&next=" + portal.ID: "Feed",
	} {
		if got := list(query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	for _, bad := range []string{"?frameAncestors=yes!", "?sort=id", "?sort=name,origin", "?next=gone", "?prev=gone", "?limit=0"} {
		expect(t, bad, c.get("csp-origins"+bad), http.StatusBadRequest, api.CodeInvalidRequest)
	}

	header := func() string {
		t.Helper()
		var h api.CSPHeader
		c.get("csp-origins/actions/generate-header").Into(&h)
		return h.ContentSecurityPolicy
	}
	const want = "connect-src 'self' feed.example.org:8443 wss://feed.example.org:8443; default-src 'self'; form-action 'self'; " +
		"frame-ancestors 'self' http://localhost:* https://*.example.com; img-src 'self' https://*.example.com"
	if got := header(); got != want {
		t.Errorf("header: %s", got)
	}
	replaced := c.do(http.MethodPut, "csp-origins/"+portal.ID, api.CSPOriginRequest{Origin: "https://p.example", CSPDirectives: api.CSPDirectives{StyleSrc: true}})
	expect(t, "replace", replaced, http.StatusOK, "")
	var after api.CSPOrigin
	replaced.Into(&after)
	if after.Name != "" || after.ImgSrc || !after.StyleSrc || !after.CreatedDate.Equal(portal.CreatedDate.Time) {
		t.Errorf("replaced: %+v", after)
	}
	expect(t, "replace what is not there", c.do(http.MethodPut, "csp-origins/none", api.CSPOriginRequest{Origin: "https://q.example"}), http.StatusNotFound, api.CodeCSPOriginNotFound)
	expect(t, "replace by the origin of another", c.do(http.MethodPut, "csp-origins/"+portal.ID, api.CSPOriginRequest{Origin: "feed.example.org:8443"}), http.StatusBadRequest, api.CodeCSPOriginInvalid)
	expect(t, "delete", c.remove("csp-origins/"+feed.ID), http.StatusNoContent, "")
	expect(t, "deleted", c.get("csp-origins/"+feed.ID), http.StatusNotFound, api.CodeCSPOriginNotFound)
	if got := header(); strings.Contains(got, "feed") {
		t.Errorf("header after: %s", got)
	}
	expect(t, "by a user", c.as(t, c.newUser(t, "ada").ID).get("csp-origins"), http.StatusForbidden, api.CodeInsufficientScope)
}

// TestWebIntegrations makes web integrations, and lets their pages read answers.
func TestWebIntegrations(t *testing.T) {
	c := newDirectoryCaller(t)
	answer := c.post("web-integrations", api.CreateWebIntegrationRequest{Name: "Portal", ValidOrigins: []string{"https://Portal.example.com", "https://portal.example.com/", "https://*.example.org:*"}})
	expect(t, "create", answer, http.StatusCreated, "")
	var made, other, seen api.WebIntegration
	answer.Into(&made)
	if made.Name != "Portal" || len(made.ValidOrigins) != 2 || made.TenantID != string(c.tenant.ID) || made.CreatedBy == "" || made.Links.Self.Href == "" {
		t.Errorf("made: %+v", made)
	}
	c.post("web-integrations", api.CreateWebIntegrationRequest{Name: "another"}).Into(&other)
	for name, wrong := range map[string]api.CreateWebIntegrationRequest{
		"no name": {}, "no scheme": {Name: "x", ValidOrigins: []string{"portal.example.com"}}, "everybody": {Name: "x", ValidOrigins: []string{"*"}}, "a path": {Name: "x", ValidOrigins: []string{"https://a/b"}},
	} {
		expect(t, name, c.post("web-integrations", wrong), http.StatusBadRequest, api.CodeWebIntegrationInvalid)
	}
	list := func(query string) string {
		t.Helper()
		answer := c.get("web-integrations" + query)
		expect(t, query, answer, http.StatusOK, "")
		var page api.WebIntegrationList
		answer.Into(&page)
		var names []string
		for _, w := range page.Data {
			names = append(names, w.Name)
		}
		return strings.Join(names, ",")
	}
	for query, want := range map[string]string{
		"": "another,Portal", "?sort=-name": "Portal,another", "?limit=1": "another", "?startingAfter=" + other.ID: "Portal", "?endingBefore=" + made.ID: "another",
		"?tenantId=" + string(c.tenant.ID): "another,Portal", "?tenantId=other": "",
	} {
		if got := list(query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	for _, bad := range []string{"?sort=created", "?startingAfter=gone", "?endingBefore=gone", "?startingAfter=a&endingBefore=b"} {
		expect(t, bad, c.get("web-integrations"+bad), http.StatusBadRequest, api.CodeInvalidRequest)
	}
	for name, wrong := range map[string]api.PatchOperation{
		"operation": op("add", "/name", "x"), "path": op("replace", "/created", "x"), "name": op("replace", "/name", ""), "origins": op("replace", "/validOrigins", []string{"x"}), "type": op("replace", "/validOrigins", "x"),
	} {
		expect(t, "patch, wrong "+name, c.patch("web-integrations/"+made.ID, op("replace", "/name", "Changed"), wrong), http.StatusBadRequest, api.CodeWebIntegrationInvalid)
	}

	may := func(origin, id string) bool {
		t.Helper()
		h := map[string]string{"Origin": origin, "Qlik-Web-Integration-Id": id}
		answer := c.Do(testenv.Request{URL: c.TenantURL(c.tenant) + "/api/v1/spaces", Token: c.token, Header: h})
		expect(t, origin, answer, http.StatusOK, "")
		return answer.Header.Get("Access-Control-Allow-Origin") == origin
	}
	neighbour := c.neighbour(t)
	for _, page := range []struct {
		origin, id string
		want       bool
	}{
		{"https://portal.example.com", made.ID, true},
		{"https://a.example.org", made.ID, true},
		{"https://a.b.example.org:8443", made.ID, true},
		{"https://example.org", made.ID, false},
		{"https://evilexample.org", made.ID, false},
		{"http://portal.example.com", made.ID, false},
		{"https://portal.example.com:444", made.ID, false},
		{"https://portal.example.com", other.ID, false},
		{"https://portal.example.com", "none", false},
		{"null", made.ID, false},
	} {
		if got := may(page.origin, page.id); got != page.want {
			t.Errorf("%s with %s may read: %v", page.origin, page.id, got)
		}
	}
	elsewhere := c.Do(testenv.Request{
		URL: neighbour.TenantURL(neighbour.tenant) + "/api/v1/spaces", Token: neighbour.token, Header: map[string]string{"Origin": "https://portal.example.com", "Qlik-Web-Integration-Id": made.ID},
	})
	if elsewhere.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a web integration counts at another tenant")
	}

	expect(t, "patch", c.patch("web-integrations/"+made.ID, op("replace", "/name", "Changed"), op("replace", "/validOrigins", []string{"https://new.example"})), http.StatusNoContent, "")
	c.get("web-integrations/" + made.ID).Into(&seen)
	if seen.Name != "Changed" || fmt.Sprint(seen.ValidOrigins) != "[https://new.example]" || may("https://portal.example.com", made.ID) || !may("https://new.example", made.ID) {
		t.Errorf("changed: %+v", seen)
	}
	expect(t, "delete", c.remove("web-integrations/"+made.ID), http.StatusNoContent, "")
	expect(t, "deleted", c.get("web-integrations/"+made.ID), http.StatusNotFound, api.CodeWebIntegrationNotFound)
	expect(t, "delete again", c.remove("web-integrations/"+made.ID), http.StatusNotFound, api.CodeWebIntegrationNotFound)
	if may("https://new.example", made.ID) {
		t.Error("a deleted web integration counts")
	}
}
