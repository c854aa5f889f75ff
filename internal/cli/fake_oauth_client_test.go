package cli_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
)

const otherClientID = "019f04b29f39e79c87e828eca7084462"

// manageOAuthClients serves the one client that there is, below path.
func (f *fake) manageOAuthClients(mux *http.ServeMux, path string) {
	known := func(next http.HandlerFunc) http.Handler {
		return f.authenticated(func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("id") != otherClientID {
				fail(w, http.StatusNotFound, api.CodeClientNotFound, "Not found", "No such OAuth client.")
				return
			}
			next(w, r)
		})
	}
	nothing := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	one := path + "/{id}"
	mux.Handle("GET "+path, f.authenticated(f.listOAuthClients))
	mux.Handle("GET "+one, known(func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, f.oauthClient(r)) }))
	mux.Handle("PATCH "+one, known(f.patchOAuthClient))
	mux.Handle("DELETE "+one, known(nothing))
	mux.Handle("POST "+one+"/client-secrets", known(f.createSecret))
	mux.Handle("DELETE "+one+"/client-secrets/{hint}", known(nothing))
	mux.Handle("POST "+one+"/actions/rotate-secret", known(f.createSecret))
	mux.Handle("POST "+one+"/actions/finish-rotation", known(nothing))
	mux.Handle("POST "+one+"/actions/cancel-rotation", known(func(w http.ResponseWriter, r *http.Request) {
		if surface(r.Host) == "console" {
			nothing(w, r)
			return
		}
		fail(w, http.StatusConflict, api.CodeSecretRotation, "No rotation is running", "")
	}))
	mux.Handle("POST "+one+"/federated-credentials", known(f.addFederatedCredential))
	mux.Handle("DELETE "+one+"/federated-credentials/{name}", known(nothing))
	mux.Handle("POST "+one+"/federated-credentials/actions/check", known(f.checkFederatedToken))
	if path == "/api/v1/oauth-clients" {
		mux.Handle("PATCH "+one+"/connection-configs/me", known(nothing))
		mux.Handle("POST "+one+"/actions/publish", known(func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusCreated, api.PublishedOAuthClient{PublishedAt: now})
		}))
	}
}

func (f *fake) oauthClient(r *http.Request) api.OAuthClient {
	used, end := api.Time{Time: now.Add(time.Hour)}, api.Time{Time: now.Add(24 * time.Hour)}
	c := api.OAuthClient{
		ClientID: otherClientID, ClientName: "ci", AppType: "web", Description: "Builds", AllowedScopes: []string{"admin_classic", "apps:read"},
		AllowedGrantTypes: []string{"client_credentials"}, AllowedAuthMethods: []string{"client_secret"}, CreatedByType: "service", CreatedAt: now, UpdatedAt: now,
		FederatedCredentials: []api.FederatedCredential{deploys},
		ClientSecrets: []api.ClientSecret{
			{Hint: "bcdef", CreatedAt: now, CreatedBy: clientID, FirstUsedAt: &now, LastUsedAt: &used, ExpiresAt: &end, Rotation: "old"},
			{Hint: "01234", CreatedAt: used, CreatedBy: clientID, Rotation: "new"},
		},
	}
	switch {
	case surface(r.Host) == "tenant":
		c.PublishedAt, c.ConnectionConfig = &now, &api.ConnectionConfig{ConsentMethod: "trusted", Status: "approved"}
	case strings.Contains(r.URL.Path, "/subscriptions/"):
		c.RegionCode, c.AllowedScopes = "us", []string{"tenants:create"}
	}
	return c
}

// listOAuthClients lists the client thrice, one a page.
func (f *fake) listOAuthClients(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page := api.OAuthClientList{Data: []api.OAuthClient{f.oauthClient(r)}, Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + r.URL.RequestURI()}}}
	switch query.Get("next") {
	case "":
		query.Set("next", "1")
	case "1":
		query.Set("next", "2")
		page.Data[0].DisableTag = api.DisableTagOperator
	default:
		query.Del("next")
	}
	if query.Has("next") {
		page.Links.Next = &api.Link{Href: "http://" + r.Host + r.URL.Path + "?" + query.Encode()}
	}
	answer(w, http.StatusOK, page)
}

func (f *fake) patchOAuthClient(w http.ResponseWriter, r *http.Request) {
	var patch []api.PatchOperation
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		f.t.Error(err)
	}
	if patch[0].Path == "/allowedAuthMethods" {
		w.Header().Set("Cache-Control", "no-store")
		answer(w, http.StatusAccepted, api.PatchedOAuthClient{ClientSecret: clientSecret})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) createSecret(w http.ResponseWriter, r *http.Request) {
	var in struct {
		api.CreateClientSecretRequest
		api.RotateClientSecretRequest
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Error(err)
	}
	made := api.CreatedClientSecret{
		Hint: clientSecret[59:], ClientID: otherClientID, ClientSecret: clientSecret, CreatedAt: now, CreatedBy: clientID, ExpiresAt: in.ExpiresAt,
	}
	if in.OverlapSeconds > 0 {
		made.OverlapEnd = &api.Time{Time: now.Add(time.Duration(in.OverlapSeconds) * time.Second)}
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusCreated, made)
}

func (f *fake) createRegionOAuthClient(w http.ResponseWriter, r *http.Request) {
	var request api.CreateRegionOAuthClientRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		f.t.Error(err)
	}
	c := f.oauthClient(r)
	c.ClientName, c.Description, c.RegionCode, c.FederatedCredentials = request.ClientName, request.Description, request.RegionCode, request.FederatedCredentials
	if request.AllowedScopes != nil {
		c.AllowedScopes = request.AllowedScopes
	}
	c.ClientSecret, c.ClientSecrets = clientSecret, nil
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusCreated, c)
}
