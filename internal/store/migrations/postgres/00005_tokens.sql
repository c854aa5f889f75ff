-- +goose Up
-- A grant is what people see as a token: that a client may act through a user in
-- a tenant. Access tokens themselves are signed and not stored. Rows are written
-- behind the token path, and go with their client or tenant.

create table oauth_grants (
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    client_id       text collate "C" not null,
    user_id         text collate "C" not null,
    created_at      bigint not null,
    last_used_at    bigint not null,
    unique (tenant_id, client_id, user_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
);

create index oauth_grants_by_user on oauth_grants (organization_id, tenant_id, user_id, id);

-- What is revoked is kept until its tokens would have expired anyway. Both
-- tables are held in memory by every server, so they stand alone: a revocation
-- must outlive whatever it is about.

create table revoked_tokens (
    jti             text collate "C" primary key,
    organization_id text collate "C" not null,
    client_id       text collate "C" not null,
    expires_at      bigint not null,
    created_at      bigint not null
);

create index revoked_tokens_by_expiry on revoked_tokens (expires_at);

-- Tokens of the grant that were issued at issued_until or before are revoked.
create table revoked_grants (
    tenant_id       text collate "C" not null,
    client_id       text collate "C" not null,
    user_id         text collate "C" not null,
    organization_id text collate "C" not null,
    issued_until    bigint not null,
    expires_at      bigint not null,
    created_at      bigint not null,
    primary key (tenant_id, client_id, user_id)
);

create index revoked_grants_by_expiry on revoked_grants (expires_at);

-- A key signs from active_at until the next generation of its purpose does. The
-- unique generation lets only one of several servers make the next key.

alter table keys add column active_at bigint not null default 0;
alter table keys add column generation bigint not null default 1;
update keys set active_at = created_at;

create unique index keys_by_generation on keys (purpose, generation);
