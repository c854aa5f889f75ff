package apitest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	client   = "7c1f0e5d9b3a48d6a2e4c86b10f95d37"
	tenant   = "Hq3vTz8KfWm2_xR7cJbN5yPa-9LdGs4E"
	traceID  = "4bf92f3577b34da6a3ce929d0e0e4736"
	form     = "application/x-www-form-urlencoded"
	tokenOK  = `{"access_token":"a.b.c","token_type":"bearer","expires_at":"2026-11-02T15:30:00.000Z","expires_in":21600}`
	notFound = `{"errors":[{"code":"TENANTS-8","title":"Not found","status":"404"}],"traceId":"` + traceID + `"}`
	tenantOK = `{"id":"` + tenant + `","name":"Acme","hostnames":["a.eu.example.com"],"createdByUser":"","region":"eu","datacenter":"eu-west-1",
		"created":"2026-11-02T09:30:00.000Z","lastUpdated":"2026-11-02T09:30:00.000Z","status":"active","statusLastUpdatedAt":"2026-11-02T09:30:00.000Z",
		"autoAssignCreateSharedSpacesRoleToProfessionals":true,"autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals":true,
		"autoAssignDataServicesContributorRoleToProfessionals":true,"enableAnalyticCreation":false,"enableAppOpeningFeedback":false,
		"links":{"self":{"href":"http://register.eu.freehold.localhost:40123/api/v1/tenants/` + tenant + `"}}}`
	orgTenantOK = `{"id":"` + tenant + `","name":"Acme","status":"active","hostnames":["a.eu.example.com"],"regionCode":"eu-west-1","countryCode":"IE",
		"createdAt":"2026-11-02T09:30:00.000Z","updatedAt":"2026-11-02T09:30:00.000Z","licenseNumber":"1048362759104836","subscriptionId":"1048362759104836",
		"links":{"self":{"href":"https://console.example.com/api/core/tenants/` + tenant + `"}}}`
	listOK = `{"data":[` + orgTenantOK + `],"links":{"self":{"href":"https://console.example.com/api/core/tenants"}}}`
)

// exchange is a request and its answer. Left out, the content type of either
// is JSON if there is a body.
type exchange struct {
	surface, method, target string
	reqType, reqBody        string
	status                  int
	header                  http.Header
	resBody                 string
	want                    string // part of the complaint; empty: none
}

func TestCheck(t *testing.T) {
	noStore := http.Header{"Cache-Control": {"no-store"}}
	for name, x := range map[string]exchange{
		"token by JSON": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqBody: `{"grant_type":"client_credentials","client_id":"x","client_secret":"y","anything":1}`,
			status: 200, header: noStore, resBody: tokenOK,
		},
		"token by form": {
			surface: "register", method: "POST", target: "/oauth/token", reqType: form, reqBody: "grant_type=client_credentials&client_id=x&client_secret=y&scope=user_default&anything=1",
			status: 200, header: noStore, resBody: tokenOK,
		},
		"token that may be cached": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqType: form, reqBody: "grant_type=client_credentials",
			status: 200, resBody: tokenOK, want: `response header "Cache-Control" missing`,
		},
		"token type of another surface": {
			surface: "console", method: "POST", target: "/oauth/token", reqType: form, reqBody: "grant_type=client_credentials",
			status: 200, header: noStore, resBody: tokenOK, want: "body /token_type: ",
		},
		"token for an undocumented grant": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqType: form, reqBody: "grant_type=password",
			status: 200, header: noStore, resBody: tokenOK, want: "request body /grant_type: ",
		},
		"token by XML": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqType: "application/xml", reqBody: "<token/>",
			status: 200, header: noStore, resBody: tokenOK, want: `request body: header Content-Type has unexpected value "application/xml"`,
		},
		"refused token": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqType: "application/xml", reqBody: "<token/>",
			status: 415, resBody: `{"error":"invalid_request","errors":[{"code":"HTTP-415","title":"Unsupported media type"}]}`,
		},
		"refused token without RFC 6749": {
			surface: "tenant", method: "POST", target: "/oauth/token",
			status: 401, resBody: `{"errors":[{"code":"OAUTH-14","title":"Invalid client"}]}`, want: `body: missing property 'error'`,
		},

		"tenant with a charset": {
			surface: "tenant", method: "GET", target: "http://a.eu.freehold.localhost:40123/api/v1/tenants/" + tenant,
			status: 200, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, resBody: tenantOK,
		},
		"tenant as text": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, header: http.Header{"Content-Type": {"text/plain"}}, resBody: tenantOK, want: `header Content-Type has unexpected value: "text/plain"`,
		},
		"tenant with a stray field": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, resBody: strings.Replace(tenantOK, `{"id"`, `{"secret":1,"id"`, 1), want: `body: additional properties 'secret' not allowed`,
		},
		"tenant with null": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, resBody: strings.Replace(tenantOK, `["a.eu.example.com"]`, `null`, 1), want: "body /hostnames: ",
		},
		"tenant with a time without milliseconds": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, resBody: strings.Replace(tenantOK, ".000Z", "Z", 1), want: "body /created: ",
		},
		"tenant with a relative link": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, resBody: strings.Replace(tenantOK, "http://register.eu.freehold.localhost:40123", "", 1), want: "body /links/self/href: ",
		},
		"two tenants": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant,
			status: 200, resBody: tenantOK + tenantOK, want: "not one JSON value",
		},
		"no tenant": {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 200, want: "header Content-Type"},
		"tenant of an id that cannot be": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/x",
			status: 200, resBody: tenantOK, want: `path parameter "tenantId": `,
		},
		"tenant not found":          {surface: "tenant", method: "GET", target: "/api/v1/tenants/x", status: 404, resBody: notFound},
		"tenant asked for by HEAD":  {surface: "tenant", method: "HEAD", target: "/api/v1/tenants/" + tenant, status: 200},
		"undocumented status":       {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 409, resBody: notFound, want: "not documented for getTenant"},
		"undocumented success":      {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 204, want: "not documented for getTenant"},
		"too many requests":         {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 429, header: http.Header{"Retry-After": {"13"}}, resBody: `{"errors":[{"code":"HTTP-429","title":"API rate limit reached."}]}`},
		"too many, for how long?":   {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 429, resBody: `{"errors":[{"code":"HTTP-429","title":"API rate limit reached."}]}`, want: `response header "Retry-After" missing`},
		"error without errors":      {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 404, resBody: `{"errors":[]}`, want: "body /errors: "},
		"error with a wrong status": {surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 404, resBody: `{"errors":[{"code":"X-1","title":"x","status":404}]}`, want: "body /errors/0/status: "},
		"several mistakes": {
			surface: "tenant", method: "GET", target: "/api/v1/tenants/" + tenant, status: 404, resBody: `{"errors":[{"code":"x"}],"more":1}`,
			want: "body /errors/0: missing property 'title'\n\tbody: additional properties 'more' not allowed",
		},

		"redirect":                    {surface: "tenant", method: "GET", target: "/api/v1/tenants/me", status: 302, header: http.Header{"Location": {"/api/v1/tenants/" + tenant}}},
		"redirect with a page":        {surface: "tenant", method: "GET", target: "/api/v1/tenants/me", status: 302, header: http.Header{"Location": {"http://h:1/api/v1/tenants/" + tenant}, "Content-Type": {"text/html"}}, resBody: "<a>"},
		"redirect to nowhere":         {surface: "tenant", method: "GET", target: "/api/v1/tenants/me", status: 302, want: `response header "Location" missing`},
		"redirect to something else":  {surface: "tenant", method: "GET", target: "/api/v1/users/me", status: 302, header: http.Header{"Location": {"/api/v1/tenants/" + tenant}}, want: `response header "Location" doesn't match`},
		"tenant instead of redirect":  {surface: "tenant", method: "GET", target: "/api/v1/tenants/me", status: 200, resBody: tenantOK, want: "not documented for getMyTenant"},
		"GET that has a request body": {surface: "tenant", method: "GET", target: "/livez", reqBody: "{}", status: 200, resBody: `{"status":"ok"}`, want: "request body not allowed"},

		"list":                            {surface: "console", method: "GET", target: "/api/core/tenants?limit=0&sort=-createdAt,+name&totalResults=true&filter=id+eq+%22x%22", status: 200, resBody: listOK},
		"list over the limit":             {surface: "console", method: "GET", target: "/api/core/tenants?limit=101", status: 200, resBody: listOK, want: `query parameter "limit": `},
		"list over the limit refused":     {surface: "console", method: "GET", target: "/api/core/tenants?limit=101", status: 400, resBody: `{"errors":[{"code":"HTTP-400","title":"Bad request","source":{"parameter":"limit"},"meta":{"at":[1]}}]}`},
		"list with a boolean in disguise": {surface: "console", method: "GET", target: "/api/core/tenants?totalResults=1", status: 200, resBody: listOK, want: `query parameter "totalResults": `},
		"list with a stray field inside":  {surface: "console", method: "GET", target: "/api/core/tenants", status: 200, resBody: strings.Replace(listOK, `[{"id"`, `[{"region":"eu","id"`, 1), want: `body /data/0: additional properties 'region' not allowed`},
		"literal path before parameter":   {surface: "console", method: "GET", target: "/api/core/tenants/actions/count?filter=x", status: 200, resBody: `{"total":1}`},
		"count without filter":            {surface: "console", method: "GET", target: "/api/core/tenants/actions/count", status: 200, resBody: `{"total":1}`, want: `query parameter "filter": value is required but missing`},
		"filter in the body":              {surface: "console", method: "POST", target: "/api/core/tenants/actions/filter?limit=1", reqBody: `{"filter":""}`, status: 200, resBody: listOK},
		"filter of the wrong type":        {surface: "console", method: "POST", target: "/api/core/tenants/actions/filter", reqBody: `{"filter":1}`, status: 200, resBody: listOK, want: "request body /filter: "},

		"created":                              {surface: "register", method: "POST", target: "/api/v1/tenants", reqBody: `{"licenseKey":"k"}`, status: 201, resBody: tenantOK},
		"created without a key":                {surface: "register", method: "POST", target: "/api/v1/tenants", reqBody: `{}`, status: 201, resBody: tenantOK, want: `request body: missing property 'licenseKey'`},
		"created with 200":                     {surface: "register", method: "POST", target: "/api/v1/tenants", reqBody: `{"licenseKey":"k"}`, status: 200, resBody: tenantOK, want: "not documented for createTenant"},
		"not ready":                            {surface: "register", method: "GET", target: "/readyz", status: 503, resBody: `{"status":"unavailable","checks":{"store":"no connection"}}`},
		"private key":                          {surface: "register", method: "GET", target: "/.well-known/jwks.json", status: 200, resBody: `{"keys":[{"kty":"EC","d":"x"}]}`, want: `body /keys/0: additional properties 'd' not allowed`},
		"its own document":                     {surface: "register", method: "GET", target: "/openapi.json", status: 200, resBody: `{"openapi":"3.1.0","info":{},"paths":{},"components":{}}`},
		"no such path":                         {surface: "register", method: "GET", target: "/api/v1/users/me", status: 404, resBody: notFound},
		"no such path, with slash":             {surface: "register", method: "GET", target: "/livez/", status: 404, resBody: notFound},
		"no such path, as text":                {surface: "register", method: "GET", target: "/nowhere", status: 404, header: http.Header{"Content-Type": {"text/plain"}}, resBody: "404", want: "not an answer of an unrouted request"},
		"no such path, but OK":                 {surface: "register", method: "GET", target: "/nowhere", status: 200, resBody: `{}`, want: "the path is not in the document"},
		"no such path, nobody here":            {surface: "tenant", method: "GET", target: "/nowhere", status: 401, resBody: `{"errors":[{"code":"LOGIN-2","title":"No"}]}`},
		"no such method":                       {surface: "register", method: "PUT", target: "/api/v1/tenants", status: 405, resBody: `{"errors":[{"code":"HTTP-405","title":"No"}]}`},
		"no such method, not found":            {surface: "console", method: "PUT", target: "/api/core/tenants/" + tenant, status: 404, resBody: notFound, want: "no such method at the path"},
		"no such method of the token endpoint": {surface: "register", method: "GET", target: "/oauth/token", status: 405, resBody: `{"error":"invalid_request","errors":[{"code":"HTTP-405","title":"No"}]}`},
		"no such method of the token endpoint without RFC 6749": {
			surface: "register", method: "GET", target: "/oauth/token", status: 405,
			resBody: `{"errors":[{"code":"HTTP-405","title":"No"}]}`, want: `body: missing property 'error'`,
		},
		"no such surface": {surface: "admin", method: "GET", target: "/", status: 200, want: `there is no surface "admin"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := x.check()
			if x.want == "" && got != "" {
				t.Errorf("refused: %s", got)
			}
			if !strings.Contains(got, x.want) || x.want != "" && got == "" {
				t.Errorf("got  %q\nwant %q", got, x.want)
			}
			if strings.Contains(got, "Schema:") {
				t.Errorf("the complaint repeats the schema: %s", got)
			}
		})
	}
}

// check returns what Check complains about.
func (x exchange) check() string {
	req := httptest.NewRequest(x.method, x.target, strings.NewReader("the body has been read"))
	setType(req.Header, x.reqType, x.reqBody)
	header := x.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	setType(header, "", x.resBody)
	res := &http.Response{StatusCode: x.status, Header: header}
	var recorded recorder
	Check(&recorded, x.surface, req, []byte(x.reqBody), res, []byte(x.resBody))
	return recorded.complaint
}

func setType(header http.Header, contentType, body string) {
	if contentType == "" && body != "" {
		contentType = "application/json"
	}
	if contentType != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
}

func TestCheck_LeavesTheExchangeAlone(t *testing.T) {
	body := "grant_type=client_credentials&client_id=" + client
	req := httptest.NewRequest("POST", "http://h:1/oauth/token?a=b", strings.NewReader(body))
	req.Header.Set("Content-Type", form)
	res := httptest.NewRecorder()
	res.Header().Set("Content-Type", "application/json")
	res.Header().Set("Cache-Control", "no-store")
	_, _ = res.WriteString(tokenOK)
	answer := res.Result()
	Check(t, "tenant", req, []byte(body), answer, []byte(tokenOK))
	if req.URL.String() != "http://h:1/oauth/token?a=b" || req.FormValue("client_id") != client {
		t.Error("the request was changed")
	}
	left := make([]byte, len(tokenOK)+1)
	if n, _ := answer.Body.Read(left); string(left[:n]) != tokenOK {
		t.Error("the answer was changed")
	}
}

// recorder is a testing.TB that keeps what a test is failed with.
type recorder struct {
	testing.TB
	complaint string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.complaint = fmt.Sprintf(format, args...) }

func BenchmarkCheck(b *testing.B) {
	for name, x := range map[string]exchange{
		"token": {
			surface: "tenant", method: "POST", target: "/oauth/token", reqType: form, reqBody: "grant_type=client_credentials", status: 200,
			header: http.Header{"Cache-Control": {"no-store"}}, resBody: tokenOK,
		},
		"list": {surface: "console", method: "GET", target: "/api/core/tenants?limit=1", status: 200, resBody: listOK},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := x.check(); got != "" {
					b.Fatal(got)
				}
			}
		})
	}
}
