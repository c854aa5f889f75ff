-- +goose Up
-- How the people of a tenant sign in. settings is JSON; what in it is secret is
-- sealed. issuer is '' where tokens are not looked up by it.
create table identity_providers (
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    organization_id text collate "C" not null,
    protocol        text collate "C" not null,
    interactive     bigint not null check (interactive in (0, 1)),
    active          bigint not null check (active in (0, 1)),
    issuer          text collate "C" not null,
    settings        text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create unique index identity_providers_issuer on identity_providers (tenant_id, issuer) where issuer <> '';
create unique index identity_providers_interactive on identity_providers (tenant_id) where interactive = 1;

-- The id is the hash of the session's token. A session goes with the identity
-- provider that it came from. It may outlive its user, who is looked at with
-- every request: a session of nobody is worth nothing until it expires.
create table sessions (
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    organization_id text collate "C" not null,
    user_id         text collate "C" not null,
    provider_id     text collate "C" not null,
    created_at      bigint not null,
    last_used_at    bigint not null,
    expires_at      bigint not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, provider_id) references identity_providers (tenant_id, id) on delete cascade
);

create index sessions_by_user on sessions (tenant_id, user_id);
create index sessions_by_provider on sessions (tenant_id, provider_id);
create index sessions_by_end on sessions (expires_at);

create table auth_settings (
    tenant_id        text collate "C" primary key,
    organization_id  text collate "C" not null,
    idle_micros      bigint not null check (idle_micros > 0),
    lifespan_micros  bigint not null check (lifespan_micros > 0),
    updated_at       bigint not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
