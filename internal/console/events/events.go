// Package events is the pages of what happened: the audit trail, and webhooks that
// are told of it. An organization and its tenants have the same ones.
package events

import (
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// Pages are the pages below a path, and what they call.
type Pages struct {
	Base       string // without a slash at its end; may be empty
	TenantPath string // what leads, with its id, to the page of a tenant; empty: there are none
	Trail      event.Trail
	Webhook    *webhook.Service
	// Name is what people call an actor; empty: its id. May be nil.
	Name func(*frame.Request, estate.Actor) string
	// Chain tells whether these are the pages of an organization, which has a chain
	// to verify.
	Chain bool
}

// pageSize is how many rows a list shows.
const pageSize = 50

// Table is the table of all pages.
func (p Pages) Table() []frame.Page {
	pages := []frame.Page{
		{Method: "GET", Path: p.Base + "/audit", ID: "audit", Handle: p.audit},
		{Method: "GET", Path: p.Base + "/audit/{record}", ID: "audit.record", Handle: p.auditRecord},
		{Method: "GET", Path: p.Base + "/audit/export", ID: "audit.export", Handle: p.auditExport},

		{Method: "GET", Path: p.Base + "/webhooks", ID: "webhooks", Handle: p.webhooks},
		{Method: "GET", Path: p.Base + "/webhooks/new", ID: "webhook.ask-create", Handle: p.askWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/new", ID: "webhook.create", Handle: p.createWebhook},
		{Method: "GET", Path: p.Base + "/webhooks/{webhook}", ID: "webhook", Handle: p.webhook},
		{Method: "GET", Path: p.Base + "/webhooks/{webhook}/edit", ID: "webhook.ask-edit", Handle: p.askEditWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/{webhook}/edit", ID: "webhook.edit", Handle: p.editWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/{webhook}/enabled", ID: "webhook.enable", Handle: p.switchWebhook},
		{Method: "GET", Path: p.Base + "/webhooks/{webhook}/delete", ID: "webhook.ask-delete", Handle: p.askDeleteWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/{webhook}/delete", ID: "webhook.delete", Handle: p.deleteWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/{webhook}/test", ID: "webhook.test", Handle: p.testWebhook},
		{Method: "POST", Path: p.Base + "/webhooks/{webhook}/deliveries/{delivery}/resend", ID: "webhook.resend", Handle: p.resend},
	}
	if p.Chain {
		pages = append(pages,
			frame.Page{Method: "GET", Path: p.Base + "/audit/verify", ID: "audit.ask-verify", Handle: p.askVerify},
			frame.Page{Method: "POST", Path: p.Base + "/audit/verify", ID: "audit.verify", Handle: p.verify})
	}
	return pages
}

func onPage(n int, one, many string) string {
	if n == 1 {
		return "1 " + one + " on this page"
	}
	return ui.Number(int64(n)) + " " + many + " on this page"
}

// nameOf is what people call who acted.
func (p Pages) nameOf(q *frame.Request) func(estate.Actor) string {
	return func(a estate.Actor) string {
		if p.Name == nil {
			return ""
		}
		return p.Name(q, a)
	}
}
