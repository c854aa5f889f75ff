package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func webhookIn(scope estate.Scope, n int) estate.Webhook {
	return estate.Webhook{
		ID: estate.WebhookID(fmt.Sprintf("webhook-%d", n)), Scope: scope, Name: fmt.Sprintf("Webhook %d", n), Description: "what it is for",
		URL: "https://example.com/hook", EventTypes: []string{"a", "b"}, Filter: `id eq "x"`, Enabled: true, Headers: map[string]string{"X-A": "b"},
		HiddenHeaders: []string{"X-C"}, HasSecret: true, Sealed: []byte{0, 1, 255}, CheckRevocation: true, Origin: "api",
		CreatedAt: moment(n), CreatedBy: "one", UpdatedAt: moment(n + 1), UpdatedBy: "two", DisabledReason: "because", DisabledCode: "code",
		FailingSince: moment(n + 2), After: int64(n),
	}
}

func deliveryTo(w estate.Webhook, n int) estate.Delivery {
	return estate.Delivery{
		ID: estate.DeliveryID(fmt.Sprintf("delivery-%03d", n)), Scope: w.Scope, Webhook: w.ID, Event: "event", EventType: "type", Status: estate.DeliverySuccess,
		Message: "OK", TriggeredAt: moment(n), Attempts: 2,
		Request:  estate.DeliveryMessage{URL: w.URL, Status: 1, Headers: map[string]string{"A": "b"}, Body: `{"a":1}`},
		Response: estate.DeliveryMessage{URL: "u", Status: 200, Headers: map[string]string{"C": "d"}, Body: "fine"},
	}
}

func testWebhook(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	here, above := home.Scope(), all(s.acme)
	own, wide := complete(t, webhookIn(here, 1)), webhookIn(above, 2)
	bare := estate.Webhook{ID: "bare", Scope: above, CreatedAt: moment(3), UpdatedAt: moment(3)}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertWebhook(t.Context(), own), tx.InsertWebhook(t.Context(), wide), tx.InsertWebhook(t.Context(), bare))
	})
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertWebhook(t.Context(), own) }))
	wantDefect(t, refused(t, db, func(tx *store.Tx) error {
		return tx.InsertWebhook(t.Context(), webhookIn(estate.Scope{Organization: "nobody"}, 9))
	}))
	get := func(scope estate.Scope, id estate.WebhookID) func(tx *store.Tx) (estate.Webhook, error) {
		return func(tx *store.Tx) (estate.Webhook, error) { return tx.Webhook(t.Context(), scope, id) }
	}
	list := func(fn func(tx *store.Tx) ([]estate.Webhook, error)) []estate.Webhook { return read(t, db, fn) }
	equal(t, "webhook", read(t, db, get(here, own.ID)), own)
	equal(t, "bare webhook", read(t, db, get(above, "bare")), bare)
	wantError(t, readError(t, db, get(above, own.ID)), estate.NotFound, "WEBHOOKS-2")
	equal(t, "webhooks of the tenant", list(func(tx *store.Tx) ([]estate.Webhook, error) { return tx.Webhooks(t.Context(), here) }), []estate.Webhook{own})
	equal(t, "webhooks of the organization", list(func(tx *store.Tx) ([]estate.Webhook, error) { return tx.Webhooks(t.Context(), above) }), []estate.Webhook{bare, wide})
	equal(t, "webhooks to tell", list(func(tx *store.Tx) ([]estate.Webhook, error) { return tx.WebhooksToTell(t.Context(), above) }), []estate.Webhook{own, wide})

	changed := webhookIn(here, 50)
	changed.ID, changed.Origin, changed.CreatedAt, changed.CreatedBy = own.ID, own.Origin, own.CreatedAt, own.CreatedBy
	changed.Enabled, changed.HasSecret, changed.CheckRevocation = false, false, false
	update := func(scope estate.Scope) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.UpdateWebhook(t.Context(), scope, changed) }
	}
	wantError(t, refused(t, db, update(above)), estate.NotFound, "WEBHOOKS-2")
	write(t, db, update(here))
	equal(t, "changed webhook", read(t, db, get(here, own.ID)), changed)
	equal(t, "webhooks to tell", list(func(tx *store.Tx) ([]estate.Webhook, error) { return tx.WebhooksToTell(t.Context(), above) }), []estate.Webhook{wide})

	testDeliveries(t, db, wide)

	remove := func(scope estate.Scope) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.DeleteWebhook(t.Context(), scope, wide.ID) }
	}
	wantError(t, refused(t, db, remove(here)), estate.NotFound, "WEBHOOKS-2")
	write(t, db, remove(above))
	equal(t, "deliveries to a webhook that is gone", column(t, db, "select id from webhook_deliveries"), nil)
	wantError(t, readError(t, db, get(above, wide.ID)), estate.NotFound, "WEBHOOKS-2")
}

func testDeliveries(t *testing.T, db Database, w estate.Webhook) {
	t.Helper()
	var all []estate.Delivery
	for n := range 5 {
		all = append(all, deliveryTo(w, n))
	}
	all[1].Status, all[3].Status, all[2].EventType = estate.DeliveryFail, estate.DeliveryPending, "another"
	complete(t, all[4])
	write(t, db, func(tx *store.Tx) error {
		for _, d := range all {
			if err := tx.InsertDelivery(t.Context(), d); err != nil {
				return err
			}
		}
		return nil
	})
	wantDefect(t, refused(t, db, func(tx *store.Tx) error {
		d := deliveryTo(w, 9)
		d.Webhook = "nobody"
		return tx.InsertDelivery(t.Context(), d)
	}))
	equal(t, "delivery", read(t, db, func(tx *store.Tx) (estate.Delivery, error) { return tx.Delivery(t.Context(), w.Scope, all[4].ID) }), all[4])
	wantError(t, readError(t, db, func(tx *store.Tx) (estate.Delivery, error) { return tx.Delivery(t.Context(), w.Scope, "none") }), estate.NotFound, "WEBHOOKS-2")

	for name, c := range map[string]struct {
		query store.DeliveryQuery
		want  []int
	}{
		"newest":       {store.DeliveryQuery{}, []int{4, 2, 1, 0}},
		"oldest":       {store.DeliveryQuery{Ascending: true}, []int{0, 1, 2, 4}},
		"by status":    {store.DeliveryQuery{ByStatus: true, Ascending: true}, []int{1, 0, 2, 4}},
		"by status -":  {store.DeliveryQuery{ByStatus: true}, []int{4, 2, 0, 1}},
		"failed":       {store.DeliveryQuery{Status: estate.DeliveryFail}, []int{1}},
		"of a type":    {store.DeliveryQuery{EventType: "another"}, []int{2}},
		"of a webhook": {store.DeliveryQuery{Webhook: "another"}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			q := c.query
			q.Limit = limit
			if q.Webhook == "" {
				q.Webhook = w.ID
			}
			var forth, back []estate.DeliveryID
			step := func() (page []estate.Delivery, more bool) {
				write(t, db, func(tx *store.Tx) (err error) {
					page, more, err = tx.Deliveries(t.Context(), w.Scope, q)
					return err
				})
				return page, more
			}
			var page []estate.Delivery
			for more := true; more; {
				page, more = step()
				for _, d := range page {
					forth = append(forth, d.ID)
				}
				if len(page) > 0 {
					q.After = store.PositionOfDelivery(page[len(page)-1])
				}
			}
			var want []estate.DeliveryID
			for _, n := range c.want {
				want = append(want, all[n].ID)
			}
			equal(t, fmt.Sprintf("%s, %d at a time", name, limit), forth, want)
			q.Backward = true
			for more := len(want) > 0; more; {
				page, more = step()
				for _, d := range slices.Backward(page) {
					back = append(back, d.ID)
				}
				if len(page) > 0 {
					q.After = store.PositionOfDelivery(page[0])
				}
			}
			slices.Reverse(back)
			equal(t, fmt.Sprintf("%s before the last, %d at a time", name, limit), back, append([]estate.DeliveryID(nil), want[:max(0, len(want)-1)]...))
		}
	}

	changed := all[0]
	changed.Status, changed.Message, changed.TriggeredAt, changed.Attempts = estate.DeliveryFail, "no", moment(90), 3
	changed.Request.Body, changed.Response.Body = "{}", "nothing"
	write(t, db, func(tx *store.Tx) error { return tx.UpdateDelivery(t.Context(), w.Scope, changed) })
	equal(t, "changed delivery", read(t, db, func(tx *store.Tx) (estate.Delivery, error) { return tx.Delivery(t.Context(), w.Scope, changed.ID) }), changed)

	write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), moment(2).Add(store.DeliveryRetention)) })
	equal(t, "deliveries after a week", column(t, db, "select id from webhook_deliveries order by id"), []string{"delivery-000", "delivery-002", "delivery-003", "delivery-004"})
	write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), moment(0).Add(100*24*time.Hour)) })
	equal(t, "deliveries after months", column(t, db, "select id from webhook_deliveries"), nil)
	write(t, db, func(tx *store.Tx) error { return tx.InsertDelivery(t.Context(), all[0]) })
}

// webhookRows are a webhook of each tenant and of each organization.
func webhookRows(w world) (rows []row) {
	for _, o := range w.organizations {
		rows = append(rows, webhookRow(all(o)))
	}
	for _, t := range w.tenants {
		rows = append(rows, webhookRow(t.Scope()))
	}
	return rows
}

func webhookRow(owner estate.Scope) row {
	id := fmt.Sprintf("webhook of %s %s", owner.Organization, owner.Tenant)
	return row{owner: owner, key: id, id: id}
}

func insertWebhooks(ctx context.Context, tx *store.Tx, w world) (errs []error) {
	for i, r := range webhookRows(w) {
		hook := webhookIn(r.owner, i)
		hook.ID = estate.WebhookID(r.id)
		delivery := deliveryTo(hook, i)
		delivery.ID = estate.DeliveryID("delivery to " + r.id)
		errs = append(errs, tx.InsertWebhook(ctx, hook), tx.InsertDelivery(ctx, delivery))
	}
	return errs
}

// isOwner: the webhooks of a tenant are none of those of its organization.
func isOwner(scope estate.Scope, r row) bool { return scope == r.owner }

func writesAsOwner(_ world, scope estate.Scope, r row) bool { return isOwner(scope, r) }

func webhookIDs(all []estate.Webhook, err error) ([]string, error) {
	return ids(all, err, func(w estate.Webhook) string { return string(w.ID) })
}

var webhookReads = map[string]readCase{
	"Webhook": {rows: webhookRows, covers: isOwner, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		w, err := tx.Webhook(ctx, scope, estate.WebhookID(key))
		return oneID(w, err, func(w estate.Webhook) string { return string(w.ID) })
	}},
	"Webhooks": {rows: webhookRows, covers: isOwner, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return webhookIDs(tx.Webhooks(ctx, scope))
	}},
	"WebhooksToTell": {
		rows: webhookRows,
		covers: func(scope estate.Scope, r row) bool {
			return scope.Organization == r.owner.Organization && scope == (estate.Scope{Organization: r.owner.Organization})
		},
		list: true,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
			return webhookIDs(tx.WebhooksToTell(ctx, scope))
		},
	},
	"Delivery": {rows: webhookRows, covers: isOwner, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		d, err := tx.Delivery(ctx, scope, estate.DeliveryID("delivery to "+key))
		return oneID(d, err, func(d estate.Delivery) string { return string(d.Webhook) })
	}},
	"Deliveries": {rows: webhookRows, covers: isOwner, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		page, _, err := tx.Deliveries(ctx, scope, store.DeliveryQuery{Webhook: estate.WebhookID(key), Limit: store.MaxPage})
		return ids(page, err, func(d estate.Delivery) string { return string(d.Webhook) })
	}},
}

// quoted is how a row shows in a dump.
func quoted(_ world, r row, _ estate.Scope) []string { return []string{fmt.Sprintf("%q", r.id)} }

var webhookWrites = map[string]writeCase{
	"UpdateWebhook": {rows: webhookRows, covers: writesAsOwner, touches: quoted, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
		w := webhookIn(scope, 99)
		w.ID = estate.WebhookID(key)
		return tx.UpdateWebhook(ctx, scope, w)
	}},
	"DeleteWebhook": {rows: webhookRows, covers: writesAsOwner, touches: func(_ world, r row, _ estate.Scope) []string { return []string{r.id} }, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
		return tx.DeleteWebhook(ctx, scope, estate.WebhookID(key))
	}},
	"UpdateDelivery": {rows: webhookRows, covers: writesAsOwner, touches: func(_ world, r row, _ estate.Scope) []string { return []string{"delivery to " + r.id} }, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
		d := deliveryTo(estate.Webhook{Scope: scope}, 99)
		d.ID = estate.DeliveryID("delivery to " + key)
		return tx.UpdateDelivery(ctx, scope, d)
	}},
}
