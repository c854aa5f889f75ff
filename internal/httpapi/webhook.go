package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// level is what webhooks of the host are called.
func (x *exchange) level() string {
	if x.surface.Kind == estate.SurfaceConsole {
		return "organization"
	}
	return "tenant"
}

func listWebhooks(x *exchange) (list api.WebhookList, err error) {
	query := x.r.URL.Query()
	q := webhook.Query{
		Name: query.Get("name"), URL: query.Get("url"), EventTypes: commaSeparated(query, "eventTypes"), Origins: commaSeparated(query, "origins"),
		CreatedBy: query.Get("createdByUserId"), UpdatedBy: query.Get("updatedByUserId"), Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev"),
	}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	if query.Has("enabled") {
		enabled, err := strconv.ParseBool(query.Get("enabled"))
		if err != nil {
			return list, paging.BadParameter("enabled", "enabled must be true or false")
		}
		q.Enabled = &enabled
	}
	page, err := x.server.Webhook.List(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Webhook, 0, len(page.Webhooks))
	if (query.Get("level") == "" || query.Get("level") == x.level()) && query.Get("ownerId") == "" { // all are of this level, and nobody's own
		for _, w := range page.Webhooks {
			list.Data = append(list.Data, x.webhook(w))
		}
	} else {
		page.Next, page.Prev = "", ""
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	return list, nil
}

func commaSeparated(query url.Values, name string) (all []string) {
	for _, value := range query[name] {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

func createWebhook(x *exchange, in api.WebhookRequest) (api.Webhook, error) {
	input, err := x.webhookInput(in)
	if err != nil {
		return api.Webhook{}, err
	}
	w, err := x.server.Webhook.Create(x.r.Context(), x.actor, input)
	return x.webhook(w), err
}

// webhookInput reads what a webhook is to be made of.
func (x *exchange) webhookInput(in api.WebhookRequest) (webhook.Input, error) {
	refuse := func(pointer, detail string) error {
		return estate.E(estate.Invalid, api.CodeWebhookInvalid, "Invalid webhook", "").At(pointer, detail)
	}
	switch {
	case in.Level != "" && in.Level != x.level():
		return webhook.Input{}, refuse("/level", "level can only be "+x.level()+" here")
	case in.EnableCloudEventDelivery != nil && !*in.EnableCloudEventDelivery:
		return webhook.Input{}, refuse("/enableCloudEventDelivery", "events are delivered as CloudEvents, and in no other form")
	}
	return webhook.Input{
		Name: in.Name, Description: in.Description, URL: in.URL, EventTypes: in.EventTypes, Filter: in.Filter, Enabled: in.Enabled, Headers: in.Headers,
		EncryptedHeaders: in.EncryptedHeaders, Secret: estate.Secret(in.Secret), CheckRevocation: in.CheckCertificateRevocation, Origin: in.Origin,
	}, nil
}

func (x *exchange) webhookID() estate.WebhookID { return estate.WebhookID(x.r.PathValue("webhookId")) }

func getWebhook(x *exchange) (api.Webhook, error) {
	w, err := x.server.Webhook.Get(x.r.Context(), x.actor, x.webhookID())
	return x.webhook(w), err
}

func replaceWebhook(x *exchange, in api.WebhookRequest) (api.Webhook, error) {
	input, err := x.webhookInput(in)
	if err != nil {
		return api.Webhook{}, err
	}
	w, err := x.server.Webhook.Replace(x.r.Context(), x.actor, x.webhookID(), input)
	return x.webhook(w), err
}

func updateWebhook(x *exchange) error {
	if !isJSON(contentType(x.r)) {
		return errMediaType(api.ContentTypeJSONPatch + " or application/json")
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	patch, err := webhook.ParsePatch(body)
	if err != nil {
		return err
	}
	return x.server.Webhook.Patch(x.r.Context(), x.actor, x.webhookID(), patch)
}

func deleteWebhook(x *exchange) error {
	return x.server.Webhook.Delete(x.r.Context(), x.actor, x.webhookID())
}

func listWebhookEventTypes(x *exchange) (api.WebhookEventTypeList, error) {
	list := api.WebhookEventTypeList{Data: []api.WebhookEventType{}}
	for _, t := range event.Types() {
		if !t.Tenant && x.surface.Kind == estate.SurfaceTenant {
			continue
		}
		list.Data = append(list.Data, api.WebhookEventType{Name: t.Name, Title: t.Title, Description: t.Title, Category: t.Area, Levels: []string{x.level()}})
	}
	return list, x.server.Webhook.MayList(x.actor)
}

func listWebhookDeliveries(x *exchange) (list api.WebhookDeliveryList, err error) {
	query := x.r.URL.Query()
	q := webhook.DeliveryQuery{EventType: query.Get("eventType"), Status: query.Get("status"), Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev")}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	page, err := x.server.Webhook.Deliveries(x.r.Context(), x.actor, x.webhookID(), q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.WebhookDelivery, len(page.Deliveries))
	for i, d := range page.Deliveries {
		list.Data[i] = wireDelivery(d)
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	return list, nil
}

func getWebhookDelivery(x *exchange) (api.WebhookDelivery, error) {
	d, err := x.server.Webhook.Delivery(x.r.Context(), x.actor, x.webhookID(), estate.DeliveryID(x.r.PathValue("deliveryId")))
	return wireDelivery(d), err
}

func resendWebhookDelivery(x *exchange) error {
	d, err := x.server.Webhook.Resend(x.r.Context(), x.actor, x.webhookID(), estate.DeliveryID(x.r.PathValue("deliveryId")))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusCreated, wireDelivery(d))
	return nil
}

// webhook writes w as the contract shows it.
func (x *exchange) webhook(w estate.Webhook) api.Webhook {
	return api.Webhook{
		ID: string(w.ID), Name: w.Name, URL: w.URL, Description: w.Description, EventTypes: w.EventTypes, Filter: w.Filter, Enabled: w.Enabled, Level: x.level(),
		SecretKeyAdded: w.HasSecret, Headers: w.Headers, EncryptedHeaders: w.HiddenHeaders, CheckCertificateRevocation: w.CheckRevocation,
		EnableCloudEventDelivery: true, Origin: w.Origin, CreatedAt: api.Time{Time: w.CreatedAt}, CreatedByUserID: w.CreatedBy,
		UpdatedAt: api.Time{Time: w.UpdatedAt}, UpdatedByUserID: w.UpdatedBy, DisabledReason: w.DisabledReason, DisabledReasonCode: w.DisabledCode,
	}
}

func wireDelivery(d estate.Delivery) api.WebhookDelivery {
	out := api.WebhookDelivery{
		ID: string(d.ID), WebhookID: string(d.Webhook), EventType: d.EventType, Status: string(d.Status), StatusMessage: d.Message,
		TriggeredAt: api.Time{Time: d.TriggeredAt}, Attempts: d.Attempts,
	}
	if d.Request.URL != "" {
		out.Request = &api.DeliveryRequest{URL: d.Request.URL, Headers: d.Request.Headers, Body: json.RawMessage(d.Request.Body)}
	}
	if d.Response.Status != 0 {
		out.Response = &api.DeliveryResponse{StatusCode: d.Response.Status, Headers: d.Response.Headers, Body: d.Response.Body}
	}
	return out
}
