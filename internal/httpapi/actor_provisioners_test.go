package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// provisionerManager manages the provisioners of the estate's organization.
func provisionerManager(e *testenv.Env) estate.Actor {
	return estate.Actor{
		Kind: estate.ActorClient, ID: "manager", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgSubscriptions},
	}
}

// prepareProvisioners leaves the subscription with the provisioner that a call is
// about, and with none for all other calls.
func (e *actorEstate) prepareProvisioners(t *testing.T, route httpapi.Route, made *target) {
	t.Helper()
	me, p := provisionerManager(e.Env), e.App.Provision
	if former, ok := e.targets[string(estate.SurfaceConsole)+" "+route.ID]; ok && route.ID == "answerProvisioning" {
		*made = former // may be answered the same again
		return
	}
	all, err := p.List(t.Context(), me, e.subscription.ID)
	e.ok(t, err)
	for _, one := range all {
		e.ok(t, p.Delete(t.Context(), me, e.subscription.ID, one.ID))
	}
	if !strings.Contains(strings.ToLower(route.ID), "provision") || route.ID == "createProvisioner" {
		return
	}
	called := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call api.ProvisioningEvent
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		called <- path.Base(call.Data.CallbackURL)
	}))
	t.Cleanup(hook.Close)
	created, _, err := p.Create(t.Context(), me, e.subscription.ID, api.CreateProvisionerRequest{Name: "hook", URL: hook.URL})
	e.ok(t, err)
	_, _, err = p.Retry(t.Context(), me, e.tenant.ID, created.ID)
	e.ok(t, err)
	made.provisioner = created.ID
	if route.ID == "answerProvisioning" {
		made.token = <-called
	}
}

// provisionerCall completes a call that is about provisioners; others it does not
// know.
func provisionerCall(request *testenv.Request, route httpapi.Route) bool {
	switch route.ID {
	case "listProvisioners", "getProvisioner", "deleteProvisioner", "rotateProvisionerSecret", "getTenantProvisioning", "retryTenantProvisioning", "skipTenantProvisioning":
	case "createProvisioner":
		request.JSON = api.CreateProvisionerRequest{Name: "made", URL: "https://hook.example.com"}
	case "updateProvisioner":
		request.JSON = ops{{Op: "replace", Path: "/name", Value: "changed"}}
	case "answerProvisioning":
		request.JSON = api.ProvisioningAnswer{State: api.ProvisioningReady}
	default:
		return false
	}
	return true
}
