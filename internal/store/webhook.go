package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// DeliveryRetention is how long the history of deliveries is kept.
const DeliveryRetention = 7 * 24 * time.Hour

// ownedExactly restricts to what belongs to scope itself: a tenant's webhooks are none
// of the organization's.
func ownedExactly(scope estate.Scope) *conditions {
	c := &conditions{}
	if scope.Organization == "" {
		c.add("1 = 0")
		return c
	}
	c.add("organization_id = " + c.arg(string(scope.Organization)))
	c.add("subscription_id = " + c.arg(string(scope.Subscription)))
	c.add("region = " + c.arg(string(scope.Region)))
	c.add("tenant_id = " + c.arg(string(scope.Tenant)))
	return c
}

const webhookColumns = `id, organization_id, subscription_id, region, tenant_id, name, description, url, event_types, filter, enabled, headers, hidden_headers,
	has_secret, sealed, check_revocation, origin, created_at, created_by, updated_at, updated_by, disabled_reason, disabled_code, failing_since, after_position`

func scanWebhook(row rowScanner) (w estate.Webhook, err error) {
	var types, headers, hidden string
	var created, updated, failing int64
	err = row.Scan(&w.ID, &w.Scope.Organization, &w.Scope.Subscription, &w.Scope.Region, &w.Scope.Tenant, &w.Name, &w.Description, &w.URL, &types, &w.Filter,
		&w.Enabled, &headers, &hidden, &w.HasSecret, &w.Sealed, &w.CheckRevocation, &w.Origin, &created, &w.CreatedBy, &updated, &w.UpdatedBy,
		&w.DisabledReason, &w.DisabledCode, &failing, &w.After)
	w.CreatedAt, w.UpdatedAt, w.FailingSince = fromMicros(created), fromMicros(updated), fromMicros(failing)
	for text, into := range map[string]any{types: &w.EventTypes, hidden: &w.HiddenHeaders} {
		if err == nil && text != "null" {
			err = json.Unmarshal([]byte(text), into)
		}
	}
	if err == nil && headers != "null" {
		err = json.Unmarshal([]byte(headers), &w.Headers)
	}
	if len(w.Sealed) == 0 {
		w.Sealed = nil // the engines differ in how they give what is empty
	}
	return w, err
}

// InsertWebhook adds a webhook to its scope: a tenant or an organization.
func (tx *Tx) InsertWebhook(ctx context.Context, w estate.Webhook) error {
	_, err := tx.exec(ctx, "insert into webhooks ("+webhookColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		w.ID, w.Scope.Organization, w.Scope.Subscription, w.Scope.Region, w.Scope.Tenant, w.Name, w.Description, w.URL, marshal(w.EventTypes), w.Filter,
		flag(w.Enabled), marshal(w.Headers), marshal(w.HiddenHeaders), flag(w.HasSecret), sealed(w.Sealed), flag(w.CheckRevocation), w.Origin,
		micros(w.CreatedAt), w.CreatedBy, micros(w.UpdatedAt), w.UpdatedBy, w.DisabledReason, w.DisabledCode, micros(w.FailingSince), w.After)
	return wrap("insert webhook", err)
}

// sealed is never null.
func sealed(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

var errWebhookNotFound = estate.E(estate.NotFound, api.CodeWebhookNotFound, "Not found", "No such webhook.")

// Webhook returns a webhook of exactly scope.
func (tx *Tx) Webhook(ctx context.Context, scope estate.Scope, id estate.WebhookID) (estate.Webhook, error) {
	c := ownedExactly(scope)
	c.add("id = " + c.arg(id))
	w, err := scanWebhook(tx.row(ctx, "select "+webhookColumns+" from webhooks"+c.where(), c.args...))
	return w, orNotFound(wrap("select webhook", err), errWebhookNotFound)
}

// Webhooks returns all webhooks of exactly scope, which are few.
func (tx *Tx) Webhooks(ctx context.Context, scope estate.Scope) ([]estate.Webhook, error) {
	c := ownedExactly(scope)
	rows, err := tx.rows(ctx, "select "+webhookColumns+" from webhooks"+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanWebhook)
	return all, wrap("select webhooks", err)
}

// WebhooksToTell returns the enabled webhooks of the organization that is the
// scope and of all its tenants.
func (tx *Tx) WebhooksToTell(ctx context.Context, scope estate.Scope) ([]estate.Webhook, error) {
	if scope != (estate.Scope{Organization: scope.Organization}) {
		return nil, nil
	}
	c := within(scope, "", "", "")
	c.add("enabled = 1")
	rows, err := tx.rows(ctx, "select "+webhookColumns+" from webhooks"+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanWebhook)
	return all, wrap("select webhooks to tell", err)
}

// UpdateWebhook stores all of a webhook but its id, its scope and how it was made.
func (tx *Tx) UpdateWebhook(ctx context.Context, scope estate.Scope, w estate.Webhook) error {
	c := ownedExactly(scope)
	c.add("id = " + c.arg(w.ID))
	set := func(column string, v any) string { return column + " = " + c.arg(v) }
	columns := []string{
		set("name", w.Name), set("description", w.Description), set("url", w.URL), set("event_types", marshal(w.EventTypes)), set("filter", w.Filter),
		set("enabled", flag(w.Enabled)), set("headers", marshal(w.Headers)), set("hidden_headers", marshal(w.HiddenHeaders)), set("has_secret", flag(w.HasSecret)),
		set("sealed", sealed(w.Sealed)), set("check_revocation", flag(w.CheckRevocation)), set("updated_at", micros(w.UpdatedAt)), set("updated_by", w.UpdatedBy),
		set("disabled_reason", w.DisabledReason), set("disabled_code", w.DisabledCode), set("failing_since", micros(w.FailingSince)), set("after_position", w.After),
	}
	n, err := tx.exec(ctx, "update webhooks set "+strings.Join(columns, ", ")+c.where(), c.args...)
	if err == nil && n == 0 {
		return errWebhookNotFound
	}
	return wrap("update webhook", err)
}

// DeleteWebhook deletes a webhook of exactly scope, with its deliveries.
func (tx *Tx) DeleteWebhook(ctx context.Context, scope estate.Scope, id estate.WebhookID) error {
	c := ownedExactly(scope)
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from webhooks"+c.where(), c.args...)
	if err == nil && n == 0 {
		return errWebhookNotFound
	}
	return wrap("delete webhook", err)
}

const deliveryColumns = `id, organization_id, subscription_id, region, tenant_id, webhook_id, event_id, event_type, status, message, triggered_at, attempts, request, response`

func scanDelivery(row rowScanner) (d estate.Delivery, err error) {
	var at int64
	var request, response string
	err = row.Scan(&d.ID, &d.Scope.Organization, &d.Scope.Subscription, &d.Scope.Region, &d.Scope.Tenant, &d.Webhook, &d.Event, &d.EventType,
		&d.Status, &d.Message, &at, &d.Attempts, &request, &response)
	d.TriggeredAt = fromMicros(at)
	if err == nil {
		err = json.Unmarshal([]byte(request), &d.Request)
	}
	if err == nil {
		err = json.Unmarshal([]byte(response), &d.Response)
	}
	return d, err
}

// InsertDelivery adds a delivery to a webhook of its scope.
func (tx *Tx) InsertDelivery(ctx context.Context, d estate.Delivery) error {
	_, err := tx.exec(ctx, "insert into webhook_deliveries ("+deliveryColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		d.ID, d.Scope.Organization, d.Scope.Subscription, d.Scope.Region, d.Scope.Tenant, d.Webhook, d.Event, d.EventType, d.Status, d.Message,
		micros(d.TriggeredAt), d.Attempts, marshal(d.Request), marshal(d.Response))
	return wrap("insert delivery", err)
}

var errDeliveryNotFound = estate.E(estate.NotFound, api.CodeWebhookNotFound, "Not found", "No such delivery.")

// Delivery returns a delivery of a webhook of exactly scope.
func (tx *Tx) Delivery(ctx context.Context, scope estate.Scope, id estate.DeliveryID) (estate.Delivery, error) {
	c := ownedExactly(scope)
	c.add("id = " + c.arg(id))
	d, err := scanDelivery(tx.row(ctx, "select "+deliveryColumns+" from webhook_deliveries"+c.where(), c.args...))
	return d, orNotFound(wrap("select delivery", err), errDeliveryNotFound)
}

// UpdateDelivery stores what became of a delivery of exactly scope.
func (tx *Tx) UpdateDelivery(ctx context.Context, scope estate.Scope, d estate.Delivery) error {
	c := ownedExactly(scope)
	c.add("id = " + c.arg(d.ID))
	set := func(column string, v any) string { return column + " = " + c.arg(v) }
	n, err := tx.exec(ctx, "update webhook_deliveries set "+strings.Join([]string{
		set("status", string(d.Status)), set("message", d.Message), set("triggered_at", micros(d.TriggeredAt)), set("attempts", d.Attempts),
		set("request", marshal(d.Request)), set("response", marshal(d.Response)),
	}, ", ")+c.where(), c.args...)
	if err == nil && n == 0 {
		return errDeliveryNotFound
	}
	return wrap("update delivery", err)
}

// DeliveryQuery asks for a page of the deliveries to a webhook that were
// attempted. The zero query is for the newest.
type DeliveryQuery struct {
	Webhook   estate.WebhookID
	EventType string
	Status    estate.DeliveryStatus

	ByStatus  bool // sorted by status, and then by time in the same direction
	Ascending bool
	After     *DeliveryPosition // nil: from the start
	Backward  bool              // the rows before After instead of those after
	Limit     int               // at most MaxPage
}

// DeliveryPosition is a place between deliveries: just past the one with these
// values.
type DeliveryPosition struct {
	Status estate.DeliveryStatus
	Time   int64 // microseconds
	ID     estate.DeliveryID
}

// Deliveries returns a page of the deliveries to a webhook of exactly scope, and
// whether more follow in the direction of reading.
func (tx *Tx) Deliveries(ctx context.Context, scope estate.Scope, q DeliveryQuery) (page []estate.Delivery, more bool, err error) {
	c := ownedExactly(scope)
	c.add("webhook_id = " + c.arg(q.Webhook))
	c.add("status <> " + c.arg(string(estate.DeliveryPending)))
	if q.EventType != "" {
		c.add("event_type = " + c.arg(q.EventType))
	}
	if q.Status != "" {
		c.add("status = " + c.arg(string(q.Status)))
	}
	descending := !q.Ascending != q.Backward
	order := []orderColumn{{"triggered_at", descending}, {"id", descending}}
	if q.ByStatus {
		order = append([]orderColumn{{"status", descending}}, order...)
	}
	if p := q.After; p != nil {
		values := []any{p.Time, string(p.ID)}
		if q.ByStatus {
			values = append([]any{string(p.Status)}, values...)
		}
		c.add(keysetCondition(c, order, values))
	}
	by := make([]string, len(order))
	for i, o := range order {
		by[i] = o.column
		if descending {
			by[i] += " desc"
		}
	}
	limit := max(0, min(q.Limit, MaxPage))
	rows, err := tx.rows(ctx, "select "+deliveryColumns+" from webhook_deliveries"+c.where()+" order by "+strings.Join(by, ", ")+" limit "+c.arg(limit+1), c.args...)
	page, err = collect(rows, err, scanDelivery)
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	if q.Backward {
		slices.Reverse(page)
	}
	return page, more, wrap("select deliveries", err)
}

// PositionOfDelivery is the place just past d.
func PositionOfDelivery(d estate.Delivery) *DeliveryPosition {
	return &DeliveryPosition{Status: d.Status, Time: micros(d.TriggeredAt), ID: d.ID}
}

func (tx *Tx) trimDeliveries(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from webhook_deliveries where triggered_at < $1", micros(now.Add(-DeliveryRetention)))
	return wrap("trim deliveries", err)
}
