package org

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

func datacenter(r estate.Region) string { return r.Datacenter }

func tenantPath(id estate.TenantID) string { return "/tenants/" + string(id) }

func subscriptionPath(id estate.SubscriptionID) string { return "/subscriptions/" + string(id) }

// subscription is the name of a subscription in the list.
func (l tenantList) subscription(id estate.SubscriptionID) string {
	for _, sub := range l.Subscriptions {
		if sub.ID == id {
			return nameOf(sub)
		}
	}
	return string(id)
}

// labelLines writes labels as people type them.
func labelLines(labels map[string]string) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		lines = append(lines, name+"="+labels[name])
	}
	return lines
}

// tenantView is the page of one tenant.
type tenantView struct {
	Tenant       estate.Tenant
	Subscription estate.Subscription
	Domain       string
	Provisioning []estate.Provisioning
	History      []estate.AuditRecord

	Admin *madeAdministrator // who was just invited
	// Address is where the tenant's own pages are; empty: nowhere now.
	Address string
	Actor   func(estate.Actor) string // what people call who acted

	// Of the form, when it is shown again:
	Name, Alias, Labels string
	Shown               string // of what it changes; see frame.Shown
	Problems            frame.FieldErrors
}

// hosts are the host names in full.
func (v tenantView) hosts() []string {
	hosts := []string{string(v.Tenant.Hostname) + "." + v.Domain}
	if v.Tenant.Alias != "" {
		hosts = append(hosts, string(v.Tenant.Alias)+"."+v.Domain)
	}
	return hosts
}

func (v tenantView) path(rest string) string { return tenantPath(v.Tenant.ID) + rest }

func (c *Console) tenantView(q *frame.Request) (v tenantView, err error) {
	ctx, id := q.Context(), estate.TenantID(q.PathValue("tenant"))
	v.Domain, v.Actor = c.Tenancy.Domain(), func(a estate.Actor) string { return c.NameOf(q, a) }
	if v.Tenant, err = c.Tenancy.InventoryTenant(ctx, q.Actor, id); err != nil {
		return v, notFoundIfInvalid(err)
	}
	v.Name, v.Labels = v.Tenant.Name, strings.Join(labelLines(v.Tenant.Labels), "\n")
	v.Alias, _, _ = strings.Cut(string(v.Tenant.Alias), ".")
	v.Shown = frame.Shown(v.Name, v.Alias, v.Labels)
	if v.Subscription, err = c.Tenancy.OwnSubscription(ctx, q.Actor, v.Tenant.Subscription); err != nil {
		return v, err
	}
	if _, v.Provisioning, err = c.Provision.Status(ctx, q.Actor, id); err != nil {
		return v, err
	}
	page, err := c.Trail.List(ctx, q.Actor, event.Query{Tenant: string(id), Limit: 15})
	v.History = page.Records
	return v, err
}

// notFoundIfInvalid makes an id that is none look like one that nothing has.
func notFoundIfInvalid(err error) error {
	if frame.Known(err).Kind == estate.Invalid {
		return errNoTenant
	}
	return err
}

var errNoTenant = estate.E(estate.NotFound, api.CodeTenantNotFound, "No such tenant", "It may have been purged, or belong to another organization.")

func (c *Console) tenant(q *frame.Request) error {
	v, err := c.tenantView(q)
	if err != nil {
		return err
	}
	var made madeAdministrator
	if q.Take("administrator", &made) && made.Tenant == v.Tenant.ID {
		v.Admin = &made
	}
	if v.Tenant.Status == estate.TenantActive {
		v.Address = c.origin(q, v.Tenant)
	}
	return q.Render(v.Tenant.Name, tenantPage(v))
}

// madeAdministrator is the link of a tenant's first administrator on its way to the
// page that shows it once.
type madeAdministrator struct {
	Tenant estate.TenantID `json:"tenant"`
	Email  string          `json:"email"`
	Link   string          `json:"link"`
	Ends   time.Time       `json:"ends"`
}

// origin is where the tenant is reached: as the console is, at the tenant's host.
func (c *Console) origin(q *frame.Request, t estate.Tenant) string {
	host := string(t.Hostname) + "." + c.Tenancy.Domain()
	at, err := url.Parse(q.Surface.Origin)
	if err != nil {
		return "https://" + host
	}
	if port := at.Port(); port != "" {
		host += ":" + port
	}
	return at.Scheme + "://" + host
}

// tenantFields leads from what a patch changes to the fields of the form.
var tenantFields = map[string]string{"/name": "name", "/hostnames/1": "alias", "/labels": "labels"}

// updateTenant changes name, alias and labels.
func (c *Console) updateTenant(q *frame.Request) error {
	v, err := c.tenantView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.Shown) {
		return q.Redirect(v.path(""))
	}
	v.Name, v.Alias, v.Labels = q.Value("name"), q.Value("alias"), q.Value("labels")
	labels, problem := parseLabels(v.Labels)
	if problem != "" {
		v.Problems = frame.FieldErrors{"labels": problem}
		return q.Again(v.Tenant.Name, tenantPage(v))
	}
	var patch []tenancy.PatchOperation
	if v.Name != v.Tenant.Name {
		patch = append(patch, replace("/name", v.Name))
	}
	if now, _, _ := strings.Cut(string(v.Tenant.Alias), "."); v.Alias != now {
		alias := v.Alias
		if alias != "" && !strings.Contains(alias, ".") {
			alias += "." + string(v.Tenant.Region) + "." + v.Domain
		}
		patch = append(patch, replace("/hostnames/1", alias))
	}
	if !maps.Equal(labels, v.Tenant.Labels) {
		patch = append(patch, replace("/labels", labels))
	}
	if len(patch) == 0 {
		q.Say("info", "Nothing was changed.")
		return q.Redirect(v.path(""))
	}
	if err := c.Tenancy.UpdateTenant(q.Context(), q.Actor, v.Tenant.ID, patch); err != nil {
		if v.Problems, err = frame.FieldsBelow(err, tenantFields, "/labels/", "labels"); err != nil {
			return err
		}
		return q.Again(v.Tenant.Name, tenantPage(v))
	}
	q.Say("success", "Saved.")
	return q.Redirect(v.path(""))
}

func replace(path string, value any) tenancy.PatchOperation {
	encoded, _ := json.Marshal(value) // strings and booleans
	return tenancy.PatchOperation{Op: "replace", Path: path, Value: encoded}
}

// parseLabels reads labels, one a line.
func parseLabels(text string) (map[string]string, string) {
	labels := map[string]string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, "Write one label a line, as name=value: " + line
		}
		if _, twice := labels[strings.TrimSpace(name)]; twice {
			return nil, "There are two labels of this name: " + strings.TrimSpace(name)
		}
		labels[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return labels, ""
}

// protectTenant turns deletion protection on or off.
func (c *Console) protectTenant(q *frame.Request) error {
	id := estate.TenantID(q.PathValue("tenant"))
	on := q.Value("protected") == "yes"
	if err := c.Tenancy.UpdateTenant(q.Context(), q.Actor, id, []tenancy.PatchOperation{replace("/deletionProtection", on)}); err != nil {
		return err
	}
	q.Say("success", map[bool]string{true: "The tenant can't be deactivated until its protection is turned off.", false: "The tenant's protection is off."}[on])
	return q.Redirect(tenantPath(id))
}

// deactivation is the question before a tenant is deactivated.
type deactivation struct {
	tenancy.Preview
	Host     string
	Days     string
	Typed    string
	Problems frame.FieldErrors
}

func (c *Console) deactivation(q *frame.Request) (d deactivation, err error) {
	d.Preview, err = c.Tenancy.PreviewDeactivation(q.Context(), q.Actor, estate.TenantID(q.PathValue("tenant")))
	if err != nil {
		return d, err
	}
	d.Host = string(d.Tenant.Hostname) + "." + c.Tenancy.Domain()
	d.Days, d.Typed = q.Value("days"), q.Value("confirm")
	if d.Days == "" && !d.PurgeAt.IsZero() {
		d.Days = strconv.Itoa(int(d.PurgeAt.Sub(q.Now()).Hours() / 24))
	}
	return d, nil
}

func (c *Console) askDeactivate(q *frame.Request) error {
	d, err := c.deactivation(q)
	if err != nil {
		return err
	}
	return q.Render("Deactivate "+d.Tenant.Name, deactivatePage(d))
}

func (c *Console) deactivate(q *frame.Request) error {
	d, err := c.deactivation(q)
	if err != nil {
		return err
	}
	again := func() error { return q.Again("Deactivate "+d.Tenant.Name, deactivatePage(d)) }
	days, err := strconv.Atoi(d.Days)
	if err != nil {
		d.Problems = frame.FieldErrors{"days": "Write a number of days."}
		return again()
	}
	t, err := c.Tenancy.DeactivateTenant(q.Context(), q.Actor, d.Tenant.ID, tenancy.Deactivation{Confirm: d.Typed, PurgeAfterDays: &days})
	if err != nil {
		d.Problems, err = frame.Fields(err, map[string]string{"/purgeAfterDays": "days", api.HeaderConfirmHostname: "confirm"})
		if err != nil {
			return err
		}
		if d.Problems["confirm"] != "" {
			d.Problems["confirm"] = "This is not the tenant's host name."
		}
		return again()
	}
	q.Say("success", t.Name+" is deactivated. It will be purged on "+t.PurgeAt.UTC().Format(time.DateOnly)+", unless you reactivate it before.")
	return q.Redirect(tenantPath(t.ID))
}

func (c *Console) askReactivate(q *frame.Request) error {
	v, err := c.tenantView(q)
	if err != nil {
		return err
	}
	return q.Render("Reactivate "+v.Tenant.Name, reactivatePage(v, "", nil))
}

func (c *Console) reactivate(q *frame.Request) error {
	v, err := c.tenantView(q)
	if err != nil {
		return err
	}
	t, err := c.Tenancy.ReactivateTenant(q.Context(), q.Actor, v.Tenant.ID, q.Value("confirm"))
	if err != nil {
		problems, err := frame.Fields(err, map[string]string{api.HeaderConfirmHostname: "confirm"})
		if err != nil {
			return err
		}
		if problems["confirm"] != "" {
			problems["confirm"] = "This is not the tenant's host name."
		}
		return q.Again("Reactivate "+v.Tenant.Name, reactivatePage(v, q.Value("confirm"), problems))
	}
	q.Say("success", t.Name+" is active again.")
	return q.Redirect(tenantPath(t.ID))
}

// provisioning retries or skips what the tenant's provisioners have to do.
func (c *Console) provisioning(q *frame.Request) error {
	id, one := estate.TenantID(q.PathValue("tenant")), estate.ProvisionerID(q.Value("provisioner"))
	act, done := c.Provision.Retry, "The provisioner is called once more."
	if q.PathValue("action") == "skip" {
		act, done = c.Provision.Skip, "The tenant no longer waits for the provisioner."
	}
	_, _, err := act(q.Context(), q.Actor, id, one)
	switch {
	case err != nil && frame.Known(err).Kind == estate.Conflict:
		q.Say("warning", frame.Known(err).Detail)
	case err != nil:
		return err
	default:
		q.Say("success", done)
	}
	return q.Redirect(tenantPath(id))
}

// counts are what the tenant holds, in words.
func (d deactivation) counts() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(d.Contents.Counts)) {
		if n := d.Contents.Counts[name]; n > 0 {
			lines = append(lines, strconv.FormatInt(n, 10)+" "+name)
		}
	}
	return lines
}
