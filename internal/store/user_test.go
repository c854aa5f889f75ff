package store_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func TestUsers_BySubjectAndUpdate(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant, sibling := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	now := e.Clock.Now()
	ctx := t.Context()
	make1 := func(at estate.Tenant) estate.User {
		return estate.User{
			ID: estate.NewUserID(), Organization: at.Organization, Tenant: at.ID, Subject: `ACME\ada`, Name: "Ada",
			Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
		}
	}
	mine, theirs := make1(tenant), make1(sibling)
	write := func(fn func(tx *store.Tx) error) error { return e.App.Store.Write(ctx, fn) }
	if err := write(func(tx *store.Tx) error { return errors.Join(tx.InsertUser(ctx, mine), tx.InsertUser(ctx, theirs)) }); err != nil {
		t.Fatal(err)
	}
	read := func(scope estate.Scope) (u estate.User, err error) {
		err = e.App.Store.Read(ctx, func(tx *store.Tx) (err error) {
			u, err = tx.UserBySubject(ctx, scope, mine.Subject)
			return err
		})
		return u, err
	}
	if u, err := read(tenant.Scope()); err != nil || u.ID != mine.ID {
		t.Errorf("found %v, %v", u.ID, err)
	}
	for name, scope := range map[string]estate.Scope{
		"no scope": {}, "no tenant": {Organization: tenant.Organization}, "another organization": {Organization: "org_other", Tenant: tenant.ID},
	} {
		if u, err := read(scope); !estate.HasCode(err, api.CodeUserNotFound) {
			t.Errorf("%s: found %v, %v", name, u.ID, err)
		}
		if err := write(func(tx *store.Tx) error { return tx.UpdateUser(ctx, scope, mine) }); !estate.HasCode(err, api.CodeUserNotFound) {
			t.Errorf("%s: updated, %v", name, err)
		}
	}

	var seen []store.Change
	e.App.Store.Subscribe(func(changes []store.Change) { seen = append(seen, changes...) })
	mine.Status, mine.Roles, mine.UpdatedAt = estate.UserDisabled, []estate.RoleName{estate.RoleTenantAdmin}, now.Add(time.Second)
	if err := write(func(tx *store.Tx) error { return tx.UpdateUser(ctx, tenant.Scope(), mine) }); err != nil {
		t.Fatal(err)
	}
	want := store.Change{Kind: store.ChangeUser, Key: string(tenant.Organization) + "/" + string(tenant.ID) + "/" + string(mine.ID)}
	if !slices.Contains(seen, want) {
		t.Errorf("nobody is told: %v", seen)
	}
	if u, err := read(tenant.Scope()); err != nil || u.Status != estate.UserDisabled || len(u.Roles) != 1 || !u.UpdatedAt.Equal(mine.UpdatedAt) {
		t.Errorf("after the update: %+v, %v", u, err)
	}
	if u, err := read(sibling.Scope()); err != nil || u.Status != estate.UserActive {
		t.Errorf("the neighbour's user: %+v, %v", u, err)
	}
}

// TestUsers_ChangeReachesOtherProcesses: what one process changes about a user,
// another one on the same database hears of.
func TestUsers_ChangeReachesOtherProcesses(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	ctx := t.Context()
	user := estate.User{ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "ada", Status: estate.UserActive, CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now()}
	heard := make(chan struct{}, 1)
	key := string(tenant.Organization) + "/" + string(tenant.ID) + "/" + string(user.ID)
	e.App.Store.Subscribe(func(changes []store.Change) {
		if slices.Contains(changes, store.Change{Kind: store.ChangeUser, Key: key}) {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	})
	other, err := store.Open(ctx, store.Options{Path: filepath.Join(e.App.Config.DataDir, "freehold.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := other.Write(ctx, func(tx *store.Tx) error { return tx.InsertUser(ctx, user) }); err != nil {
		t.Fatal(err)
	}
	for range 20 { // whatever was written before the server began to follow is not told one by one
		if err := other.Write(ctx, func(tx *store.Tx) error { return tx.UpdateUser(ctx, tenant.Scope(), user) }); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return
		case <-time.After(time.Second):
		}
	}
	t.Error("the change did not arrive")
}
