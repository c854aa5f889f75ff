package httpapi_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// scopeOf is what the host is about: the tenant, or the organization.
func (e *actorEstate) scopeOf(surface estate.SurfaceKind) estate.Scope {
	if surface == estate.SurfaceTenant {
		return e.tenant.Scope()
	}
	return estate.Scope{Organization: e.Organization.ID}
}

// newWebhook makes a webhook with a delivery, and finds an audit event.
func (e *actorEstate) newWebhook(t *testing.T, surface estate.SurfaceKind) (made target) {
	t.Helper()
	scope := e.scopeOf(surface)
	e.ok(t, e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		records, err := tx.AuditRecords(t.Context(), scope, 1)
		if err != nil {
			return err
		}
		w := estate.Webhook{
			ID: estate.NewWebhookID(), Scope: scope, Name: "made", URL: "https://127.0.0.1:1/nobody", EventTypes: []string{"*"}, Origin: "api",
			CreatedAt: e.Clock.Now(), CreatedBy: "test", UpdatedAt: e.Clock.Now(), UpdatedBy: "test",
		}
		d := estate.Delivery{
			ID: estate.NewDeliveryID(), Scope: scope, Webhook: w.ID, Event: records[0].ID, EventType: records[0].Type, Status: estate.DeliveryFail,
			TriggeredAt: e.Clock.Now(), Attempts: 1,
		}
		made.audit, made.webhook, made.delivery = records[0].ID, w.ID, d.ID
		if err := tx.InsertWebhook(t.Context(), w); err != nil {
			return err
		}
		return tx.InsertDelivery(t.Context(), d)
	}))
	return made
}

// eventCall completes a call that is about audit events or webhooks; others it
// does not know.
func (e *actorEstate) eventCall(request *testenv.Request, route httpapi.Route) bool {
	switch route.ID {
	case "getAuditArchive":
		request.URL += "?date=" + e.Clock.Now().Format("2006-01-02")
	case "createWebhook", "replaceWebhook":
		request.JSON = api.WebhookRequest{Name: "made", URL: "https://127.0.0.1:1/nobody", EventTypes: []string{"*"}}
	case "updateWebhook":
		request.JSON = ops{{Op: "replace", Path: "/name", Value: "changed"}}
	default:
		return strings.Contains(route.ID, "Audit") || strings.Contains(route.ID, "Webhook")
	}
	return true
}
