package provision_test

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	pending = estate.ProvisioningPending
	failed  = estate.ProvisioningFailed
	skipped = estate.ProvisioningSkipped
	isReady = estate.ProvisioningReady
)

// TestCall_AtOnce tells a provisioner what there is to tell, and takes its answer.
func TestCall_AtOnce(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	before := e.Tenant(sub, "us")
	if before.Provisioning != (estate.ProvisioningStatus{}) {
		t.Errorf("without provisioners: %+v", before.Provisioning)
	}
	h, other := newHook(t, e, sub, "DNS"), newHook(t, e, e.Subscription(2), "other")
	tenant, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{
		Hostnames: []string{"acme"}, ExternalID: "customer-1", Labels: map[string]string{"plan": "gold"},
	})
	if err != nil || tenant.Provisioning.State != pending {
		t.Fatalf("%+v (%v)", tenant.Provisioning, err)
	}
	shows(t, e, tenant, pending, "")
	runDue(t, e)
	call := h.one(t)
	want := api.ProvisioningEvent{
		SpecVersion: "1.0", ID: call.ID, Source: "com.freehold/provisioning", Type: "com.freehold.provisioning.created", Subject: string(tenant.ID),
		Time: api.Time{Time: e.Clock.Now()}, DataContentType: "application/json",
		Data: api.ProvisioningEventData{
			Change: "created", ProvisionerID: string(h.ID), Attempt: 1, CallbackURL: call.Data.CallbackURL,
			Tenant: api.ProvisionedTenant{
				ID: string(tenant.ID), Name: tenant.Name, Hostnames: []string{string(tenant.Hostname) + "." + testenv.Domain, "acme.us." + testenv.Domain},
				Region: "us", Datacenter: tenant.Datacenter, CountryCode: tenant.CountryCode, Status: "active", SubscriptionID: string(sub.ID),
				OrganizationID: string(e.Organization.ID), ExternalID: "customer-1", Labels: map[string]string{"plan": "gold"},
				CreatedAt: api.Time{Time: tenant.CreatedAt}, UpdatedAt: api.Time{Time: tenant.UpdatedAt},
			},
		},
	}
	if diff := cmp.Diff(want, call); diff != "" {
		t.Errorf("event (-want +got)\n%s", diff)
	}
	if !strings.HasPrefix(call.Data.CallbackURL, "https://console."+testenv.Domain+"/api/core/provisioning-answers/") || strings.Contains(call.Data.CallbackURL, string(tenant.ID)) {
		t.Errorf("callback %s", call.Data.CallbackURL)
	}
	shows(t, e, tenant, isReady, "DNS: done")
	shows(t, e, before, "", "")
	other.quiet(t, "a tenant of another subscription")
	e.Clock.Advance(24 * time.Hour)
	runDue(t, e)
	h.quiet(t, "after its answer")
}

// TestCall_Failures tries again with backoff whatever goes wrong, and gives up in
// the end.
func TestCall_Failures(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		shown  estate.ProvisioningState
		want   string // after "DNS: "
	}{
		"fails":                {broken, pending, "attempt 1 failed: it answered 503"},
		"says that it failed":  {says(http.StatusOK, `{"state":"failed","message":"the zone\nis full"}`), failed, "the zone is full"},
		"answers nonsense":     {says(http.StatusOK, "<html>"), pending, "attempt 1 failed: it answered 200 without a JSON object that has a state"},
		"answers nothing":      {says(http.StatusNoContent, ""), pending, "attempt 1 failed: it answered 204"},
		"answers no state":     {says(http.StatusOK, `{"message":"hello"}`), pending, "attempt 1 failed: the answer makes no sense: state must be ready, failed or pending"},
		"means another tenant": {says(http.StatusOK, `{"state":"ready","tenantId":"another"}`), pending, "attempt 1 failed: the answer makes no sense: the call is about another tenant"},
		"leads elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/ready", http.StatusTemporaryRedirect)
		}, pending, "attempt 1 failed: it answered 307"},
		"hangs":                 {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pending, "attempt 1 failed: it did not answer within 20s"},
		"closes the connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pending, "attempt 1 failed: it could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			e := testenv.Open(t)
			timeout := 10 * time.Second
			if name == "hangs" {
				timeout = 3 * time.Second // enough for the call to get there on a busy machine
			}
			e.App.Provision.SetCallTimeout(timeout)
			h := newHook(t, e, e.Subscription(2), "DNS")
			h.set(c.answer)
			tenant := e.Tenant(subscriptionOf(t, e, h), "us")
			runDue(t, e)
			first := h.one(t)
			shows(t, e, tenant, c.shown, "DNS: "+c.want)
			e.Clock.Advance(job.Backoff(1) - time.Millisecond)
			runDue(t, e)
			h.quiet(t, "before the next attempt is due")
			h.set(ready)
			e.App.Provision.SetCallTimeout(10 * time.Second)
			e.Clock.Advance(time.Millisecond)
			runDue(t, e)
			if second := h.one(t); second.ID != first.ID || second.Data.Attempt != 2 {
				t.Errorf("second attempt: %s %d", second.ID, second.Data.Attempt)
			}
			shows(t, e, tenant, isReady, "DNS: done")
		})
	}
}

func subscriptionOf(t *testing.T, e *testenv.Env, h *hook) estate.Subscription {
	t.Helper()
	sub, err := e.App.Tenancy.Subscription(t.Context(), testenv.Operator, h.Subscription)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// begin makes a tenant with a provisioner that answers in this manner, and calls it.
func begin(t *testing.T, answer http.HandlerFunc) (*testenv.Env, *hook, estate.Tenant) {
	t.Helper()
	e := testenv.Open(t)
	h := newHook(t, e, e.Subscription(5), "DNS")
	h.set(answer)
	tenant := e.Tenant(subscriptionOf(t, e, h), "us")
	runDue(t, e)
	return e, h, tenant
}

func TestCall_GivenUp(t *testing.T) {
	e, h, tenant := begin(t, broken)
	for range 20 {
		e.Clock.Advance(7 * time.Hour)
		runDue(t, e)
	}
	if calls := h.take(); len(calls) != 10 {
		t.Errorf("%d attempts", len(calls))
	}
	shows(t, e, tenant, failed, "DNS: given up after attempt 10: it answered 503")

	h.set(ready)
	_, all, err := e.App.Provision.Retry(t.Context(), manager(e), tenant.ID, "")
	if err != nil || len(all) != 1 || all[0].State != pending {
		t.Fatalf("retry: %v (%v)", all, err)
	}
	shows(t, e, tenant, pending, "")
	runDue(t, e)
	if call := h.one(t); call.Data.Attempt != 1 || call.Data.Change != "created" {
		t.Errorf("retried: %+v", call.Data)
	}
	shows(t, e, tenant, isReady, "DNS: done")
}

// TestAnswer_Later takes one answer by callback, and may be told it twice.
func TestAnswer_Later(t *testing.T) {
	e, h, tenant := begin(t, says(http.StatusAccepted, `{"message":"making the zone"}`))
	call := h.one(t)
	shows(t, e, tenant, pending, "DNS: making the zone")
	e.Clock.Advance(50 * time.Minute)
	wantCode(t, "progress", answer(t, e, call, "pending", "half way"), "")
	runDue(t, e)
	shows(t, e, tenant, pending, "DNS: half way")
	e.Clock.Advance(50 * time.Minute) // an hour from the progress on
	runDue(t, e)
	h.quiet(t, "while it is at it")
	wantCode(t, "answer", answer(t, e, call, "ready", ""), "")
	shows(t, e, tenant, isReady, "")
	wantCode(t, "the same answer", answer(t, e, call, "ready", ""), "")
	wantCode(t, "another answer", answer(t, e, call, "failed", ""), api.CodeProvisioningDone)
	e.Clock.Advance(24 * time.Hour)
	runDue(t, e)
	h.quiet(t, "after the answer")
	shows(t, e, tenant, isReady, "")
}

// TestAnswer_Late: after an hour without an answer there is another attempt. What
// comes late still counts, because it is about the same call.
func TestAnswer_Late(t *testing.T) {
	e, h, tenant := begin(t, accepted)
	first := h.one(t)
	e.Clock.Advance(provision.AnswerWithin)
	runDue(t, e)
	shows(t, e, tenant, pending, "DNS: attempt 1 failed: it accepted the call, and sent no answer within 1h0m0s")
	h.quiet(t, "before the next attempt is due")
	e.Clock.Advance(job.Backoff(1))
	runDue(t, e)
	second := h.one(t)
	if second.ID != first.ID || second.Data.Attempt != 2 {
		t.Errorf("second attempt: %s %d", second.ID, second.Data.Attempt)
	}
	wantCode(t, "late answer to the first attempt", answer(t, e, first, "ready", ""), "")
	shows(t, e, tenant, isReady, "")
	wantCode(t, "answer to the second", answer(t, e, second, "ready", ""), "")
	e.Clock.Advance(24 * time.Hour)
	runDue(t, e)
	h.quiet(t, "after the answer")
}

// TestAnswer_WhileAnAttemptFails: the answer counts, not the attempt that got none.
func TestAnswer_WhileAnAttemptFails(t *testing.T) {
	for _, state := range []string{"ready", "failed", "pending"} {
		t.Run(state, func(t *testing.T) {
			e := testenv.Open(t)
			h := newHook(t, e, e.Subscription(5), "DNS")
			for _, late := range []http.HandlerFunc{broken, accepted} {
				h.set(func(w http.ResponseWriter, r *http.Request) {
					h.mu.Lock()
					call := h.calls[len(h.calls)-1]
					h.mu.Unlock()
					wantCode(t, "answer", answer(t, e, call, state, "by callback"), "")
					late(w, r)
				})
				tenant := e.Tenant(subscriptionOf(t, e, h), "us")
				runDue(t, e)
				h.one(t)
				shows(t, e, tenant, estate.ProvisioningState(state), "DNS: by callback")
				h.set(ready)
				for range 5 {
					e.Clock.Advance(time.Hour)
					runDue(t, e)
				}
				last := map[string]string{"ready": "DNS: by callback", "failed": "DNS: done", "pending": "DNS: done"}[state]
				shows(t, e, tenant, isReady, last)
				if calls := h.take(); len(calls) != map[string]int{"ready": 0, "failed": 1, "pending": 1}[state] {
					t.Errorf("%d more calls", len(calls))
				}
			}
		})
	}
}

// TestAnswer_Failed counts a failure that is told by callback as an attempt.
func TestAnswer_Failed(t *testing.T) {
	e, h, tenant := begin(t, accepted)
	calls := 0
	for range 200 {
		for _, call := range h.take() {
			calls++
			wantCode(t, "answer", answer(t, e, call, "failed", "no"), "")
		}
		shows(t, e, tenant, failed, "DNS: no")
		e.Clock.Advance(time.Hour)
		runDue(t, e)
	}
	if calls != 10 {
		t.Errorf("%d calls", calls)
	}
}

// TestAnswer_Foreign refuses answers to what was not asked.
func TestAnswer_Foreign(t *testing.T) {
	e, h, tenant := begin(t, accepted)
	call := h.one(t)
	second := e.Tenant(subscriptionOf(t, e, h), "us")
	runDue(t, e)
	token := path.Base(call.Data.CallbackURL)
	for what, err := range map[string]error{
		"another tenant": e.App.Provision.Answer(t.Context(), token, "", api.ProvisioningAnswer{State: "ready", TenantID: string(second.ID)}),
		"no state":       e.App.Provision.Answer(t.Context(), token, "", api.ProvisioningAnswer{}),
		"skipped":        e.App.Provision.Answer(t.Context(), token, "", api.ProvisioningAnswer{State: "skipped"}),
	} {
		wantCode(t, what, err, api.CodeProvisionerInvalid)
	}
	changed := []byte(token)
	changed[len(changed)/2] ^= 1
	for _, wrong := range []string{"", "x", string(changed), token + "AA", token[:len(token)-4], h.secret} {
		wantCode(t, "token "+wrong, e.App.Provision.Answer(t.Context(), wrong, "", api.ProvisioningAnswer{State: "ready"}), api.CodeProvisionerNotFound)
	}
	shows(t, e, tenant, pending, "")
	shows(t, e, second, pending, "")
	wantCode(t, "answer", e.App.Provision.Answer(t.Context(), token, "", api.ProvisioningAnswer{State: "ready", TenantID: string(tenant.ID)}), "")
	shows(t, e, tenant, isReady, "")
	shows(t, e, second, pending, "")
}

// TestChanged has each change told, and a later one take the place of an earlier.
func TestChanged(t *testing.T) {
	e, h, tenant := begin(t, accepted)
	created := h.one(t)
	happens(t, e, tenant, estate.TenantWasUpdated)
	wantCode(t, "answer to the call before", answer(t, e, created, "ready", ""), api.CodeProvisioningDone)
	runDue(t, e)
	again := h.one(t)
	if again.Data.Change != "created" || again.ID == created.ID {
		t.Errorf("an update of what was not made: %+v", again.Data)
	}
	wantCode(t, "answer", answer(t, e, again, "ready", ""), "")
	for _, change := range []estate.TenantChange{estate.TenantWasUpdated, estate.TenantWasDeactivated, estate.TenantWasReactivated, estate.TenantWasPurged} {
		happens(t, e, tenant, change)
		shows(t, e, tenant, pending, "")
		runDue(t, e)
		call := h.one(t)
		if call.Data.Change != string(change) {
			t.Errorf("told of %s, want %s", call.Data.Change, change)
		}
		if change != estate.TenantWasDeactivated { // which is still under way when it is reactivated
			wantCode(t, "answer", answer(t, e, call, "ready", ""), "")
			shows(t, e, tenant, isReady, "")
		}
	}
	e.Clock.Advance(24 * time.Hour)
	runDue(t, e)
	h.quiet(t, "after all answers")
}

// TestChanged_Undone calls nobody about what did not happen.
func TestChanged_Undone(t *testing.T) {
	e, h, tenant := begin(t, ready)
	h.one(t)
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		if err := e.App.Provision.Changed(t.Context(), tx, &tenant, estate.TenantWasPurged); err != nil {
			return err
		}
		return estate.E(estate.Conflict, api.CodeEstateConflict, "No", "")
	})
	wantCode(t, "change", err, api.CodeEstateConflict)
	runDue(t, e)
	h.quiet(t, "after a rollback")
	shows(t, e, tenant, isReady, "DNS: done")
}

// TestChanged_Purged tells of a tenant of which only a tombstone is left.
func TestChanged_Purged(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(2)
	h := newHook(t, e, sub, "DNS")
	tenant, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{})
	if err != nil {
		t.Fatal(err)
	}
	tenant.ExternalID = "customer-1" // as the row had it before the purge
	happens(t, e, tenant, estate.TenantWasPurged)
	runDue(t, e)
	if told := h.one(t).Data.Tenant; told.ID != string(tenant.ID) || told.ExternalID != "customer-1" {
		t.Errorf("told %+v", told)
	}
}

// TestSeveral: all provisioners of a subscription have to be ready.
func TestSeveral(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	dns, disk := newHook(t, e, sub, "DNS"), newHook(t, e, sub, "disk")
	dns.set(says(http.StatusOK, `{"state":"failed","message":"no zone"}`))
	disk.set(accepted)
	tenant := e.Tenant(sub, "us")
	runDue(t, e)
	shows(t, e, tenant, failed, "DNS: no zone")
	dns.set(ready)
	e.Clock.Advance(job.Backoff(1))
	runDue(t, e)
	shows(t, e, tenant, pending, "")
	call := disk.one(t)
	wantCode(t, "answer", answer(t, e, call, "ready", ""), "")
	shows(t, e, tenant, isReady, "DNS: done")

	// By hand.
	_, _, err := e.App.Provision.Retry(t.Context(), manager(e), tenant.ID, "")
	wantCode(t, "nothing to retry", err, api.CodeProvisioningNothing)
	_, _, err = e.App.Provision.Skip(t.Context(), manager(e), tenant.ID, "")
	wantCode(t, "nothing to skip", err, api.CodeProvisioningNothing)
	dns.take()
	if _, _, err = e.App.Provision.Retry(t.Context(), manager(e), tenant.ID, disk.ID); err != nil {
		t.Error(err)
	}
	wantCode(t, "answer to the call before", answer(t, e, call, "ready", ""), api.CodeProvisioningDone)
	runDue(t, e)
	dns.quiet(t, "a retry of the other one")
	again := disk.one(t)
	shows(t, e, tenant, pending, "")
	if _, _, err = e.App.Provision.Skip(t.Context(), manager(e), tenant.ID, disk.ID); err != nil {
		t.Error(err)
	}
	shows(t, e, tenant, skipped, "")
	wantCode(t, "answer to what is skipped", answer(t, e, again, "ready", ""), api.CodeProvisioningDone)

	// A provisioner that comes later is told when it is asked for, and nobody waits
	// for one that is gone.
	late := newHook(t, e, sub, "late")
	late.set(accepted)
	if _, _, err = e.App.Provision.Retry(t.Context(), manager(e), tenant.ID, ""); err != nil {
		t.Error(err)
	}
	runDue(t, e)
	if c := late.one(t); c.Data.Change != "created" {
		t.Errorf("told of %s", c.Data.Change)
	}
	disk.quiet(t, "which was skipped")
	shows(t, e, tenant, pending, "")
	if err := e.App.Provision.Delete(t.Context(), manager(e), sub.ID, late.ID); err != nil {
		t.Error(err)
	}
	shows(t, e, tenant, skipped, "")
	e.Clock.Advance(24 * time.Hour)
	runDue(t, e)
	late.quiet(t, "after it was deleted")
}

// TestRestart ends the process while calls are under way.
func TestRestart(t *testing.T) {
	e, h, tenant := begin(t, accepted)
	call := h.one(t)
	e = e.Restart()
	runDue(t, e)
	h.quiet(t, "the call was accepted already")
	wantCode(t, "answer to the next process", answer(t, e, call, "ready", ""), "")
	shows(t, e, tenant, isReady, "")

	second := e.Tenant(subscriptionOf(t, e, h), "us") // killed before the first attempt
	e = e.Restart()
	h.set(broken)
	runDue(t, e)
	h.one(t)
	e = e.Restart() // and between two
	h.set(ready)
	e.Clock.Advance(job.Backoff(1))
	runDue(t, e)
	if call := h.one(t); call.Data.Attempt != 2 {
		t.Errorf("attempt %d", call.Data.Attempt)
	}
	shows(t, e, second, isReady, "DNS: done")
}

// TestManage keeps provisioners to those who may, and to their subscription.
func TestManage(t *testing.T) {
	e := testenv.Open(t)
	p, sub, other := e.App.Provision, e.Subscription(5), e.Subscription(5)
	foreign := e.NewOrganization("other")
	me := manager(e)
	them, reader, nobody := me, me, me
	them.Scope.Organization = foreign.ID
	reader.Permissions, nobody.Permissions = estate.Permissions{api.ScopeOrgSubscriptionsRead}, estate.Permissions{api.ScopeOrgTenantsRead}
	h := newHook(t, e, sub, "DNS")
	h.set(accepted)
	tenant := e.Tenant(sub, "us")
	name := "renamed"

	for who, c := range map[string]struct {
		actor         estate.Actor
		read, write   string
		tenant        string
		list          string
		subscriptions estate.SubscriptionID
	}{
		"manager":                         {me, "", "", "", "", sub.ID},
		"manager of another organization": {them, api.CodeEstateNotFound, api.CodeEstateNotFound, api.CodeTenantNotFound, api.CodeEstateNotFound, sub.ID},
		"by another subscription":         {me, api.CodeProvisionerNotFound, api.CodeProvisionerNotFound, "", "", other.ID},
		"reader":                          {reader, "", api.CodeInsufficientScope, "", "", sub.ID},
		"nobody":                          {nobody, api.CodeInsufficientScope, api.CodeInsufficientScope, api.CodeInsufficientScope, api.CodeInsufficientScope, sub.ID},
		"operator":                        {testenv.Operator, api.CodeInsufficientScope, api.CodeInsufficientScope, api.CodeInsufficientScope, api.CodeInsufficientScope, sub.ID},
	} {
		got, err := p.Get(t.Context(), c.actor, c.subscriptions, h.ID)
		wantCode(t, who+" gets", err, c.read)
		if c.read == "" && (got.Name == "" || got.URL == "") || c.read != "" && got.Name != "" {
			t.Errorf("%s sees %+v", who, got)
		}
		all, err := p.List(t.Context(), c.actor, c.subscriptions)
		wantCode(t, who+" lists", err, c.list)
		if (len(all) == 1) != (c.list == "" && c.subscriptions == sub.ID) {
			t.Errorf("%s sees %v", who, all)
		}
		wantCode(t, who+" updates", p.Update(t.Context(), c.actor, c.subscriptions, h.ID, provision.Changes{Name: &name}), c.write)
		_, _, err = p.Status(t.Context(), c.actor, tenant.ID)
		wantCode(t, who+" sees the tenant", err, c.tenant)
		if c.write != "" {
			_, _, err = p.RotateSecret(t.Context(), c.actor, c.subscriptions, h.ID)
			wantCode(t, who+" rotates", err, c.write)
			wantCode(t, who+" deletes", p.Delete(t.Context(), c.actor, c.subscriptions, h.ID), c.write)
		}
	}
	_, _, err := p.Skip(t.Context(), them, tenant.ID, "")
	wantCode(t, "skip from elsewhere", err, api.CodeTenantNotFound)
	_, _, err = p.Retry(t.Context(), reader, tenant.ID, "")
	wantCode(t, "retry by a reader", err, api.CodeInsufficientScope)

	_, secret, err := p.RotateSecret(t.Context(), me, sub.ID, h.ID)
	if err != nil || secret.Reveal() == h.secret {
		t.Fatalf("rotated to %q (%v)", secret.Reveal(), err)
	}
	h.secret = secret.Reveal()
	runDue(t, e) // verifies the signature
	h.one(t)

	for what, in := range map[string]api.CreateProvisionerRequest{
		"no name": {URL: "https://example.com"}, "long name": {Name: strings.Repeat("x", 257), URL: "https://example.com"}, "name of two lines": {Name: "a\nb", URL: "https://example.com"},
		"no URL": {Name: "x"}, "password": {Name: "x", URL: "https://u:p@example.com"}, "ftp": {Name: "x", URL: "ftp://example.com"},
	} {
		_, _, err := p.Create(t.Context(), me, sub.ID, in)
		wantCode(t, what, err, api.CodeProvisionerInvalid)
	}
	for range 9 {
		if _, _, err := p.Create(t.Context(), me, sub.ID, api.CreateProvisionerRequest{Name: "x", URL: "https://example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = p.Create(t.Context(), me, sub.ID, api.CreateProvisionerRequest{Name: "x", URL: "https://example.com"})
	wantCode(t, "one too many", err, api.CodeProvisionerLimit)
}

// TestAudit tells what provisioners and people did.
func TestAudit(t *testing.T) {
	e, h, tenant := begin(t, says(http.StatusOK, `{"state":"failed","message":"no"}`))
	h.take()
	if _, _, err := e.App.Provision.Retry(t.Context(), manager(e), tenant.ID, ""); err != nil {
		t.Fatal(err)
	}
	h.set(ready)
	runDue(t, e)
	var actions []string
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), estate.Scope{Organization: e.Organization.ID}, 100)
		for _, r := range slices.Backward(all) {
			if strings.HasPrefix(r.Action, "provision") {
				actions = append(actions, r.Action+" by "+string(r.Actor.Kind)+" at "+string(r.Scope.Tenant))
			}
		}
		return err
	})
	at := string(tenant.ID)
	want := []string{"provisioner.create by client at ", "provisioning.fail by system at " + at, "provisioning.retry by client at " + at, "provisioning.ready by system at " + at}
	if diff := cmp.Diff(want, actions); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
