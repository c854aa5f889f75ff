-- +goose Up

create table tenant_preferences (
    tenant_id        text primary key,
    organization_id  text not null,
    settings         text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;
