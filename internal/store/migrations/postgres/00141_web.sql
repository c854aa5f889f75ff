-- +goose Up
-- Origins for the content security policies of a tenant's pages, each with the
-- directives that it is for, as bits.
create table csp_origins (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    origin          text collate "C" not null,
    name            text collate "C" not null,
    description     text collate "C" not null,
    directives      bigint not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    primary key (tenant_id, id),
    unique (tenant_id, origin),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create table web_integrations (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    name            text collate "C" not null,
    origins         text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
