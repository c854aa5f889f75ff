package store

import (
	"slices"
	"strings"
	"testing"
)

// notTheCallers are the unique constraints that no caller can violate: the
// values are made or checked by the services in the same transaction, or the
// statement says what to do then.
var notTheCallers = []string{
	"accounts.id",
	"accounts.organization_id, accounts.id",
	"assertion_ids.client_id, assertion_ids.id",
	"audit_chains.organization_id",
	"audit_records.organization_id, audit_records.id",
	"audit_records.organization_id, audit_records.position",
	"auth_settings.tenant_id",
	"api_key_settings.tenant_id",
	"api_keys.tenant_id, api_keys.id",
	"csp_origins.tenant_id, csp_origins.id",
	"tenant_erasures.tenant_id",
	"web_integrations.tenant_id, web_integrations.id",
	"saved_views.id",
	"client_connections.client_id, client_connections.tenant_id",
	"client_secrets.client_id, client_secrets.hint",
	"client_usage.client_id, client_usage.tenant_id",
	"clients.id",
	"clients.organization_id, clients.id",
	"credentials.organization_id, credentials.account_id, credentials.kind",
	"credentials.tenant_id, credentials.user_id, credentials.kind",
	"directories.tenant_id",
	"event_cursors.consumer, event_cursors.organization_id",
	"group_members.tenant_id, group_members.user_id, group_members.group_id",
	"account_identities.organization_id, account_identities.account_id, account_identities.provider_id",
	"forms.nonce",
	"organization_identity_providers.organization_id, organization_identity_providers.id",
	"groups.organization_id, groups.tenant_id, groups.id",
	"groups.tenant_id, groups.id",
	"idempotency_keys.organization_id, idempotency_keys.subscription_id, idempotency_keys.region, idempotency_keys.tenant_id, idempotency_keys.client_id, idempotency_keys.key",
	"identity_providers.tenant_id, identity_providers.id",
	"keys.id",
	"license_assignments.tenant_id, license_assignments.subject",
	"oauth_grants.id",
	"oauth_grants.tenant_id, oauth_grants.client_id, oauth_grants.user_id",
	"organizations.id",
	"provisioners.id",
	"provisioners.organization_id, provisioners.id",
	"provisionings.tenant_id, provisionings.provisioner_id",
	"revoked_grants.tenant_id, revoked_grants.client_id, revoked_grants.user_id",
	"revoked_tokens.jti",
	"river_job.unique_key",
	"river_leader.name",
	"river_migration.line, river_migration.version",
	"river_queue.name",
	"role_holders.tenant_id, role_holders.role, role_holders.holder_id",
	"roles.tenant_id, roles.id",
	"saved_views.id",
	"sessions.id",
	"sign_in_links.id",
	"space_assignments.tenant_id, space_assignments.space_id, space_assignments.id",
	"spaces.organization_id, spaces.tenant_id, spaces.id",
	"spaces.tenant_id, spaces.id",
	"subscription_owners.subscription_id, subscription_owners.account_id",
	"subscription_regions.subscription_id, subscription_regions.region",
	"subscription_seats.subscription_id, subscription_seats.type",
	"oauth_codes.hash", "oauth_devices.hash", "oauth_devices.tenant_id, oauth_devices.user_code", "oauth_families.id", "oauth_refresh_tokens.hash",
	"tenant_counts.organization_id, tenant_counts.subscription_id, tenant_counts.region, tenant_counts.datacenter, tenant_counts.country_code, tenant_counts.status, tenant_counts.provisioning_state",
	"tenant_days.organization_id, tenant_days.day",
	"tenant_labels.tenant_id, tenant_labels.name",
	"tenant_preferences.tenant_id",
	"tenants.id",
	"tenants.organization_id, tenants.id",
	"usage_journal.shard, usage_journal.id",
	"used_proofs.id",
	"users.tenant_id, users.id",
	"webhook_deliveries.id",
	"webhooks.id",
	"webhooks.organization_id, webhooks.id",
}

// TestConstraintErrors: every unique constraint has an error for the caller, or
// is known to need none; and neither list names one that is not there. That
// the errors come is tested by storetest.
func TestConstraintErrors(t *testing.T) {
	s := openTest(t)
	rows, err := s.engine.db.QueryContext(t.Context(), `select tables.name, group_concat(tables.name || '.' || columns.name, ', ' order by columns.seqno)
		from pragma_table_list tables, pragma_index_list(tables.name) indexes, pragma_index_info(indexes.name) columns
		where indexes."unique" group by tables.name, indexes.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var constraints []string
	for rows.Next() {
		var table, columns string
		if err := rows.Scan(&table, &columns); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(table, "sqlite_") {
			constraints = append(constraints, columns)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range constraints {
		if _, mapped := constraintErrors[c]; mapped == slices.Contains(notTheCallers, c) {
			t.Errorf("unique constraint %q has an error: %v; is listed as not the caller's: %v", c, mapped, !mapped)
		}
	}
	for c := range constraintErrors {
		if !slices.Contains(constraints, c) {
			t.Errorf("there is no constraint %q", c)
		}
	}
	for _, c := range notTheCallers {
		if !slices.Contains(constraints, c) {
			t.Errorf("there is no constraint %q", c)
		}
	}
}
