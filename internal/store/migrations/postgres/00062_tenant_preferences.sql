-- +goose Up

create table tenant_preferences (
    tenant_id        text collate "C" primary key,
    organization_id  text collate "C" not null,
    settings         text collate "C" not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
