-- +goose Up
-- Origins for the content security policies of a tenant's pages, each with the
-- directives that it is for, as bits.
create table csp_origins (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    origin          text not null,
    name            text not null,
    description     text not null,
    directives      integer not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    unique (tenant_id, origin),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

create table web_integrations (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    name            text not null,
    origins         text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;
