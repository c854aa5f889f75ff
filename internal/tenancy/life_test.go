package tenancy_test

import (
	"context"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestLife_RegionOnly calls what is a region-level client's as everybody else.
func TestLife_RegionOnly(t *testing.T) {
	e := testenv.Open(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	s := e.App.Tenancy
	confirm := string(tenant.Hostname) + "." + testenv.Domain
	label := "x"
	calls := map[string]func(context.Context, estate.Actor) error{
		"DeactivateTenant": func(ctx context.Context, a estate.Actor) error {
			_, err := s.DeactivateTenant(ctx, a, tenant.ID, tenancy.Deactivation{Confirm: confirm})
			return err
		},
		"ReactivateTenant": func(ctx context.Context, a estate.Actor) error {
			_, err := s.ReactivateTenant(ctx, a, tenant.ID, confirm)
			return err
		},
		"PreviewDeactivation": func(ctx context.Context, a estate.Actor) error {
			_, err := s.PreviewDeactivation(ctx, a, tenant.ID)
			return err
		},
		"ListTenants": func(ctx context.Context, a estate.Actor) error {
			_, err := s.ListTenants(ctx, a, tenancy.InventoryQuery{Limit: 1})
			return err
		},
		"CheckHostname": func(ctx context.Context, a estate.Actor) error {
			_, err := s.CheckHostname(ctx, a, "acme")
			return err
		},
		"UpdateTenant": func(ctx context.Context, a estate.Actor) error {
			return s.UpdateTenant(ctx, a, tenant.ID, []tenancy.PatchOperation{{Op: "replace", Path: "/name", Value: []byte(`"x"`)}})
		},
	}
	for _, action := range []string{api.BulkCreate, api.BulkDeactivate, api.BulkReactivate, api.BulkRelabel} {
		calls["BulkTenants "+action] = func(ctx context.Context, a estate.Actor) error {
			_, err := s.BulkTenants(ctx, a, tenancy.Bulk{Action: action, IDs: []estate.TenantID{tenant.ID}, Labels: map[string]*string{"x": &label}})
			return err
		}
	}
	for name, call := range calls {
		for who, actor := range outsiders(e) {
			if code := kindOf(call(t.Context(), actor)); code != api.CodeForbidden && code != api.CodeInsufficientScope && code != api.CodeNoOwner {
				t.Errorf("%s as %s: %q", name, who, code)
			}
		}
	}
	after, err := s.TenantFor(t.Context(), testenv.Operator, e.Organization.ID, tenant.ID)
	if err != nil || after.Rev != tenant.Rev {
		t.Errorf("%+v (%v)", after, err)
	}
}
