package cli_test

import (
	"encoding/json"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

var deploys = api.FederatedCredential{
	Name: "deploy", Issuer: "https://token.actions.githubusercontent.com", Audience: "https://register.us.example.com",
	Condition: `claims.repository == "acme/infra"`,
}

func (f *fake) addFederatedCredential(w http.ResponseWriter, r *http.Request) {
	var in api.FederatedCredential
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Error(err)
	}
	if in.Name == deploys.Name {
		fail(w, http.StatusConflict, api.CodeFederatedExists, "Federated credential exists", "The client has a federated credential of this name.")
		return
	}
	answer(w, http.StatusCreated, in)
}

func (f *fake) checkFederatedToken(w http.ResponseWriter, r *http.Request) {
	var in api.CheckFederatedTokenRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Error(err)
	}
	if in.Token != "good" {
		answer(w, http.StatusOK, api.CheckedFederatedToken{Issuer: deploys.Issuer, Subject: "repo:acme/infra:pull_request", Reason: "deploy: condition is false"})
		return
	}
	answer(w, http.StatusOK, api.CheckedFederatedToken{Accepted: true, FederatedCredential: deploys.Name, Issuer: deploys.Issuer, Subject: "repo:acme/infra:ref:refs/heads/main"})
}

// serveBots serves the one bot that there is.
func (f *fake) serveBots(mux *http.ServeMux, path string) {
	one := func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != userID {
			fail(w, http.StatusNotFound, api.CodeUserNotFound, "Not found", "No bot with this id has lost its client.")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	mux.Handle("GET "+path, f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, api.BotList{
			Data: []api.Bot{{
				ID: userID, Name: "ci", TenantID: tenantID, TenantName: "Acme", ClientID: otherClientID, ClientName: "ci", ClientLevel: "region", Reason: "deleted", Since: now, Owns: []api.Owned{{Type: "space", ID: "66d1a5b0c4f1e2a3b4c5d6e7", Name: "Reports"}},
			}},
			Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + path}},
		})
	}))
	mux.Handle("POST "+path+"/{id}/actions/adopt", f.authenticated(one))
	mux.Handle("DELETE "+path+"/{id}", f.authenticated(one))
}
