-- +goose Up
-- How many tenants there are of each kind, for the picture of an estate.
create index tenants_by_group on tenants (organization_id, subscription_id, region, status, provisioning_state);
