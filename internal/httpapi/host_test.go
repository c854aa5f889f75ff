package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const metadataPath = "/.well-known/oauth-authorization-server"

// TestHosts sends one request to host names of all kinds.
func TestHosts(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us", "acme")
	system := string(tenant.Hostname) + "." + testenv.Domain
	port := ":" + strconv.Itoa(e.Port)
	for host, test := range map[string]struct {
		status int
		code   string
		issuer string // host of the issuer
	}{
		"console.freehold.localhost" + port:                 {200, "", "console.freehold.localhost"},
		"console.freehold.localhost":                        {200, "", "console.freehold.localhost"},
		"console.freehold.localhost:1":                      {200, "", "console.freehold.localhost"},
		"console.freehold.localhost." + port:                {200, "", "console.freehold.localhost"},
		"CONSOLE.Freehold.LOCALHOST" + port:                 {200, "", "console.freehold.localhost"},
		"register.us.freehold.localhost":                    {200, "", "register.us.freehold.localhost"},
		"Register.US.freehold.localhost.":                   {200, "", "register.us.freehold.localhost"},
		system:                                              {200, "", system},
		strings.ToUpper(system) + port:                      {200, "", system},
		system + ".":                                        {200, "", system},
		"acme.us.freehold.localhost":                        {200, "", "acme.us.freehold.localhost"},
		"ACME.us.freehold.localhost.:80":                    {200, "", "acme.us.freehold.localhost"},
		"register.xx.freehold.localhost":                    {401, api.CodeUnknownHost, ""},
		"register.freehold.localhost":                       {401, api.CodeUnknownHost, ""},
		"nobody.us.freehold.localhost":                      {401, api.CodeUnknownHost, ""},
		"acme.eu.freehold.localhost":                        {401, api.CodeUnknownHost, ""},
		"us.freehold.localhost":                             {401, api.CodeUnknownHost, ""},
		"console.us.freehold.localhost":                     {401, api.CodeUnknownHost, ""},
		"www.acme.us.freehold.localhost":                    {401, api.CodeUnknownHost, ""},
		"acme..freehold.localhost":                          {401, api.CodeUnknownHost, ""},
		".us.freehold.localhost":                            {401, api.CodeUnknownHost, ""},
		"acme.us..freehold.localhost":                       {401, api.CodeUnknownHost, ""},
		strings.Repeat("a", 300) + ".us.freehold.localhost": {401, api.CodeUnknownHost, ""},
		"freehold.localhost" + port:                         {421, api.CodeMisdirected, ""},
		".freehold.localhost":                               {401, api.CodeUnknownHost, ""},
		"example.com":                                       {421, api.CodeMisdirected, ""},
		"console.example.com":                               {421, api.CodeMisdirected, ""},
		"console.freehold.localhost.example.com":            {421, api.CodeMisdirected, ""},
		"consolefreehold.localhost":                         {421, api.CodeMisdirected, ""},
		"console.freehold.localhost..":                      {421, api.CodeMisdirected, ""},
		"localhost" + port:                                  {421, api.CodeMisdirected, ""},
		"127.0.0.1" + port:                                  {421, api.CodeMisdirected, ""},
		"[::1]" + port:                                      {421, api.CodeMisdirected, ""},
		"[::1]":                                             {421, api.CodeMisdirected, ""},
	} {
		t.Run(host, func(t *testing.T) {
			answer := e.With(t).Do(testenv.Request{URL: e.Console() + metadataPath, Host: host})
			expect(t, host, answer, test.status, test.code)
			var metadata api.AuthorizationServerMetadata
			if answer.Into(&metadata); test.issuer != "" && metadata.Issuer != "http://"+test.issuer+port {
				t.Errorf("issuer %s", metadata.Issuer)
			}
			if len(answer.Header.Get("X-B3-Traceid")) != 32 {
				t.Errorf("X-B3-Traceid: %q", answer.Header.Get("X-B3-Traceid"))
			}
		})
	}
	unknown := e.Do(testenv.Request{URL: e.Console() + metadataPath, Host: "nobody.us.freehold.localhost"})
	if unknown.Error().Title != "No authentication configured for this hostname" {
		t.Errorf("%s", unknown.Body)
	}
	token := e.Do(testenv.Request{URL: e.Console() + "/oauth/token", Host: "nobody.us.freehold.localhost", Form: e.OrganizationClient(e.Organization.ID).Form()})
	expectOAuth(t, token, http.StatusUnauthorized, "invalid_client", api.CodeUnknownHost)
	token = e.Do(testenv.Request{URL: e.Console() + "/oauth/token", Host: "example.com", Form: e.OrganizationClient(e.Organization.ID).Form()})
	expectOAuth(t, token, http.StatusMisdirectedRequest, "invalid_request", api.CodeMisdirected)
}

// TestHosts_Probes asks how the server is by its bare address, as orchestrators
// do, and by any other name.
func TestHosts_Probes(t *testing.T) {
	e := testenv.New(t)
	for _, host := range []string{"127.0.0.1:" + strconv.Itoa(e.Port), "[::1]", "example.com", "console.freehold.localhost", "nobody.us.freehold.localhost"} {
		for path, want := range map[string]string{"/livez": `{"status":"ok"}`, "/readyz": `{"status":"ok","checks":{"changes":"ok","database":"ok","serving":"ok","writes":"ok"}}`} {
			answer := e.Do(testenv.Request{URL: e.Console() + path, Host: host})
			if answer.Status != http.StatusOK || strings.TrimSpace(string(answer.Body)) != want {
				t.Errorf("%s%s: %d %s", host, path, answer.Status, answer.Body)
			}
		}
	}
	expect(t, "POST", e.Do(testenv.Request{Method: http.MethodPost, URL: e.Console() + "/livez", Host: "127.0.0.1"}), http.StatusMethodNotAllowed, api.CodeMethodNotAllowed)
}

// TestHosts_DeactivatedTenant asks a tenant that is not active, in any way.
func TestHosts_DeactivatedTenant(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us", "acme")
	c := e.RegionClient(sub, "us")
	token := e.Token(e.TenantURL(tenant), c)
	sqlExec(t, e, "update tenants set status = 'disabled' where id = ?", string(tenant.ID))
	node := e.Node() // has not seen the tenant active
	for _, origin := range []string{e.TenantURL(tenant), e.Origin("acme.us")} {
		for name, request := range map[string]testenv.Request{
			"token":    {URL: origin + "/oauth/token", Form: c.Form()},
			"tenant":   {URL: origin + "/api/v1/tenants/" + string(tenant.ID), Token: token},
			"no token": {URL: origin + "/api/v1/tenants/me"},
			"metadata": {URL: origin + metadataPath},
			"no path":  {URL: origin + "/nowhere"},
		} {
			answer := node.Do(request)
			expect(t, name, answer, http.StatusUnauthorized, api.CodeTenantDeactivated)
			if title := answer.Error().Title; title != "Tenant has been deactivated. Contact your administrator for more details." {
				t.Errorf("%s: title %q", name, title)
			}
		}
		expect(t, "probe", node.Do(testenv.Request{URL: origin + "/livez"}), http.StatusOK, "")
	}
}

// TestRouting checks what a surface answers to paths and methods that it does
// not have.
func TestRouting(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	here := e.TenantURL(tenant)
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/tenants/", "/api/v1/tenants/me/x", "/livez/", "/API/V1/tenants/me", "/api/core/tenants", "//api/v1/tenants/me", "/api/v1/../v1/tenants/me", "/api/v1/./tenants/me", "/api/v1/tenants/me%00"} {
		answer := e.Do(testenv.Request{URL: here + path, Token: e.Token(here, e.TenantClient(tenant))})
		if answer.Status != http.StatusNotFound || answer.Error().Code == "" {
			t.Errorf("%s: %d %s", path, answer.Status, answer.Body)
		}
	}
	for request, allow := range map[[2]string]string{
		{"DELETE", here + "/api/v1/users/actions/count"}:          "GET, HEAD",
		{"POST", here + "/api/v1/tenants/me"}:                     "GET, HEAD, PATCH",
		{"GET", here + "/oauth/token"}:                            "POST",
		{"HEAD", here + "/oauth/token"}:                           "POST",
		{"OPTIONS", here + "/api/v1/users/actions/count"}:         "GET, HEAD",
		{"PUT", e.Register("us") + "/api/v1/tenants"}:             "GET, HEAD, POST",
		{"PATCH", e.Console() + "/api/core/tenants/x"}:            "GET, HEAD",
		{"GET", e.Console() + "/api/core/tenants/actions/filter"}: "POST",
		{"POST", e.Console() + "/api/core/tenants/actions/count"}: "GET, HEAD",
		{"PROPFIND", e.Console() + "/.well-known/jwks.json"}:      "GET, HEAD",
	} {
		answer := e.Do(testenv.Request{Method: request[0], URL: request[1]})
		if request[0] != http.MethodHead {
			expect(t, strings.Join(request[:], " "), answer, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed)
		}
		if have := answer.Header.Get("Allow"); answer.Status != http.StatusMethodNotAllowed || have != allow {
			t.Errorf("%s: %d, Allow %q, want %q", request, answer.Status, have, allow)
		}
	}
}

// TestRouting_Head asks for headers only.
func TestRouting_Head(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	here := e.TenantURL(tenant)
	token := e.Token(here, e.TenantClient(tenant))
	for path, status := range map[string]int{
		"/livez": 200, metadataPath: 200, "/openapi.json": 200, "/api/v1/tenants/" + string(tenant.ID): 200, "/api/v1/tenants/me": 302, "/api/v1/licenses/overview": 200, "/nowhere": 404,
	} {
		get := e.Do(testenv.Request{URL: here + path, Token: token})
		head := e.Do(testenv.Request{Method: http.MethodHead, URL: here + path, Token: token})
		if head.Status != status || get.Status != status || len(head.Body) != 0 {
			t.Errorf("%s: HEAD %d, GET %d, want %d", path, head.Status, get.Status, status)
		}
		for _, name := range []string{"Content-Type", "Content-Length", "Location"} {
			if name == "Content-Length" && (status == http.StatusFound || path == "/api/v1/licenses/overview") {
				continue // the page of a redirect is for GET only, and each overview signs a new key
			}
			if head.Header.Get(name) != get.Header.Get(name) {
				t.Errorf("%s: %s %q by HEAD, %q by GET", path, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
	}
	expect(t, "HEAD without a token", e.Do(testenv.Request{Method: http.MethodHead, URL: here + "/api/v1/tenants/me"}), http.StatusUnauthorized, "")
}

// TestRouting_RawRequests speaks HTTP by hand, for what clients don't send.
func TestRouting_RawRequests(t *testing.T) {
	e := testenv.New(t)
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"no Host header, HTTP/1.0":   {"GET /livez HTTP/1.0\r\n\r\n", 200},
		"empty Host header":          {"GET /api/core/tenants HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 421},
		"absolute form":              {"GET http://console.freehold.localhost/openapi.json HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", 200},
		"CONNECT":                    {"CONNECT console.freehold.localhost:443 HTTP/1.1\r\nHost: console.freehold.localhost\r\nConnection: close\r\n\r\n", 404},
		"chunked body over limit":    {"POST /oauth/token HTTP/1.1\r\nHost: console.freehold.localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n96000\r\n" + strings.Repeat("x", 0x96000) + "\r\n0\r\n\r\n", 413},
		"body shorter than promised": {"POST /oauth/token HTTP/1.1\r\nHost: console.freehold.localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{}", 400},
	} {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(e.Port))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(conn, test.request) // the server may answer before it has read all
			_ = conn.(*net.TCPConn).CloseWrite()
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if res.StatusCode != test.status || res.Header.Get("Content-Type") != jsonType {
			t.Errorf("%s: %s, %s", name, res.Status, res.Header.Get("Content-Type"))
		}
		res.Body.Close()
		conn.Close()
	}
}

// TestRedirects follows users/me and tenants/me, which stay within the origin.
func TestRedirects(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us", "acme")
	c := e.RegionClient(sub, "us")
	for _, origin := range []string{e.TenantURL(tenant), e.Origin("acme.us")} {
		token := e.Token(origin, c)
		for path, prefix := range map[string]string{"/api/v1/users/me": "/api/v1/users/", "/api/v1/tenants/me": "/api/v1/tenants/"} {
			answer := e.Do(testenv.Request{URL: origin + path, Token: token})
			location := answer.Header.Get("Location")
			if answer.Status != http.StatusFound || !strings.HasPrefix(location, prefix) {
				t.Fatalf("%s: %d, Location %q", path, answer.Status, location)
			}
			expect(t, "followed "+path, e.Do(testenv.Request{URL: origin + location, Token: token}), http.StatusOK, "")
		}
	}
}

// TestProductInfo reads what clients ask before all else, without a token and
// from web pages.
func TestProductInfo(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	for origin, kind := range map[string]string{e.Console(): "cloud-console", e.Register("us"): "qlikcloudservices", e.TenantURL(tenant): "qlikcloudservices"} {
		answer := e.Do(testenv.Request{URL: origin + "/resources/autogenerated/product-info.json", Header: map[string]string{"Origin": "https://app.example.com"}})
		var info api.ProductInfo
		answer.Into(&info)
		if answer.Status != http.StatusOK || info.Composition.DeploymentType != kind || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %s %v", origin, answer.Status, answer.Body, answer.Header)
		}
	}
}

// TestOpenAPI_IsServed compares what each surface serves with the document.
func TestOpenAPI_IsServed(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	for origin, surface := range map[string]estate.SurfaceKind{e.Console(): "console", e.Register("us"): "register", e.TenantURL(tenant): "tenant"} {
		answer := e.Do(testenv.Request{URL: origin + "/openapi.json"})
		if string(answer.Body) != string(api.OpenAPI(string(surface))) {
			t.Errorf("%s serves another document", surface)
		}
	}
}

// TestTraceID sends the caller's trace id in the ways there are, and bad ones.
func TestTraceID(t *testing.T) {
	e := testenv.New(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, test := range map[string]struct {
		header, value string
		kept          bool
	}{
		"W3C":            {"Traceparent", "00-" + id + "-00f067aa0ba902b7-01", true},
		"B3":             {"X-B3-Traceid", id, true},
		"short W3C":      {"Traceparent", "00-" + id, false},
		"W3C not in hex": {"Traceparent", "00-" + strings.Repeat("x", 32) + "-00f067aa0ba902b7-01", false},
		"short B3":       {"X-B3-Traceid", id[:16], false},
		"B3 with text":   {"X-B3-Traceid", strings.Repeat("<", 32), false},
		"none":           {"X-Other", id, false},
	} {
		answer := e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Header: map[string]string{test.header: test.value}})
		var body api.ErrorBody
		answer.Into(&body)
		if (body.TraceID == id) != test.kept || len(body.TraceID) != 32 || body.TraceID != answer.Header.Get("X-B3-Traceid") {
			t.Errorf("%s: %s", name, fmt.Sprint(body.TraceID, answer.Header.Get("X-B3-Traceid")))
		}
	}
}
