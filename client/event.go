package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// Events is the audit trail and the webhooks of one level. It is made by one of
// the methods of [Client] that return one.
type Events struct {
	c    *Client
	base string
}

// TenantEvents is about what happens in a tenant, on its host.
func (c *Client) TenantEvents() Events { return Events{c, "/api/v1"} }

// OrganizationEvents is about what happens in an organization and all its
// tenants, on the console host.
func (c *Client) OrganizationEvents() Events { return Events{c, "/api/core"} }

// AuditOptions pick and order audit events. What is left out restricts nothing.
type AuditOptions struct {
	From, Until time.Time // both included
	EventType   string
	Source      string
	UserID      string
	Sort        string // eventTime, eventType or source, with "-" for descending; empty: -eventTime
	Limit       int    // events a page, 1 to 100; 0: the server's default of 20
}

func (o AuditOptions) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"eventType": o.EventType, "source": o.Source, "userId": o.UserID, "sort": o.Sort} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !o.From.IsZero() || !o.Until.IsZero() {
		text := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.UTC().Format(time.RFC3339Nano)
		}
		query.Set("eventTime", text(o.From)+"/"+text(o.Until))
	}
	if o.Limit > 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	return query
}

// Audits goes through all audit events that opts pick, fetching pages as they are
// needed. After an error it ends.
func (e Events) Audits(ctx context.Context, opts AuditOptions) iter.Seq2[api.AuditEvent, error] {
	return pages(ctx, e.c, e.base+"/audits", opts.query(), func(l *api.AuditEventList) ([]api.AuditEvent, *api.Link) { return l.Data, l.Links.Next })
}

// GetAudit returns an audit event by its id.
func (e Events) GetAudit(ctx context.Context, id string) (*api.AuditEvent, error) {
	return getByID[api.AuditEvent](ctx, e.c, e.base+"/audits/", id)
}

// AuditTypes returns the types of the audit events that there have been.
func (e Events) AuditTypes(ctx context.Context) ([]string, error) {
	list, err := get[api.AuditNameList](ctx, e.c, e.base+"/audits/types")
	if err != nil {
		return nil, err
	}
	return list.Data, nil
}

// AuditArchive returns all audit events of the day (UTC) that at is in.
func (e Events) AuditArchive(ctx context.Context, at time.Time) ([]api.AuditEvent, error) {
	archive := new(api.AuditArchive)
	err := e.c.Do(ctx, http.MethodGet, e.base+"/audits/archive", url.Values{"date": {at.UTC().Format(time.DateOnly)}}, nil, archive)
	return archive.Data, err
}

// WebhookOptions pick and order webhooks.
type WebhookOptions struct {
	Name  string // with * for any text
	Sort  string // name, url, createdAt or updatedAt, with "-" for descending; empty: -createdAt
	Limit int    // webhooks a page, 1 to 100; 0: the server's default of 20
}

// Webhooks goes through all webhooks that opts pick. After an error it ends.
func (e Events) Webhooks(ctx context.Context, opts WebhookOptions) iter.Seq2[api.Webhook, error] {
	query := url.Values{}
	for name, value := range map[string]string{"name": opts.Name, "sort": opts.Sort} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if opts.Limit > 0 {
		query.Set("limit", strconv.Itoa(opts.Limit))
	}
	return pages(ctx, e.c, e.base+"/webhooks", query, func(l *api.WebhookList) ([]api.Webhook, *api.Link) { return l.Data, l.Links.Next })
}

// WebhookEventTypes returns the types of events that webhooks can be told of.
func (e Events) WebhookEventTypes(ctx context.Context) ([]api.WebhookEventType, error) {
	list, err := get[api.WebhookEventTypeList](ctx, e.c, e.base+"/webhooks/event-types")
	if err != nil {
		return nil, err
	}
	return list.Data, nil
}

// CreateWebhook creates a webhook. Calls that make something are not repeated on
// failure, because each arrival makes another.
func (e Events) CreateWebhook(ctx context.Context, req api.WebhookRequest) (*api.Webhook, error) {
	made := new(api.Webhook)
	return made, e.c.Do(ctx, http.MethodPost, e.base+"/webhooks", nil, req, made)
}

// GetWebhook returns a webhook by its id.
func (e Events) GetWebhook(ctx context.Context, id string) (*api.Webhook, error) {
	return getByID[api.Webhook](ctx, e.c, e.base+"/webhooks/", id)
}

// ReplaceWebhook makes all of a webhook what req says; what it leaves out is
// cleared, the secret too.
func (e Events) ReplaceWebhook(ctx context.Context, id string, req api.WebhookRequest) (*api.Webhook, error) {
	path, err := e.webhook(id)
	if err != nil {
		return nil, err
	}
	replaced := new(api.Webhook)
	return replaced, e.c.Do(ctx, http.MethodPut, path, nil, req, replaced)
}

// UpdateWebhook changes a webhook by a patch, all of it or nothing.
func (e Events) UpdateWebhook(ctx context.Context, id string, patch []api.WebhookPatchOperation) error {
	path, err := e.webhook(id)
	if err != nil {
		return err
	}
	return e.c.Do(ctx, http.MethodPatch, path, nil, patch, nil)
}

// DeleteWebhook deletes a webhook with the history of its deliveries.
func (e Events) DeleteWebhook(ctx context.Context, id string) error {
	path, err := e.webhook(id)
	if err != nil {
		return err
	}
	return e.c.Do(ctx, http.MethodDelete, path, nil, nil, nil)
}

// Deliveries goes through what was sent to a webhook within the last week, the
// newest first; with a status ("success" or "fail"), only what has it.
func (e Events) Deliveries(ctx context.Context, id, status string) iter.Seq2[api.WebhookDelivery, error] {
	path, err := e.webhook(id)
	if err != nil {
		return func(yield func(api.WebhookDelivery, error) bool) { yield(api.WebhookDelivery{}, err) }
	}
	query := url.Values{"limit": {"100"}}
	if status != "" {
		query.Set("status", status)
	}
	return pages(ctx, e.c, path+"/deliveries", query, func(l *api.WebhookDeliveryList) ([]api.WebhookDelivery, *api.Link) { return l.Data, l.Links.Next })
}

// ResendDelivery sends the event of a delivery again, at once and once. What it
// returns says how that went.
func (e Events) ResendDelivery(ctx context.Context, webhook, delivery string) (*api.WebhookDelivery, error) {
	path, err := e.webhook(webhook)
	if err != nil {
		return nil, err
	}
	segment, err := pathSegment(delivery)
	if err != nil {
		return nil, err
	}
	sent := new(api.WebhookDelivery)
	return sent, e.c.Do(ctx, http.MethodPost, path+"/deliveries/"+segment+"/actions/resend", nil, nil, sent)
}

func (e Events) webhook(id string) (string, error) {
	segment, err := pathSegment(id)
	return e.base + "/webhooks/" + segment, err
}

// pages goes through the rows of a list, page by page. After an error it ends.
func pages[List, Row any](ctx context.Context, c *Client, path string, query url.Values, read func(*List) ([]Row, *api.Link)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var none Row
		req, err := c.prepare(Request{Method: http.MethodGet, Path: path, Query: query})
		for err == nil {
			var resp *Response
			if resp, err = c.send(ctx, req); err != nil {
				break
			}
			list := new(List)
			if err = resp.decode(list); err != nil {
				err = fmt.Errorf("read page of %s: %w", path, err)
				break
			}
			rows, next := read(list)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if next == nil || next.Href == "" {
				return
			}
			req, err = c.follow(req, next.Href)
		}
		yield(none, err)
	}
}
