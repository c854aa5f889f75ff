-- +goose Up
-- Spaces of a tenant, and what users and groups may do in them. Assignments are
-- erased with whom they are about.
create table spaces (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    type            text collate "C" not null,
    name            text collate "C" not null,
    name_key        text collate "C" not null,
    description     text collate "C" not null,
    owner_id        text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create index spaces_by_name on spaces (tenant_id, name_key, id);
create index spaces_by_created_at on spaces (tenant_id, created_at, id);

create table space_assignments (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    space_id        text collate "C" not null,
    id              text collate "C" not null,
    type            text collate "C" not null,
    assignee_id     text collate "C" not null,
    roles           text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    updated_by      text collate "C" not null,
    primary key (tenant_id, space_id, id),
    unique (tenant_id, assignee_id, space_id),
    foreign key (organization_id, tenant_id, space_id) references spaces (organization_id, tenant_id, id) on delete cascade
);
