-- +goose Up
-- Spaces of a tenant, and what users and groups may do in them. Assignments are
-- erased with whom they are about.
create table spaces (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    type            text not null,
    name            text not null,
    name_key        text not null,
    description     text not null,
    owner_id        text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

create index spaces_by_name on spaces (tenant_id, name_key, id);
create index spaces_by_created_at on spaces (tenant_id, created_at, id);

create table space_assignments (
    organization_id text not null,
    tenant_id       text not null,
    space_id        text not null,
    id              text not null,
    type            text not null,
    assignee_id     text not null,
    roles           text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    updated_by      text not null,
    primary key (tenant_id, space_id, id),
    unique (tenant_id, assignee_id, space_id),
    foreign key (organization_id, tenant_id, space_id) references spaces (organization_id, tenant_id, id) on delete cascade
) strict, without rowid;
