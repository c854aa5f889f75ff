package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/provision"
)

func (x *exchange) subscriptionID() estate.SubscriptionID {
	return estate.SubscriptionID(x.r.PathValue("subscriptionId"))
}

func (x *exchange) provisionerID() estate.ProvisionerID {
	return estate.ProvisionerID(x.r.PathValue("provisionerId"))
}

func listProvisioners(x *exchange) (list api.ProvisionerList, err error) {
	all, err := x.server.Provision.List(x.r.Context(), x.actor, x.subscriptionID())
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Provisioner, len(all))
	for i, p := range all {
		list.Data[i] = x.provisioner(p)
	}
	list.Links.Self = x.pageLink(x.r.URL.RawQuery)
	return list, nil
}

func createProvisioner(x *exchange, in api.CreateProvisionerRequest) (api.Provisioner, error) {
	return x.withSecret(x.server.Provision.Create(x.r.Context(), x.actor, x.subscriptionID(), in))
}

func getProvisioner(x *exchange) (api.Provisioner, error) {
	p, err := x.server.Provision.Get(x.r.Context(), x.actor, x.subscriptionID(), x.provisionerID())
	return x.provisioner(p), err
}

func updateProvisioner(x *exchange) error {
	patch, err := x.readPatch()
	if err != nil {
		return err
	}
	changes, err := provisionerChanges(patch)
	if err != nil {
		return err
	}
	return x.server.Provision.Update(x.r.Context(), x.actor, x.subscriptionID(), x.provisionerID(), changes)
}

func provisionerChanges(patch []credential.PatchOperation) (c provision.Changes, err error) {
	parts := map[string]**string{"/name": &c.Name, "/url": &c.URL}
	for i, p := range patch {
		place := fmt.Sprintf("/%d", i)
		part, known := parts[p.Path]
		text, isText := p.Value.(string)
		detail := ""
		switch {
		case p.Op != "replace":
			place, detail = place+"/op", "op must be replace"
		case !known:
			place, detail = place+"/path", "path must be /name or /url"
		case !isText:
			place, detail = place+"/value", "value must be a string"
		default:
			*part = &text
			continue
		}
		return c, estate.E(estate.Invalid, api.CodeProvisionerPatch, "Invalid patch", detail).At(place, detail)
	}
	return c, nil
}

func rotateProvisionerSecret(x *exchange) error {
	out, err := x.withSecret(x.server.Provision.RotateSecret(x.r.Context(), x.actor, x.subscriptionID(), x.provisionerID()))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusCreated, out)
	return nil
}

func deleteProvisioner(x *exchange) error {
	return x.server.Provision.Delete(x.r.Context(), x.actor, x.subscriptionID(), x.provisionerID())
}

// answerProvisioning takes a provisioner's answer. The token in the path says which
// call it is to, and is all the authentication there is.
func answerProvisioning(x *exchange) error {
	var in api.ProvisioningAnswer
	if err := x.readJSON(&in); err != nil {
		return err
	}
	return x.server.Provision.Answer(x.r.Context(), x.r.PathValue("token"), x.trace, in)
}

func getTenantProvisioning(x *exchange) (api.TenantProvisioning, error) {
	return wireTenantProvisioning(x.server.Provision.Status(x.r.Context(), x.actor, x.tenantID()))
}

func retryTenantProvisioning(x *exchange) error {
	in, err := optional[api.ProvisionerChoice](x)
	if err != nil {
		return err
	}
	out, err := wireTenantProvisioning(x.server.Provision.Retry(x.r.Context(), x.actor, x.tenantID(), estate.ProvisionerID(in.ProvisionerID)))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, out)
	return nil
}

func skipTenantProvisioning(x *exchange) error {
	in, err := optional[api.ProvisionerChoice](x)
	if err != nil {
		return err
	}
	out, err := wireTenantProvisioning(x.server.Provision.Skip(x.r.Context(), x.actor, x.tenantID(), estate.ProvisionerID(in.ProvisionerID)))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, out)
	return nil
}

func (x *exchange) provisioner(p estate.Provisioner) api.Provisioner {
	return api.Provisioner{
		ID: string(p.ID), SubscriptionID: string(p.Subscription), Name: p.Name, URL: p.URL, CreatedBy: p.CreatedBy,
		CreatedAt: api.Time{Time: p.CreatedAt}, UpdatedAt: api.Time{Time: p.UpdatedAt},
		Links: x.self("/api/core/subscriptions/" + string(p.Subscription) + "/provisioners/" + string(p.ID)),
	}
}

// withSecret is the answer that shows a secret.
func (x *exchange) withSecret(p estate.Provisioner, secret estate.Secret, err error) (api.Provisioner, error) {
	if err != nil {
		return api.Provisioner{}, err
	}
	x.noStore()
	out := x.provisioner(p)
	out.Secret = secret.Reveal()
	return out, nil
}

// wireProvisioning is how far the provisioners of t are. A tenant that none was
// told of has been ready since it was made.
func wireProvisioning(t estate.Tenant) *api.Provisioning {
	p := t.Provisioning
	if p.State == "" {
		return &api.Provisioning{State: api.ProvisioningReady, UpdatedAt: api.Time{Time: t.CreatedAt}}
	}
	return &api.Provisioning{State: string(p.State), Message: p.Message, UpdatedAt: api.Time{Time: p.UpdatedAt}}
}

func wireTenantProvisioning(t estate.Tenant, all []estate.Provisioning, err error) (api.TenantProvisioning, error) {
	sum := wireProvisioning(t)
	out := api.TenantProvisioning{State: sum.State, Message: sum.Message, UpdatedAt: sum.UpdatedAt, Provisioners: make([]api.ProvisionerState, len(all))}
	for i, p := range all {
		out.Provisioners[i] = api.ProvisionerState{
			ProvisionerID: string(p.Provisioner), Name: p.Name, Change: string(p.Change), State: string(p.State), Message: p.Message, UpdatedAt: api.Time{Time: p.UpdatedAt},
		}
		if p.State == estate.ProvisioningPending {
			out.Provisioners[i].AnswerDue = api.Timestamp(p.AcceptedUntil)
		}
	}
	return out, err
}

// waitForProvisioners waits for the provisioners of a tenant that was created, as
// long as the client prefers (RFC 7240).
func (x *exchange) waitForProvisioners(t estate.Tenant) (estate.Tenant, error) {
	wait := provision.DefaultWait
	if seconds, ok := preferredWait(x.r.Header.Values("Prefer")); ok {
		wait = min(seconds, provision.MaxWait)
		x.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	return x.server.Provision.Wait(x.r.Context(), t, wait)
}

// preferredWait reads the preference "wait" (RFC 7240 section 4.3), of which the
// first counts. What can't be read is no preference.
func preferredWait(values []string) (time.Duration, bool) {
	for preference := range strings.SplitSeq(strings.Join(values, ","), ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
		return time.Duration(seconds) * time.Second, err == nil
	}
	return 0, false
}
