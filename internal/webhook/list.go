package webhook

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// Query asks for a page of webhooks. Empty texts restrict nothing.
type Query struct {
	Name, URL  string // with * for any text, whatever the case
	Enabled    *bool
	EventTypes []string // one of them
	Origins    []string // one of them
	CreatedBy  string
	UpdatedBy  string
	Sort       string // name, url, createdAt or updatedAt, with sign; empty: -createdAt
	Next, Prev string // cursors
	Limit      int    // 1 to 100
}

// Page is a page of webhooks. Next and Prev are cursors, empty at the ends.
type Page struct {
	Webhooks   []estate.Webhook
	Next, Prev string
}

// List lists the webhooks in the scope of actor. There are few, so they are
// filtered and sorted here.
func (s *Service) List(ctx context.Context, actor estate.Actor, q Query) (page Page, err error) {
	if err := may(actor); err != nil {
		return page, err
	}
	less, list, err := order(q.Sort)
	if err != nil {
		return page, err
	}
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil {
		return page, err
	}
	var all []estate.Webhook
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Webhooks(ctx, actor.Scope)
		return err
	})
	if err != nil {
		return page, err
	}
	all = slices.DeleteFunc(all, func(w estate.Webhook) bool { return !q.matches(w) })
	slices.SortFunc(all, less)
	from, to := 0, min(q.Limit, len(all))
	if parameter != "" {
		beside, err := paging.Parse[place](list, sent)
		if err != nil {
			return page, paging.Unparsed(parameter, err)
		}
		// Not by its id: the webhook may be gone meanwhile.
		at, there := slices.BinarySearchFunc(all, beside.webhook(), less)
		if parameter == "prev" {
			from, to = max(0, at-q.Limit), at
		} else {
			if there {
				at++
			}
			from, to = at, min(at+q.Limit, len(all))
		}
	}
	page.Webhooks = all[from:to]
	if len(page.Webhooks) > 0 {
		if to < len(all) {
			page.Next = paging.Format(list, placeOf(all[to-1]))
		}
		if from > 0 {
			page.Prev = paging.Format(list, placeOf(all[from]))
		}
	}
	return page, nil
}

// place is what webhooks are sorted by, of one.
type place struct {
	ID      estate.WebhookID `json:"i"`
	Name    string           `json:"n"`
	URL     string           `json:"a"`
	Created time.Time        `json:"c"`
	Updated time.Time        `json:"u"`
}

func placeOf(w estate.Webhook) place { return place{w.ID, w.Name, w.URL, w.CreatedAt, w.UpdatedAt} }

func (p place) webhook() estate.Webhook {
	return estate.Webhook{ID: p.ID, Name: p.Name, URL: p.URL, CreatedAt: p.Created, UpdatedAt: p.Updated}
}

func (q Query) matches(w estate.Webhook) bool {
	some := func(wanted []string, has func(string) bool) bool {
		return len(wanted) == 0 || slices.ContainsFunc(wanted, has)
	}
	return like(q.Name, w.Name) && like(q.URL, w.URL) &&
		(q.Enabled == nil || *q.Enabled == w.Enabled) &&
		some(q.EventTypes, func(name string) bool { return slices.Contains(w.EventTypes, name) }) &&
		some(q.Origins, func(origin string) bool { return origin == w.Origin }) &&
		(q.CreatedBy == "" || q.CreatedBy == w.CreatedBy) && (q.UpdatedBy == "" || q.UpdatedBy == w.UpdatedBy)
}

// like compares with a pattern in which * stands for any text.
func like(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	// A slash stops the * of path.Match, and other signs mean something to it.
	quoted := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `?`, `\?`, "/", "\x00").Replace(filter.Fold(pattern))
	matches, err := path.Match(quoted, strings.ReplaceAll(filter.Fold(text), "/", "\x00"))
	return err == nil && matches
}

// order is how webhooks are sorted, and the name of a list in that order.
func order(sort string) (less func(a, b estate.Webhook) int, list string, err error) {
	keys, err := filter.ParseSort(sort, []string{"name", "url", "createdAt", "updatedAt"})
	switch {
	case err != nil:
		return nil, "", paging.BadParameter("sort", err.Error())
	case len(keys) > 1:
		return nil, "", paging.BadParameter("sort", "sort takes one attribute")
	case len(keys) == 0:
		keys = []filter.SortKey{{Attribute: "createdAt", Descending: true}}
	}
	compare := map[string]func(a, b estate.Webhook) int{
		"name":      func(a, b estate.Webhook) int { return strings.Compare(filter.Fold(a.Name), filter.Fold(b.Name)) },
		"url":       func(a, b estate.Webhook) int { return strings.Compare(a.URL, b.URL) },
		"createdAt": func(a, b estate.Webhook) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updatedAt": func(a, b estate.Webhook) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	}[keys[0].Attribute]
	return func(a, b estate.Webhook) int {
		n := cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID))
		if keys[0].Descending {
			return -n
		}
		return n
	}, paging.Sorted("webhooks", keys), nil
}

// DeliveryQuery asks for a page of the deliveries to a webhook.
type DeliveryQuery struct {
	EventType  string
	Status     string // success or fail
	Sort       string // status or triggeredAt, with sign; empty: -triggeredAt
	Next, Prev string // cursors
	Limit      int    // 1 to 100
}

// DeliveryPage is a page of deliveries.
type DeliveryPage struct {
	Deliveries []estate.Delivery
	Next, Prev string
}

// Deliveries lists what was sent to a webhook within the last week.
func (s *Service) Deliveries(ctx context.Context, actor estate.Actor, id estate.WebhookID, q DeliveryQuery) (page DeliveryPage, err error) {
	if err := may(actor); err != nil {
		return page, err
	}
	query := store.DeliveryQuery{Webhook: id, EventType: q.EventType, Status: estate.DeliveryStatus(q.Status), Limit: q.Limit}
	if q.Status != "" && query.Status != estate.DeliverySuccess && query.Status != estate.DeliveryFail {
		return page, paging.BadParameter("status", "status must be success or fail")
	}
	keys, err := filter.ParseSort(q.Sort, []string{"status", "triggeredAt"})
	switch {
	case err != nil:
		return page, paging.BadParameter("sort", err.Error())
	case len(keys) > 1:
		return page, paging.BadParameter("sort", "sort takes one attribute")
	case len(keys) == 1:
		query.ByStatus, query.Ascending = keys[0].Attribute == "status", !keys[0].Descending
	}
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil {
		return page, err
	}
	list := paging.Sorted("deliveries:"+string(id), keys)
	if sent != "" {
		after, err := paging.Parse[store.DeliveryPosition](list, sent)
		if err != nil {
			return page, paging.Unparsed(parameter, err)
		}
		query.After, query.Backward = &after, parameter == "prev"
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Webhook(ctx, actor.Scope, id); err != nil {
			return err
		}
		all, more, err := tx.Deliveries(ctx, actor.Scope, query)
		page.Deliveries = all
		if len(all) > 0 {
			if more || query.Backward {
				page.Next = paging.Format(list, store.PositionOfDelivery(all[len(all)-1]))
			}
			if query.Backward && more || !query.Backward && query.After != nil {
				page.Prev = paging.Format(list, store.PositionOfDelivery(all[0]))
			}
		}
		return err
	})
	return page, err
}

var errNoDelivery = estate.E(estate.NotFound, api.CodeWebhookNotFound, "Not found", "No such delivery.")

// Delivery returns a delivery to a webhook.
func (s *Service) Delivery(ctx context.Context, actor estate.Actor, webhook estate.WebhookID, id estate.DeliveryID) (d estate.Delivery, err error) {
	if err := may(actor); err != nil {
		return d, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if d, err = tx.Delivery(ctx, actor.Scope, id); err == nil && (d.Webhook != webhook || d.Status == estate.DeliveryPending) {
			err = errNoDelivery
		}
		return err
	})
	return d, err
}

// MayList tells why actor may not see what can be subscribed to.
func (s *Service) MayList(actor estate.Actor) error { return may(actor) }
