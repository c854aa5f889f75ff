package org

import (
	"cmp"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

const (
	days       = 30  // of which the overview shows how many tenants were created
	careAt     = 20  // subscriptions whose clients it looks at
	careShown  = 8   // rows of each list
	orphansAt  = 100 // bots without a client that it looks at
	unusedFrom = 24 * time.Hour
)

// overview is what the overview shows.
type overview struct {
	Tenants, Active, Disabled, Failed int64
	ByRegion, ByStatus, BySub, PerDay []ui.Point
	Subscriptions                     []estate.Subscription
	Ending, Unused                    []care
	Orphans                           []credential.Orphan
	OrphanCount                       int
	Places                            int64 // for tenants, in all valid subscriptions
	InUse                             int64
	Owned                             int // subscriptions in all
	Now                               time.Time
}

// mostUsed leaves the subscriptions that have the smallest part of their places
// free, and sums up all of them.
func (o *overview) mostUsed() {
	o.Owned = len(o.Subscriptions)
	valid := slices.DeleteFunc(slices.Clone(o.Subscriptions), func(sub estate.Subscription) bool { return !sub.ValidAt(o.Now) })
	for _, sub := range valid {
		o.Places, o.InUse = o.Places+sub.TenantLimit, o.InUse+sub.TenantCount
	}
	slices.SortStableFunc(valid, func(a, b estate.Subscription) int {
		return cmp.Compare(float64(b.TenantCount)/float64(max(1, b.TenantLimit)), float64(a.TenantCount)/float64(max(1, a.TenantLimit)))
	})
	o.Subscriptions = valid[:min(careShown, len(valid))]
}

// care is a client that needs somebody's attention.
type care struct {
	Client estate.Client
	Href   string
	At     time.Time
}

func (c *Console) overview(q *frame.Request) error {
	now := q.Now().UTC()
	today := now.Truncate(24 * time.Hour)
	since := today.AddDate(0, 0, 1-days)
	o := overview{Now: now}
	sum, err := c.Tenancy.Summary(q.Context(), q.Actor, since)
	if err != nil {
		return err
	}
	if o.Subscriptions, err = c.Tenancy.OwnSubscriptions(q.Context(), q.Actor); err != nil {
		return err
	}
	regions, statuses, subs := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, g := range sum.Groups {
		regions[string(g.Region)] += g.Count
		statuses[string(g.Status)] += g.Count
		subs[string(g.Subscription)] += g.Count
		o.Tenants += g.Count
		if g.Provisioning == estate.ProvisioningFailed {
			o.Failed += g.Count
		}
	}
	o.Active, o.Disabled = statuses[string(estate.TenantActive)], statuses[string(estate.TenantDisabled)]
	datacenters := map[string]string{}
	all, err := c.regionsOf(q.Context(), o.Subscriptions...)
	if err != nil {
		return err
	}
	for _, r := range all {
		datacenters[string(r.Code)] = r.Datacenter
	}
	o.ByRegion = points(regions, func(code string) (string, string) { return code, "/tenants?region=" + datacenters[code] })
	o.ByStatus = points(statuses, func(s string) (string, string) { return s, "/tenants?status=" + s })
	o.BySub = points(subs, func(id string) (string, string) {
		return tenantList{Subscriptions: o.Subscriptions}.subscription(estate.SubscriptionID(id)), "/tenants?subscription=" + id
	})
	created := map[time.Time]int64{}
	for _, d := range sum.Days {
		created[d.Day.UTC()] = d.Count
	}
	for day := since; !day.After(today); day = day.AddDate(0, 0, 1) {
		o.PerDay = append(o.PerDay, ui.Point{Label: day.Format("01-02"), Value: created[day]})
	}
	if err := c.careful(q, &o); err != nil {
		return err
	}
	o.Orphans, err = c.Credential.Orphans(q.Context(), q.Actor, estate.Scope{Organization: q.Actor.Scope.Organization}, orphansAt)
	if err != nil && frame.Known(err).Kind != estate.Forbidden {
		return err
	}
	o.OrphanCount = len(o.Orphans)
	o.Orphans = o.Orphans[:min(careShown, o.OrphanCount)]
	o.mostUsed()
	return q.Render("Overview", overviewPage(o))
}

// points are counts as a picture shows them, the largest first.
func points(counts map[string]int64, name func(string) (label, href string)) (all []ui.Point) {
	for key, n := range counts {
		label, href := name(key)
		all = append(all, ui.Point{Label: label, Value: n, Href: href})
	}
	slices.SortFunc(all, func(a, b ui.Point) int { return cmp.Or(-cmp.Compare(a.Value, b.Value), cmp.Compare(a.Label, b.Label)) })
	return all[:min(12, len(all))]
}

// careful finds the clients whose secrets end soon or were never used, among the
// hundred oldest of the organization and of each subscription that the visitor
// owns.
func (c *Console) careful(q *frame.Request, o *overview) error {
	for _, p := range c.clientPlaces(q, o.Subscriptions) {
		page, err := c.Credential.ListClients(q.Context(), q.Actor, p.Realm, credential.ClientQuery{Limit: 100})
		if err != nil {
			return err
		}
		for _, v := range page.Clients {
			one := care{Client: v.Client, Href: p.client(v.ID, ""), At: v.CreatedAt}
			if end := endsFirst(v.Client); !end.IsZero() && end.Sub(o.Now) < soon {
				one.At = end
				o.Ending = append(o.Ending, one)
			} else if len(v.Secrets) > 0 && lastUsed(v.Client).IsZero() && o.Now.Sub(v.CreatedAt) > unusedFrom {
				o.Unused = append(o.Unused, one)
			}
		}
	}
	byTime := func(a, b care) int { return a.At.Compare(b.At) }
	slices.SortFunc(o.Ending, byTime)
	slices.SortFunc(o.Unused, byTime)
	o.Ending, o.Unused = o.Ending[:min(careShown, len(o.Ending))], o.Unused[:min(careShown, len(o.Unused))]
	return nil
}
