-- +goose Up
-- Purged tenants of which rows are left: they are erased step by step, and the last
-- step removes the line.
create table tenant_erasures (
    organization_id text not null,
    tenant_id       text not null primary key,
    since           integer not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;
