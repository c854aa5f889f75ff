package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func provisionerID(n int) estate.ProvisionerID { return estate.ProvisionerID(fmt.Sprintf("b%031x", n)) }

func provisioner(of estate.Subscription, n int) estate.Provisioner {
	return estate.Provisioner{
		ID: provisionerID(n), Organization: of.Organization, Subscription: of.ID, Name: fmt.Sprintf("Provisioner %d", n),
		URL: fmt.Sprintf("https://%d.example.com/hook", n), SealedSecret: []byte{0, 255, byte(n)}, CreatedBy: "somebody", CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

func insertProvisioners(t *testing.T, db Database, all ...estate.Provisioner) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, p := range all {
			if err := tx.InsertProvisioner(t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
}

func testProvisioner(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two, second, others := provisioner(s.sub, 1), provisioner(s.sub, 2), provisioner(s.second, 3), provisioner(s.others, 4)
	insertProvisioners(t, db, two, complete(t, one), second, others)
	list := func(scope estate.Scope) []estate.Provisioner {
		return read(t, db, func(tx *store.Tx) ([]estate.Provisioner, error) { return tx.Provisioners(t.Context(), scope) })
	}
	get := func(id estate.ProvisionerID) func(tx *store.Tx) (estate.Provisioner, error) {
		return func(tx *store.Tx) (estate.Provisioner, error) { return tx.Provisioner(t.Context(), all(s.acme), id) }
	}
	equal(t, "of the organization", list(all(s.acme)), []estate.Provisioner{one, two, second})
	equal(t, "of the subscription", list(of(s.sub)), []estate.Provisioner{one, two})
	equal(t, "one", read(t, db, get(one.ID)), one)
	wantError(t, readError(t, db, get(others.ID)), estate.NotFound, api.CodeProvisionerNotFound)

	changed := one
	changed.Name, changed.URL, changed.SealedSecret, changed.UpdatedAt = "renamed", "https://new.example.com", []byte{1}, moment(50)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateProvisioner(t.Context(), all(s.acme), changed) })
	equal(t, "changed", read(t, db, get(one.ID)), changed)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateProvisioner(t.Context(), all(s.acme), others) }), estate.NotFound, api.CodeProvisionerNotFound)
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertProvisioner(t.Context(), one) }))
}

// provisionings is the provisionings of a tenant and what its row says of them.
func provisioningsOf(t *testing.T, db Database, tenant estate.Tenant) ([]estate.Provisioning, estate.ProvisioningStatus) {
	t.Helper()
	found := read(t, db, func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), tenant.Scope(), tenant.ID) })
	return read(t, db, func(tx *store.Tx) ([]estate.Provisioning, error) {
		return tx.Provisionings(t.Context(), tenant.Scope(), tenant.ID)
	}), found.Provisioning
}

func testProvisioning(t *testing.T, db Database) {
	s := newSample(t, db)
	one, elsewhere := tenant(s.sub, europe, 1), tenant(s.second, europe, 2)
	insertTenants(t, db, one, elsewhere)
	start := func(tenant estate.Tenant, st store.ProvisioningStart) (called []estate.ProvisionerID, status estate.ProvisioningStatus) {
		t.Helper()
		write(t, db, func(tx *store.Tx) (err error) {
			called, status, err = tx.StartProvisioning(t.Context(), tenant.Scope(), tenant.ID, st)
			return err
		})
		return called, status
	}
	set := func(p estate.Provisioning) (ok bool, status estate.ProvisioningStatus) {
		t.Helper()
		write(t, db, func(tx *store.Tx) (err error) {
			ok, status, err = tx.SetProvisioning(t.Context(), one.Scope(), p)
			return err
		})
		return ok, status
	}
	check := func(what string, status estate.ProvisioningStatus, want ...estate.Provisioning) {
		t.Helper()
		have, shown := provisioningsOf(t, db, one)
		equal(t, what, have, want)
		equal(t, what+": shown by the tenant", shown, status)
	}

	called, status := start(one, store.ProvisioningStart{Call: "a", Change: estate.TenantWasCreated, At: moment(1)})
	equal(t, "called without provisioners", called, nil)
	check("without provisioners", status)
	equal(t, "status without provisioners", status, estate.ProvisioningStatus{})

	first, second, foreign := provisioner(s.sub, 1), provisioner(s.sub, 2), provisioner(s.second, 3)
	insertProvisioners(t, db, first, second, foreign)
	called, status = start(one, store.ProvisioningStart{Call: "b", Change: estate.TenantWasCreated, At: moment(2)})
	if diff := cmp.Diff(map[estate.ProvisionerID]bool{first.ID: true, second.ID: true}, map[estate.ProvisionerID]bool{called[0]: true, called[1]: true}); diff != "" || len(called) != 2 {
		t.Errorf("called %v", called)
	}
	pending := estate.ProvisioningStatus{State: estate.ProvisioningPending, UpdatedAt: moment(2)}
	p := estate.Provisioning{Provisioner: first.ID, Name: first.Name, Tenant: one.ID, Call: "b", Change: estate.TenantWasCreated, State: estate.ProvisioningPending, UpdatedAt: moment(2)}
	q := p
	q.Provisioner, q.Name = second.ID, second.Name
	equal(t, "status", status, pending)
	check("started", pending, p, q)
	if have, _ := provisioningsOf(t, db, elsewhere); have != nil {
		t.Errorf("another tenant has %v", have)
	}

	// An answer counts only while its call has none.
	wrong := p
	wrong.Call, wrong.State = "a", estate.ProvisioningReady
	if ok, _ := set(wrong); ok {
		t.Error("the answer to another call was taken")
	}
	q.State, q.Message, q.UpdatedAt = estate.ProvisioningFailed, "no disk", moment(3)
	ok, status := set(q)
	failed := estate.ProvisioningStatus{State: estate.ProvisioningFailed, Message: "Provisioner 2: no disk", UpdatedAt: moment(3)}
	equal(t, "taken", ok, true)
	equal(t, "status", status, failed)
	p.State, p.UpdatedAt = estate.ProvisioningReady, moment(4)
	ok, status = set(p)
	equal(t, "taken", ok, true)
	equal(t, "status", status, failed)
	check("one ready and one failed", failed, p, q)
	late := p
	late.State = estate.ProvisioningFailed
	if ok, _ := set(late); ok {
		t.Error("an answer after the first was taken")
	}

	// An update does not hide that the tenant was never made there.
	start(one, store.ProvisioningStart{Call: "c", Change: estate.TenantWasUpdated, At: moment(5)})
	p.Call, p.Change, p.State, p.UpdatedAt = "c", estate.TenantWasUpdated, estate.ProvisioningPending, moment(5)
	q.Call, q.Change, q.State, q.Message, q.UpdatedAt = "c", estate.TenantWasCreated, estate.ProvisioningPending, "", moment(5)
	pending.UpdatedAt = moment(5)
	check("updated", pending, p, q)
	start(one, store.ProvisioningStart{Call: "d", Change: estate.TenantWasPurged, At: moment(6)})
	p.Call, p.Change, p.UpdatedAt = "d", estate.TenantWasPurged, moment(6)
	q.Call, q.Change, q.UpdatedAt = "d", estate.TenantWasPurged, moment(6)
	check("purged", pending, p, q)

	// Again: those that have not done their part, or one.
	p.State, p.AcceptedUntil, p.UpdatedAt = estate.ProvisioningSkipped, moment(90), moment(7)
	set(p)
	called, _ = start(one, store.ProvisioningStart{Call: "e", Change: estate.TenantWasCreated, At: moment(8), Again: true})
	equal(t, "called again", called, []estate.ProvisionerID{second.ID})
	q.Call, q.UpdatedAt = "e", moment(8)
	check("again", pending, p, q)
	called, _ = start(one, store.ProvisioningStart{Call: "f", Change: estate.TenantWasCreated, At: moment(9), Again: true, Provisioner: first.ID})
	equal(t, "one called again", called, []estate.ProvisionerID{first.ID})
	p.Call, p.State, p.AcceptedUntil, p.UpdatedAt = "f", estate.ProvisioningPending, stored(moment(0)), moment(9)
	p.AcceptedUntil = estate.Provisioning{}.AcceptedUntil
	check("one again", pending, p, q)
	equal(t, "one of them", read(t, db, func(tx *store.Tx) (estate.Provisioning, error) {
		return tx.Provisioning(t.Context(), all(s.acme), one.ID, first.ID)
	}), p)
	wantError(t, readError(t, db, func(tx *store.Tx) (estate.Provisioning, error) {
		return tx.Provisioning(t.Context(), all(s.acme), elsewhere.ID, first.ID)
	}), estate.NotFound, api.CodeProvisionerNotFound)

	// Nobody waits for a provisioner that is gone.
	p.State, p.UpdatedAt = estate.ProvisioningReady, moment(10)
	set(p)
	remove := func(tx *store.Tx) error { return tx.DeleteProvisioner(t.Context(), of(s.sub), second.ID, moment(11)) }
	write(t, db, remove)
	check("one deleted", estate.ProvisioningStatus{State: estate.ProvisioningReady, UpdatedAt: moment(11)}, p)
	wantError(t, refused(t, db, remove), estate.NotFound, api.CodeProvisionerNotFound)
}

// The provisioners of a world: one of each subscription, told of all its tenants.

func (w world) provisioners() (found []estate.Provisioner) {
	for i, sub := range w.subscriptions {
		found = append(found, provisioner(sub, i+1))
	}
	return found
}

func (w world) insertProvisioning(ctx context.Context, tx *store.Tx) error {
	for _, p := range w.provisioners() {
		if err := tx.InsertProvisioner(ctx, p); err != nil {
			return err
		}
	}
	for _, t := range w.tenants {
		if _, _, err := tx.StartProvisioning(ctx, t.Scope(), t.ID, store.ProvisioningStart{Call: "call", Change: estate.TenantWasCreated, At: moment(1)}); err != nil {
			return err
		}
	}
	return nil
}

func provisionerRows(w world) []row {
	return rowsOf(w.provisioners(), func(p estate.Provisioner) row { return row{owner: p.Scope(), key: string(p.ID), id: string(p.ID)} })
}

// provisioningRows have the tenant and its provisioner as their key.
func provisioningRows(w world) (rows []row) {
	for _, t := range w.tenants {
		for _, p := range w.provisioners() {
			if p.Subscription == t.Subscription {
				rows = append(rows, row{owner: t.Scope(), key: string(t.ID) + " " + string(p.ID), id: string(t.ID)})
			}
		}
	}
	return rows
}

func provisioningKey(key string) (estate.TenantID, estate.ProvisionerID) {
	tenant, provisioner, _ := strings.Cut(key, " ")
	return estate.TenantID(tenant), estate.ProvisionerID(provisioner)
}

// provisioningTouches is a provisioning, the tenant that shows it, and that it is told.
func provisioningTouches(w world, r row, _ estate.Scope) []string {
	tenant, _ := provisioningKey(r.key)
	texts := []string{fmt.Sprintf("provisionings: organization_id=%q subscription_id=%q region=%q tenant_id=%q", r.owner.Organization, r.owner.Subscription, r.owner.Region, tenant)}
	for _, t := range w.tenants {
		if t.ID == tenant {
			texts = append(texts, fmt.Sprintf("tenants: id=%q", tenant), changeLine(store.ChangeHostname, string(t.Hostname)), changeLine(store.ChangeHostname, string(t.Alias)),
				changeLine(store.ChangeTenant, string(t.Organization)+"/"+string(t.ID)), countLine(r))
		}
	}
	return texts
}

func idOfProvisioner(p estate.Provisioner) string   { return string(p.ID) }
func idOfProvisioning(p estate.Provisioning) string { return string(p.Tenant) }

// provisioningReads are the cases of methods around provisioners that read.
var provisioningReads = map[string]readCase{
	"Provisioner": {rows: provisionerRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		p, err := tx.Provisioner(ctx, scope, estate.ProvisionerID(key))
		return oneID(p, err, idOfProvisioner)
	}},
	"Provisioners": {rows: provisionerRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		found, err := tx.Provisioners(ctx, scope)
		return ids(found, err, idOfProvisioner)
	}},
	"Provisioning": {rows: provisioningRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		tenant, id := provisioningKey(key)
		p, err := tx.Provisioning(ctx, scope, tenant, id)
		return oneID(p, err, idOfProvisioning)
	}},
	"Provisionings": {rows: provisioningRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		tenant, _ := provisioningKey(key)
		found, err := tx.Provisionings(ctx, scope, tenant)
		return ids(found, err, idOfProvisioning)
	}},
}

// provisioningWrites are the cases of methods around provisioners that write.
var provisioningWrites = map[string]writeCase{
	"UpdateProvisioner": {
		rows: provisionerRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateProvisioner(ctx, scope, estate.Provisioner{ID: estate.ProvisionerID(key), Name: "renamed", SealedSecret: []byte{1}, UpdatedAt: moment(99)})
		},
		again: by("update provisioners set name = 'before'"),
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("provisioners: id=%q", r.key)}
		},
	},
	"DeleteProvisioner": {
		rows: provisionerRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			err := tx.DeleteProvisioner(ctx, scope, estate.ProvisionerID(key), moment(99))
			if estate.HasKind(err, estate.NotFound) {
				return nil // it was deleted in the scope before
			}
			return err
		},
		touches: func(w world, r row, scope estate.Scope) []string {
			texts := []string{fmt.Sprintf("provisioners: id=%q", r.key)}
			for _, p := range provisioningRows(w) {
				if strings.HasSuffix(p.key, " "+r.key) {
					texts = append(texts, provisioningTouches(w, p, scope)...)
				}
			}
			return texts
		},
	},
	"StartProvisioning": {
		rows: provisioningRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			tenant, _ := provisioningKey(key)
			_, _, err := tx.StartProvisioning(ctx, scope, tenant, store.ProvisioningStart{Call: "new", Change: estate.TenantWasPurged, At: moment(99)})
			return err
		},
		again:   both(by("update provisionings set state = 'skipped'"), by("update tenants set provisioning_state = 'skipped'")),
		touches: provisioningTouches,
	},
	"SetProvisioning": {
		rows: provisioningRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			tenant, id := provisioningKey(key)
			_, _, err := tx.SetProvisioning(ctx, scope, estate.Provisioning{Tenant: tenant, Provisioner: id, Call: "call", State: estate.ProvisioningFailed, Message: "no", UpdatedAt: moment(99)})
			return err
		},
		again:   both(by("update provisionings set state = 'pending'"), by("update tenants set provisioning_state = 'pending'")),
		touches: provisioningTouches,
	},
}
