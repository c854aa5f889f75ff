package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
)

const (
	clientID     = "82e0c353eca9a5d849c74d7e98f13f7e"
	clientSecret = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"
	licenseKey   = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
	tenantID     = "TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e"
	userID       = "6571c0a94be2d83f1097ac5e"
)

var now = api.Time{Time: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)}

// fake is a server that answers as the OpenAPI documents say, which every
// exchange is checked against, with an estate of one tenant's worth of data
// repeated as often as needed.
type fake struct {
	t       testing.TB
	port    string
	tenants int // in the organization

	mu       sync.Mutex
	requests []string // method, host without port, URI, and body of API calls
	revoked  string   // the token revoked last
	family   family

	provisioning *api.Provisioning // of tenants that are created
}

func newFake(t testing.TB, tenants int) *fake {
	f := &fake{t: t, tenants: tenants}
	server := httptest.NewServer(http.HandlerFunc(f.check))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	f.port = u.Port()
	return f
}

// url returns the base URL of a host below the domain.
func (f *fake) url(host string) string {
	return "http://" + host + ".freehold.localhost:" + f.port
}

func surface(host string) string {
	label, _, _ := strings.Cut(host, ".")
	if label == "console" || label == "register" {
		return label
	}
	return "tenant"
}

// check answers a request and holds the exchange against the document of its
// surface.
func (f *fake) check(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	host, _, _ := strings.Cut(r.Host, ":")
	if !strings.HasPrefix(r.URL.Path, "/oauth/") {
		f.mu.Lock()
		f.requests = append(f.requests, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", r.Method, host, r.URL.RequestURI(), body)))
		f.mu.Unlock()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	f.routes(surface(host)).ServeHTTP(recorder, r)
	result := recorder.Result()
	apitest.Check(f.t, surface(host), r, body, result, recorder.Body.Bytes())
	for name, values := range result.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(result.StatusCode)
	_, _ = w.Write(recorder.Body.Bytes())
}

func (f *fake) routes(surface string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", f.token)
	mux.HandleFunc("POST "+api.DeviceAuthorizationPath, f.authorizeDevice)
	mux.HandleFunc("POST /oauth/revoke", f.revoke)
	mux.HandleFunc("POST /oauth/introspect", f.introspect)
	switch surface {
	case "console":
		mux.Handle("GET /api/core/tenants", f.authenticated(f.listTenants))
		mux.Handle("GET /api/core/tenants/{id}", f.authenticated(f.getOrganizationTenant))
		mux.Handle("POST /api/core/oauth-clients", f.authenticated(f.createOAuthClient))
		f.manageOAuthClients(mux, "/api/core/oauth-clients")
		f.serveBots(mux, "/api/core/bots")
		mux.Handle("POST /api/core/subscriptions/{subscription}/oauth-clients", f.authenticated(f.createRegionOAuthClient))
		f.manageOAuthClients(mux, "/api/core/subscriptions/{subscription}/oauth-clients")
		f.manageProvisioners(mux)
	case "register":
		mux.Handle("POST /api/v1/tenants", f.authenticated(f.createTenant))
		f.keepTenants(mux)
	default:
		mux.Handle("GET /api/v1/tenants", f.authenticated(f.listTenant))
		mux.HandleFunc("/api/v1/tenants", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			fail(w, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "Method not allowed", "Allowed: GET, HEAD.")
		})
		mux.Handle("GET /api/v1/tenants/me", http.RedirectHandler("/api/v1/tenants/"+tenantID, http.StatusFound))
		mux.Handle("GET /api/v1/tenants/{id}", f.authenticated(f.getTenant))
		mux.Handle("PATCH /api/v1/tenants/{id}", f.authenticated(f.updateTenant))
		mux.Handle("GET /api/v1/users/me", http.RedirectHandler("/api/v1/users/"+userID, http.StatusFound))
		mux.Handle("GET /api/v1/users/{id}", f.authenticated(f.getUser))
		mux.Handle("GET /api/v1/licenses/overview", f.authenticated(f.licenseOverview))
		f.identityProviders(mux)
		mux.Handle("POST /api/v1/oauth-clients", f.authenticated(f.createOAuthClient))
		f.manageOAuthClients(mux, "/api/v1/oauth-clients")
		f.serveBots(mux, "/api/v1/bots")
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, api.CodeNotFound, "Not found", "There is nothing at this path.")
	})
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, code, title, detail string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="freehold"`)
	}
	answer(w, status, api.ErrorBody{
		Errors:  []api.Error{{Code: code, Title: title, Detail: detail, Status: strconv.Itoa(status)}},
		TraceID: "9a3a5a25531c1e2d9a3a5a25531c1e2d",
	})
}

func (f *fake) revoke(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("Authorization") != "" {
		f.revokePerson(r)
		return
	}
	if !f.client(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = r.FormValue("token")
}

func (f *fake) introspect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !f.client(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	token := r.FormValue("token")
	if token != accessToken(r.Host) || token == f.revoked {
		answer(w, http.StatusOK, api.Introspection{})
		return
	}
	answer(w, http.StatusOK, api.Introspection{Active: true, ClientID: clientID, Subject: clientID, Level: "organization", TokenType: "Bearer", ExpiresAt: now.Unix() + 21600})
}

// client checks the client's credentials, and answers if they are wrong.
func (f *fake) client(w http.ResponseWriter, r *http.Request) bool {
	if r.FormValue("client_id") != clientID || r.FormValue("client_secret") != clientSecret {
		const detail = "Client authentication failed."
		w.Header().Set("WWW-Authenticate", `Basic realm="freehold"`)
		answer(w, http.StatusUnauthorized, api.OAuthErrorBody{
			OAuthError: "invalid_client", ErrorDescription: detail,
			Errors:  []api.Error{{Code: api.CodeOAuthInvalidClient, Title: "Invalid client", Detail: detail, Status: "401"}},
			TraceID: "9a3a5a25531c1e2d9a3a5a25531c1e2d",
		})
		return false
	}
	return true
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if grant := r.FormValue("grant_type"); grant != api.GrantClientCredentials {
		f.personToken(w, r, grant)
		return
	}
	if !f.client(w, r) {
		return
	}
	tokenType := "bearer"
	if surface(r.Host) == "console" {
		tokenType = "Bearer"
	}
	answer(w, http.StatusOK, api.TokenResponse{
		AccessToken: accessToken(r.Host), TokenType: tokenType, ExpiresAt: api.Time{Time: now.Add(6 * time.Hour)}, ExpiresIn: 21600,
		Scope: r.FormValue("scope"),
	})
}

// accessToken makes a token of a host, with a signature that is none.
func accessToken(host string) string {
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	claims := api.Claims{
		Issuer: "http://" + host, Audience: "http://" + host, Subject: clientID, ClientID: clientID, ID: "j1",
		IssuedAt: now.Unix(), ExpiresAt: now.Unix() + 21600, Level: "organization", Organization: "o1",
	}
	return part(map[string]string{"alg": "ES256", "typ": "at+jwt"}) + "." + part(claims) + ".c2ln"
}

func (f *fake) authenticated(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken(r.Host) {
			fail(w, http.StatusUnauthorized, api.CodeUnauthenticated, "Unauthorized", "The token is not valid at this host.")
			return
		}
		next(w, r)
	})
}

func (f *fake) createTenant(w http.ResponseWriter, r *http.Request) {
	var request api.CreateTenantRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		f.t.Error(err)
	}
	if request.LicenseKey != licenseKey {
		fail(w, http.StatusForbidden, api.CodeTenantLicenseInvalid, "Invalid license error", "The licence key is not one of this region.")
		return
	}
	if request.Name == "one too many" {
		fail(w, http.StatusForbidden, api.CodeTenantQuota, "License quota limit reached", "5 of 5 tenants exist.")
		return
	}
	tenant := f.tenant(r)
	tenant.Hostnames = append(tenant.Hostnames[:1], request.Hostnames...)
	tenant.ExternalID, tenant.Labels = request.ExternalID, request.Labels
	if request.Name != "" {
		tenant.Name = request.Name
	}
	if request.Admin != nil {
		tenant.Admin = &api.CreatedAdministrator{UserID: userID, SignInLink: &api.SignInLink{
			URL: "http://ire7t7hg58avbmx.us.freehold.localhost/login/link/secret", ExpiresAt: now,
		}}
	}
	if tenant.Provisioning = f.provisioning; f.provisioning != nil {
		tenant.Name = "preferred: " + r.Header.Get("Prefer")
	}
	answer(w, http.StatusCreated, tenant)
}

func (f *fake) tenant(r *http.Request) api.Tenant {
	return api.Tenant{
		ID: tenantID, Name: "Acme", Region: "us", Datacenter: "us-east-1", Created: now, LastUpdated: now,
		Hostnames: []string{"ire7t7hg58avbmx.us.freehold.localhost", "acme.us.freehold.localhost"},
		Status:    "active", StatusLastUpdatedAt: now,
		AutoAssignCreateSharedSpacesRoleToProfessionals: true,
		Links: api.SelfLinks{Self: api.Link{Href: "http://" + r.Host + "/api/v1/tenants/" + tenantID}},
	}
}

func (f *fake) getTenant(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != tenantID {
		fail(w, http.StatusNotFound, api.CodeTenantNotFound, "Not found", "")
		return
	}
	answer(w, http.StatusOK, f.tenant(r))
}

func (f *fake) listTenant(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, api.TenantList{Data: []api.Tenant{f.tenant(r)}, Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + r.URL.RequestURI()}}})
}

func (f *fake) getUser(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, api.User{
		ID: userID, TenantID: tenantID, ClientID: clientID, Status: "active", Subject: `qlikbot\` + clientID, Name: "US OAuth Client",
		Roles: []string{"TenantAdmin"}, AssignedGroups: []api.AssignedGroup{}, Groups: []string{}, CreatedAt: now, LastUpdatedAt: now, Created: now, LastUpdated: now,
		AssignedRoles: []api.AssignedRole{{ID: "6571c0a94be2d83f1097ac5f", Name: "TenantAdmin", Type: "default", Level: "admin"}},
		Links:         api.SelfLinks{Self: api.Link{Href: "http://" + r.Host + "/api/v1/users/" + userID}},
	})
}

func (f *fake) licenseOverview(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, api.LicenseOverview{
		Version:       "5f2b7c1e9a3d4f60b8c2d1e4a7f09365",
		LicenseNumber: "1048362759104836", LicenseKey: licenseKey, LicenseType: "Signed Access Key", Product: "Freehold", Origin: "External",
		Status: "Ok", Valid: "2026-01-01/2027-01-01", LatestValidTime: now, Updated: now,
		Allotments: []api.LicenseAllotment{}, Parameters: []api.LicenseParameter{},
	})
}

func (f *fake) organizationTenant(r *http.Request, i int) api.OrganizationTenant {
	hostnames := []string{fmt.Sprintf("ire7t7hg58av%03d.us.freehold.localhost", i)}
	if i == 0 {
		hostnames = append(hostnames, "acme.us.freehold.localhost")
	}
	id := fmt.Sprintf("TZXk9rFMoKgp7sgAwvczdAlKSSWua%03d", i)
	return api.OrganizationTenant{
		ID: id, Name: fmt.Sprintf("Tenant %d", i), Status: []string{"active", "disabled"}[i%2], Hostnames: hostnames,
		RegionCode: "us-east-1", CountryCode: "US", CreatedAt: now, UpdatedAt: now,
		LicenseNumber: "1048362759104836", SubscriptionID: "1048362759104836", LicenseStartsAt: &now,
		Links: api.SelfLinks{Self: api.Link{Href: "http://" + r.Host + "/api/core/tenants/" + id}},
	}
}

func (f *fake) listTenants(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("filter") == "oops" {
		fail(w, http.StatusBadRequest, api.CodeTenantInvalid, "Invalid filter", "Expected an operator at byte 4.")
		return
	}
	start, _ := strconv.Atoi(query.Get("next"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	end := min(start+limit, f.tenants)
	self := "http://" + r.Host + r.URL.RequestURI()
	page := api.OrganizationTenantList{Data: []api.OrganizationTenant{}, Links: api.PageLinks{Self: api.Link{Href: self}}}
	for i := start; i < end; i++ {
		page.Data = append(page.Data, f.organizationTenant(r, i))
	}
	if end < f.tenants {
		query.Set("next", strconv.Itoa(end))
		page.Links.Next = &api.Link{Href: "http://" + r.Host + r.URL.Path + "?" + query.Encode()}
	}
	if query.Get("totalResults") == "true" {
		total := int64(f.tenants)
		page.TotalResults = &total
	}
	answer(w, http.StatusOK, page)
}

func (f *fake) getOrganizationTenant(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != tenantID {
		fail(w, http.StatusNotFound, api.CodeTenantNotFound, "Not found", "")
		return
	}
	tenant := f.organizationTenant(r, 0)
	tenant.ID = tenantID
	answer(w, http.StatusOK, api.OrganizationTenantList{
		Data: []api.OrganizationTenant{tenant}, Links: api.PageLinks{Self: tenant.Links.Self},
	})
}

func (f *fake) createOAuthClient(w http.ResponseWriter, r *http.Request) {
	var request api.CreateOAuthClientRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		f.t.Error(err)
	}
	scopes := request.AllowedScopes
	if scopes == nil {
		scopes = []string{}
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusCreated, api.OAuthClient{
		ClientID: "019f04b29f39e79c87e828eca7084462", ClientName: request.ClientName, AppType: request.AppType, Description: request.Description,
		AllowedScopes: scopes, AllowedGrantTypes: request.AllowedGrantTypes, ConnectionConfig: request.ConnectionConfig,
		ClientSecret:  strings.Repeat("0123456789abcdef", 4),
		ClientSecrets: []api.ClientSecret{{Hint: "bcdef", CreatedAt: now}}, CreatedByType: "service", CreatedAt: now, UpdatedAt: now,
	})
}
