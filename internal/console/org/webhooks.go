package org

import (
	"encoding/json"
	"slices"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/webhook"
)

const webhooksPath = "/webhooks"

func webhookPath(id estate.WebhookID) string { return webhooksPath + "/" + string(id) }

func (c *Console) webhooks(q *frame.Request) error {
	page, err := c.Webhook.List(q.Context(), q.Actor, webhook.Query{Next: q.Value("next"), Limit: pageSize})
	if err != nil {
		return err
	}
	next := ""
	if page.Next != "" {
		next = ui.Query(webhooksPath, nil, "next", page.Next)
	}
	return q.Render("Webhooks", webhooksPage(page.Webhooks, next))
}

// webhookForm is the form of a webhook, with what was typed.
type webhookForm struct {
	ID       estate.WebhookID // empty: a new one
	In       webhook.Input
	Types    []event.Type
	Secret   string
	Problems frame.FieldErrors
}

func (f webhookForm) action() string {
	if f.ID == "" {
		return webhooksPath + "/new"
	}
	return webhookPath(f.ID) + "/edit"
}

func (f webhookForm) title() string {
	if f.ID == "" {
		return "New webhook"
	}
	return "Edit webhook"
}

// options are the event types to choose from.
func (f webhookForm) options() []ui.Option {
	options := []ui.Option{{Value: webhook.AllEvents, Label: "Everything"}}
	for _, t := range f.Types {
		options = append(options, ui.Option{Value: t.Name, Label: t.Title, Hint: t.Name})
	}
	return options
}

var webhookFields = map[string]string{
	"/name": "name", "/description": "description", "/url": "url", "/eventTypes": "types", "/filter": "filter", "/secret": "secret",
}

func (c *Console) askWebhook(q *frame.Request) error {
	if err := c.Webhook.MayList(q.Actor); err != nil {
		return err
	}
	return q.Render("New webhook", webhookFormPage(webhookForm{Types: event.Types(), In: webhook.Input{Enabled: true}}))
}

// typedWebhook is what the form says.
func typedWebhook(q *frame.Request, in webhook.Input) webhook.Input {
	in.Name, in.Description, in.URL, in.Filter = q.Value("name"), q.Value("description"), q.Value("url"), q.Value("filter")
	in.EventTypes, in.Enabled = q.Values("types"), q.Value("enabled") == "yes"
	if secret := q.Value("secret"); secret != "" {
		in.Secret = estate.Secret(secret)
	}
	return in
}

func (c *Console) createWebhook(q *frame.Request) error {
	f := webhookForm{Types: event.Types(), In: typedWebhook(q, webhook.Input{Origin: "management-console"}), Secret: q.Value("secret")}
	w, err := c.Webhook.Create(q.Context(), q.Actor, f.In)
	if err != nil {
		return f.again(q, err)
	}
	q.Say("success", "The webhook is told of what happens from now on.")
	return q.Redirect(webhookPath(w.ID))
}

func (f webhookForm) again(q *frame.Request, err error) error {
	if f.Problems, err = fieldsOf(err, webhookFields, "/eventTypes/", "types"); err != nil {
		return err
	}
	return q.Again(f.title(), webhookFormPage(f))
}

// webhookView is the page of a webhook, with what was sent to it.
type webhookView struct {
	Webhook    estate.Webhook
	Deliveries []estate.Delivery
	Next       string
	Status     string
}

func (c *Console) webhook(q *frame.Request) error {
	v := webhookView{Status: q.Value("status")}
	var err error
	if v.Webhook, err = c.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook"))); err != nil {
		return err
	}
	page, err := c.Webhook.Deliveries(q.Context(), q.Actor, v.Webhook.ID, webhook.DeliveryQuery{Status: v.Status, Next: q.Value("next"), Limit: pageSize})
	if err != nil {
		return err
	}
	v.Deliveries = page.Deliveries
	if page.Next != "" {
		v.Next = ui.Query(webhookPath(v.Webhook.ID), nil, "status", v.Status, "next", page.Next)
	}
	return q.Render(v.Webhook.Name, webhookPage(v))
}

// inputOf is what the webhook is made of, but for what is sealed.
func inputOf(w estate.Webhook) webhook.Input {
	return webhook.Input{Name: w.Name, Description: w.Description, URL: w.URL, EventTypes: w.EventTypes, Filter: w.Filter, Enabled: w.Enabled}
}

func (c *Console) askEditWebhook(q *frame.Request) error {
	w, err := c.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	return q.Render("Edit webhook", webhookFormPage(webhookForm{ID: w.ID, Types: event.Types(), In: inputOf(w)}))
}

func (c *Console) editWebhook(q *frame.Request) error {
	w, err := c.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	f := webhookForm{ID: w.ID, Types: event.Types(), In: typedWebhook(q, inputOf(w)), Secret: q.Value("secret")}
	patch := []webhook.PatchOperation{
		webhookReplace("/name", f.In.Name), webhookReplace("/description", f.In.Description), webhookReplace("/url", f.In.URL),
		webhookReplace("/eventTypes", f.In.EventTypes), webhookReplace("/enabled", f.In.Enabled),
	}
	if f.Secret != "" {
		patch = append(patch, webhookReplace("/secret", f.Secret))
	}
	if err := c.Webhook.Patch(q.Context(), q.Actor, w.ID, patch); err != nil {
		return f.again(q, err)
	}
	q.Say("success", "Saved.")
	return q.Redirect(webhookPath(w.ID))
}

func webhookReplace(path string, value any) webhook.PatchOperation {
	encoded, _ := json.Marshal(value) // texts, lists of them, and booleans
	return webhook.PatchOperation{Op: "replace", Path: path, Value: encoded}
}

// switchWebhook turns a webhook on or off.
func (c *Console) switchWebhook(q *frame.Request) error {
	id, on := estate.WebhookID(q.PathValue("webhook")), q.Value("enabled") == "yes"
	if err := c.Webhook.Patch(q.Context(), q.Actor, id, []webhook.PatchOperation{webhookReplace("/enabled", on)}); err != nil {
		return err
	}
	q.Say("success", map[bool]string{true: "The webhook is enabled.", false: "The webhook is disabled."}[on])
	return q.Redirect(webhookPath(id))
}

func (c *Console) resend(q *frame.Request) error {
	id := estate.WebhookID(q.PathValue("webhook"))
	_, err := c.Webhook.Resend(q.Context(), q.Actor, id, estate.DeliveryID(q.PathValue("delivery")))
	switch {
	case err != nil && slices.Contains([]estate.Kind{estate.Conflict, estate.Invalid}, frame.Known(err).Kind):
		q.Say("warning", frame.Known(err).Detail)
	case err != nil:
		return err
	default:
		q.Say("success", "The event is sent once more.")
	}
	return q.Redirect(webhookPath(id))
}

func (c *Console) askDeleteWebhook(q *frame.Request) error {
	w, err := c.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	return q.Render("Delete "+w.Name, deleteWebhookPage(w, "", ""))
}

func (c *Console) deleteWebhook(q *frame.Request) error {
	w, err := c.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	if typed := q.Value("confirm"); typed != w.Name {
		return q.Again("Delete "+w.Name, deleteWebhookPage(w, typed, "This is not the webhook's name."))
	}
	if err := c.Webhook.Delete(q.Context(), q.Actor, w.ID); err != nil {
		return err
	}
	q.Say("success", "The webhook "+w.Name+" is gone.")
	return q.Redirect(webhooksPath)
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

func eventNames(types []string) string {
	if slices.Contains(types, webhook.AllEvents) {
		return "everything"
	}
	return names(types)
}

func secretHint(f webhookForm) string {
	if f.ID == "" {
		return "32 to 64 characters; empty: deliveries are not signed."
	}
	return "32 to 64 characters; empty: as it is."
}
