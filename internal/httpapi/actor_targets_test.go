package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// target is what a call is about. Many calls leave nothing of it, so each gets
// its own.
type target struct {
	client estate.ClientID
	hint   string         // of its secret
	grant  estate.GrantID // in the tenant
	token  string         // of the surface, or of a callback
	bot    estate.UserID  // that has lost its client
	name   string         // of a federated credential
	tenant estate.Tenant  // to deactivate or reactivate

	provider  string          // of identity, in the tenant
	directory directoryTarget // in the tenant

	audit    estate.AuditID
	webhook  estate.WebhookID
	delivery estate.DeliveryID

	provisioner estate.ProvisionerID
}

// tenantOr is the tenant that was made for the call, or else the usual one.
func (made target) tenantOr(usual estate.Tenant) estate.TenantID {
	if made.tenant.ID != "" {
		return made.tenant.ID
	}
	return usual.ID
}

// prepare makes what a call of an operation is about, as the operator, who is no
// part of the test: it belongs to the tenant, the subscription or the organization.
func (e *actorEstate) prepare(t *testing.T, surface estate.SurfaceKind, route httpapi.Route) {
	t.Helper()
	var made target
	e.prepareProvisioners(t, route, &made)
	switch {
	case surface == estate.SurfaceConsole && (isSignIn(route) || route.ID == "createIdentityProvider"):
		made.provider = e.newOrganizationProvider(t, route)
	case isSignIn(route):
		made.provider = e.newProvider(t, route)
	case isDirectory(route):
		made.directory = e.newDirectoryTarget(t, route)
	case route.ID == "revokeToken", route.ID == "introspectToken":
		made.token = e.Token(e.hosts[surface], e.owners[surface])
	case route.ID == "deactivateTenant", route.ID == "reactivateTenant":
		made.tenant = e.Tenant(e.subscription, "us")
	case route.ID == "deleteOAuthToken":
		made.grant = e.newGrant(t)
	case strings.HasSuffix(route.ID, "ConnectionConfig"):
		made.client = e.published(t, e.other, e.tenant).ID // of another tenant, which is trusted here
	case route.ID == "adoptBot", route.ID == "removeBot":
		made.bot, made.client = e.newOrphan(t, surface)
	case strings.Contains(route.Path, "{webhookId}"), strings.Contains(route.Path, "{auditId}"):
		made = e.newWebhook(t, surface)
	case strings.Contains(route.Path, "{clientId}"):
		c := e.newTarget(surface, route)
		made.client, made.hint = c.ID, c.Secrets[0].Hint
		if strings.HasPrefix(route.ID, "finish") || strings.HasPrefix(route.ID, "cancel") {
			realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
			_, err := e.App.Credential.RotateSecret(t.Context(), testenv.Operator, realm, c.ID, time.Hour)
			e.ok(t, err)
		}
		if strings.Contains(route.ID, "Federated") {
			made.name = "there"
			realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
			e.ok(t, e.App.Credential.AddFederatedCredential(t.Context(), testenv.Operator, realm, c.ID, estate.FederatedCredential(federatedAs(made.name))))
		}
	}
	e.targets[string(surface)+" "+route.ID] = made
}

func federatedAs(name string) api.FederatedCredential {
	return api.FederatedCredential{Name: name, Issuer: "https://issuer.example.com", Audience: "freehold", Subject: "them"}
}

// newOrphan makes a bot in the tenant that has lost its client, which was of the
// level that the surface manages, and a client that can have it.
func (e *actorEstate) newOrphan(t *testing.T, surface estate.SurfaceKind) (estate.UserID, estate.ClientID) {
	t.Helper()
	lost, heir := e.TenantClient(e.tenant), e.TenantClient(e.tenant)
	if surface == estate.SurfaceConsole {
		lost, heir = e.RegionClient(e.subscription, "us"), e.RegionClient(e.subscription, "us")
	}
	bot := e.botOf(t, lost)
	realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
	e.ok(t, e.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, lost.ID, string(lost.ID)))
	return bot, heir.ID
}

// newTarget makes a client of the level that the operation is about. At
// organization level it holds little, so that whoever manages clients may hand out
// its secrets.
func (e *actorEstate) newTarget(surface estate.SurfaceKind, route httpapi.Route) testenv.Credentials {
	switch {
	case surface == estate.SurfaceTenant:
		return e.TenantClient(e.tenant)
	case strings.Contains(route.Path, "{subscriptionId}"):
		return e.RegionClient(e.subscription, "us")
	}
	return e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients)
}

// published is a client that a tenant has published, and that the other tenants
// named trust.
func (e *actorEstate) published(t *testing.T, home estate.Tenant, trusting ...estate.Tenant) testenv.Credentials {
	t.Helper()
	c := e.TenantClient(home)
	realm := func(of estate.Tenant) credential.Realm {
		return credential.Realm{Level: estate.LevelTenant, Scope: of.Scope()}
	}
	_, err := e.App.Credential.PublishClient(t.Context(), testenv.Operator, realm(home), c.ID)
	e.ok(t, err)
	for _, tenant := range trusting {
		e.ok(t, e.App.Credential.SetConsent(t.Context(), testenv.Operator, realm(tenant), c.ID, estate.ConsentTrusted))
	}
	return c
}

// newGrant makes a client with a token in the tenant.
func (e *actorEstate) newGrant(t *testing.T) estate.GrantID {
	t.Helper()
	user := claimsOf(t, e.Token(e.TenantURL(e.tenant), e.TenantClient(e.tenant))).User
	e.Flush()
	var found []estate.Grant
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.Grants(t.Context(), e.tenant.Scope(), store.GrantQuery{User: estate.UserID(user), Limit: 2})
		return err
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d grants (%v)", len(found), err)
	}
	return found[0].ID
}

// exchange gets a token of a host for one of a host above it.
func (e *actorEstate) exchange(t *testing.T, origin, subject string) string {
	t.Helper()
	res, body := postForm(t, e.Env, origin+"/oauth/token", exchangeForm(subject), nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("exchange: %d %s", res.StatusCode, body)
	}
	return tokenOf(t, body).AccessToken
}

// impersonate gets a token with which c acts as u.
func (e *actorEstate) impersonate(t *testing.T, origin string, c testenv.Credentials, u estate.User) string {
	t.Helper()
	answer := e.Do(tokenRequest(origin, map[string]any{
		"grant_type": api.GrantUserImpersonation, "client_id": c.ID, "client_secret": c.Secret, "user_lookup": map[string]any{"field": "userId", "value": u.ID},
	}))
	if answer.Status != http.StatusOK {
		t.Fatalf("impersonate %s: %d %s", u.Name, answer.Status, answer.Body)
	}
	return tokenOf(t, answer.Body).AccessToken
}

// clientCall completes a call that is about OAuth clients or tokens; others it
// does not know.
func (e *actorEstate) clientCall(request *testenv.Request, route httpapi.Route, made target) bool {
	switch route.ID {
	case "listOAuthClients", "getOAuthClient", "listRegionOAuthClients", "getRegionOAuthClient", "listSubscriptions", "getSubscription",
		"getConnectionConfig", "deleteConnectionConfig", "publishOAuthClient", "listOAuthTokens", "deleteOAuthToken",
		"createOAuthClientSecret", "deleteOAuthClientSecret", "rotateOAuthClientSecret", "finishOAuthClientSecretRotation", "cancelOAuthClientSecretRotation",
		"createRegionOAuthClientSecret", "deleteRegionOAuthClientSecret", "rotateRegionOAuthClientSecret", "finishRegionOAuthClientSecretRotation", "cancelRegionOAuthClientSecretRotation",
		"removeFederatedCredential", "removeRegionFederatedCredential", "listBots", "removeBot":
	case "addFederatedCredential", "addRegionFederatedCredential":
		request.JSON = federatedAs("new")
	case "checkFederatedToken", "checkRegionFederatedToken":
		request.JSON = api.CheckFederatedTokenRequest{Token: "nonsense"}
	case "authorize":
		request.URL += "?client_id=" + strings.Repeat("0", 32)
	case "authorizeDevice":
		request.JSON = api.DeviceAuthorizationRequest{ClientID: api.CLIClientID}
	case "registerClient":
		request.JSON = api.ClientRegistration{ClientName: "made", ClientURI: "https://app.example.com", RedirectURIs: []string{"https://app.example.com/callback"}}
	case "adoptBot":
		request.JSON = api.AdoptBotRequest{ClientID: string(made.client)}
	case "createRegionOAuthClient":
		request.JSON = api.CreateRegionOAuthClientRequest{ClientName: "made", RegionCode: "us"}
	case "updateOAuthClient", "updateRegionOAuthClient":
		request.JSON = ops{{Op: "replace", Path: "/description", Value: "changed"}}
	case "updateConnectionConfig":
		request.JSON = ops{{Op: "replace", Path: "/consentMethod", Value: "required"}}
	case "deleteOAuthClient", "deleteRegionOAuthClient":
		request.Header = map[string]string{api.HeaderConfirmDelete: string(made.client)}
	case "revokeToken", "introspectToken":
		request.JSON = api.TokenQuery{Token: made.token}
	default:
		return e.eventCall(request, route)
	}
	return true
}

// effect says what the status of an answer does not: whether a token was shown to
// be one, or was taken back.
func (e *actorEstate) effect(t *testing.T, surface estate.SurfaceKind, route httpapi.Route, answer testenv.Answer) string {
	t.Helper()
	if answer.Status != http.StatusOK {
		return ""
	}
	var state api.Introspection
	switch route.ID {
	case "introspectToken":
		answer.Into(&state)
		if state.Active {
			return ", told that it is active"
		}
		return ", told nothing"
	case "revokeToken":
		owner := e.owners[surface]
		asked := e.Do(testenv.Request{URL: e.hosts[surface] + "/oauth/introspect", JSON: api.TokenQuery{
			Token: e.targets[string(surface)+" "+route.ID].token, ClientID: string(owner.ID), ClientSecret: owner.Secret,
		}})
		if err := json.Unmarshal(asked.Body, &state); err != nil || asked.Status != http.StatusOK {
			t.Fatalf("introspect: %d %s", asked.Status, asked.Body)
		}
		if state.Active {
			return ", the token stays"
		}
		return ", the token is revoked"
	}
	return ""
}
