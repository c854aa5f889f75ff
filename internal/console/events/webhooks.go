package events

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// hooks is where the pages of webhooks are.
type hooks struct{ Base string }

func (h hooks) list() string { return h.Base + "/webhooks" }

func (h hooks) path(id estate.WebhookID) string { return h.list() + "/" + string(id) }

func (p Pages) hooks() hooks { return hooks{p.Base} }

func (p Pages) webhooks(q *frame.Request) error {
	page, err := p.Webhook.List(q.Context(), q.Actor, webhook.Query{Next: q.Value("next"), Limit: pageSize})
	if err != nil {
		return err
	}
	next := ""
	if page.Next != "" {
		next = ui.Query(p.hooks().list(), nil, "next", page.Next)
	}
	return q.Render("Webhooks", webhooksPage(p.hooks(), page.Webhooks, next))
}

// webhookForm is the form of a webhook, with what was typed.
type webhookForm struct {
	hooks
	ID       estate.WebhookID // empty: a new one
	In       webhook.Input
	Types    []event.Type
	Secret   string
	Shown    string // of the one that is changed; see frame.Shown
	Problems frame.FieldErrors
}

func (f webhookForm) action() string {
	if f.ID == "" {
		return f.list() + "/new"
	}
	return f.path(f.ID) + "/edit"
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

func (p Pages) askWebhook(q *frame.Request) error {
	if err := p.Webhook.MayList(q.Actor); err != nil {
		return err
	}
	return q.Render("New webhook", webhookFormPage(webhookForm{hooks: p.hooks(), Types: event.Types(), In: webhook.Input{Enabled: true}}))
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

func (p Pages) createWebhook(q *frame.Request) error {
	f := webhookForm{hooks: p.hooks(), Types: event.Types(), In: typedWebhook(q, webhook.Input{Origin: "management-console"}), Secret: q.Value("secret")}
	w, err := p.Webhook.Create(q.Context(), q.Actor, f.In)
	if err != nil {
		return f.again(q, err)
	}
	q.Say("success", "The webhook is told of what happens from now on.")
	return q.Redirect(p.hooks().path(w.ID))
}

func (f webhookForm) again(q *frame.Request, err error) error {
	if f.Problems, err = frame.FieldsBelow(err, webhookFields, "/eventTypes/", "types"); err != nil {
		return err
	}
	return q.Again(f.title(), webhookFormPage(f))
}

// webhookView is the page of a webhook, with what was sent to it.
type webhookView struct {
	hooks
	Webhook    estate.Webhook
	Deliveries []estate.Delivery
	Next       string
	Status     string
}

func (p Pages) webhook(q *frame.Request) error {
	v := webhookView{hooks: p.hooks(), Status: q.Value("status")}
	var err error
	if v.Webhook, err = p.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook"))); err != nil {
		return err
	}
	page, err := p.Webhook.Deliveries(q.Context(), q.Actor, v.Webhook.ID, webhook.DeliveryQuery{Status: v.Status, Next: q.Value("next"), Limit: pageSize})
	if err != nil {
		return err
	}
	v.Deliveries = page.Deliveries
	if page.Next != "" {
		v.Next = ui.Query(v.path(v.Webhook.ID), nil, "status", v.Status, "next", page.Next)
	}
	return q.Render(v.Webhook.Name, webhookPage(v))
}

// inputOf is what the webhook is made of, but for what is sealed.
func inputOf(w estate.Webhook) webhook.Input {
	return webhook.Input{Name: w.Name, Description: w.Description, URL: w.URL, EventTypes: w.EventTypes, Filter: w.Filter, Enabled: w.Enabled}
}

func (p Pages) askEditWebhook(q *frame.Request) error {
	w, err := p.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	return q.Render("Edit webhook", webhookFormPage(webhookForm{hooks: p.hooks(), ID: w.ID, Types: event.Types(), In: inputOf(w), Shown: frame.Shown(inputOf(w))}))
}

func (p Pages) editWebhook(q *frame.Request) error {
	w, err := p.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	f := webhookForm{hooks: p.hooks(), ID: w.ID, Types: event.Types(), In: typedWebhook(q, inputOf(w)), Secret: q.Value("secret"), Shown: frame.Shown(inputOf(w))}
	if q.Overtaken(f.Shown) {
		return q.Redirect(f.action())
	}
	patch := []webhook.PatchOperation{
		webhookReplace("/name", f.In.Name), webhookReplace("/description", f.In.Description), webhookReplace("/url", f.In.URL),
		webhookReplace("/eventTypes", f.In.EventTypes), webhookReplace("/enabled", f.In.Enabled),
	}
	if f.Secret != "" {
		patch = append(patch, webhookReplace("/secret", f.Secret))
	}
	if err := p.Webhook.Patch(q.Context(), q.Actor, w.ID, patch); err != nil {
		return f.again(q, err)
	}
	q.Say("success", "Saved.")
	return q.Redirect(p.hooks().path(w.ID))
}

func webhookReplace(path string, value any) webhook.PatchOperation {
	encoded, _ := json.Marshal(value) // texts, lists of them, and booleans
	return webhook.PatchOperation{Op: "replace", Path: path, Value: encoded}
}

// switchWebhook turns a webhook on or off.
func (p Pages) switchWebhook(q *frame.Request) error {
	id, on := estate.WebhookID(q.PathValue("webhook")), q.Value("enabled") == "yes"
	if err := p.Webhook.Patch(q.Context(), q.Actor, id, []webhook.PatchOperation{webhookReplace("/enabled", on)}); err != nil {
		return err
	}
	q.Say("success", map[bool]string{true: "The webhook is enabled.", false: "The webhook is disabled."}[on])
	return q.Redirect(p.hooks().path(id))
}

// testWebhook sends an event that says nothing but that it is a test, and tells what
// the address answered.
func (p Pages) testWebhook(q *frame.Request) error {
	id := estate.WebhookID(q.PathValue("webhook"))
	d, err := p.Webhook.Test(q.Context(), q.Actor, id)
	if err != nil {
		return err
	}
	tell(q, d)
	return q.Redirect(p.hooks().path(id))
}

func (p Pages) resend(q *frame.Request) error {
	id := estate.WebhookID(q.PathValue("webhook"))
	d, err := p.Webhook.Resend(q.Context(), q.Actor, id, estate.DeliveryID(q.PathValue("delivery")))
	switch {
	case err != nil && slices.Contains([]estate.Kind{estate.Conflict, estate.Invalid}, frame.Known(err).Kind):
		q.Say("warning", frame.Known(err).Detail)
	case err != nil:
		return err
	default:
		tell(q, d)
	}
	return q.Redirect(p.hooks().path(id))
}

// tell says what came of an attempt.
func tell(q *frame.Request, d estate.Delivery) {
	if d.Status == estate.DeliverySuccess {
		q.Say("success", "The address took the event: it answered "+strconv.Itoa(d.Response.Status)+".")
		return
	}
	q.Say("warning", "The event was sent, and has not arrived: "+d.Message+".")
}

func (p Pages) askDeleteWebhook(q *frame.Request) error {
	w, err := p.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	return q.Render("Delete "+w.Name, deleteWebhookPage(p.hooks(), w, "", ""))
}

func (p Pages) deleteWebhook(q *frame.Request) error {
	w, err := p.Webhook.Get(q.Context(), q.Actor, estate.WebhookID(q.PathValue("webhook")))
	if err != nil {
		return err
	}
	if typed := q.Value("confirm"); typed != w.Name {
		return q.Again("Delete "+w.Name, deleteWebhookPage(p.hooks(), w, typed, "This is not the webhook's name."))
	}
	if err := p.Webhook.Delete(q.Context(), q.Actor, w.ID); err != nil {
		return err
	}
	q.Say("success", "The webhook "+w.Name+" is gone.")
	return q.Redirect(p.hooks().list())
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
	return strings.Join(types, ", ")
}

func secretHint(f webhookForm) string {
	if f.ID == "" {
		return "32 to 64 characters; empty: deliveries are not signed."
	}
	return "32 to 64 characters; empty: as it is."
}
