-- +goose Up
-- The life of a tenant after it was made: changed, disabled until it is purged,
-- protected from that, purged (the row stays as a tombstone). As everywhere, 0 is
-- no time. rev counts changes: who changes a tenant says which one it has seen.

alter table tenants add column rev bigint not null default 1;
alter table tenants add column purge_at bigint not null default 0;
alter table tenants add column deletion_protection bigint not null default 0;
alter table tenants add column settings text collate "C" not null default '{}';

create index tenants_by_purge on tenants (purge_at, id) where status = 'disabled';

-- Labels again, one a row, to be found by. The tenant's own column has them all,
-- to be read with it.
create table tenant_labels (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    name            text collate "C" not null,
    value           text collate "C" not null,
    primary key (tenant_id, name),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
);

create index tenant_labels_by_value on tenant_labels (name, value, tenant_id);

insert into tenant_labels (organization_id, tenant_id, name, value)
    select t.organization_id, t.id, l.key, l.value from tenants t, json_each_text(t.labels::json) l;

-- By tenant, for what a tenant has and for its purge.
create index clients_by_tenant on clients (tenant_id, id) where tenant_id <> '';
create index client_usage_by_tenant on client_usage (tenant_id, last_used_at) where tenant_id <> '';
create index hostnames_by_tenant on hostnames (tenant_id);
create index idempotency_keys_by_tenant on idempotency_keys (tenant_id) where tenant_id <> '';
