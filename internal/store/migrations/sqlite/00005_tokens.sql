-- +goose Up
-- A grant is what people see as a token: that a client may act through a user in
-- a tenant. Access tokens themselves are signed and not stored. Rows are written
-- behind the token path, and go with their client or tenant.

create table oauth_grants (
    id              text primary key,
    organization_id text not null,
    tenant_id       text not null,
    client_id       text not null,
    user_id         text not null,
    created_at      integer not null,
    last_used_at    integer not null,
    unique (tenant_id, client_id, user_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

create index oauth_grants_by_user on oauth_grants (organization_id, tenant_id, user_id, id);

-- What is revoked is kept until its tokens would have expired anyway. Both
-- tables are held in memory by every server, so they stand alone: a revocation
-- must outlive whatever it is about.

create table revoked_tokens (
    jti             text primary key,
    organization_id text not null,
    client_id       text not null,
    expires_at      integer not null,
    created_at      integer not null
) strict;

create index revoked_tokens_by_expiry on revoked_tokens (expires_at);

-- Tokens of the grant that were issued at issued_until or before are revoked.
create table revoked_grants (
    tenant_id       text not null,
    client_id       text not null,
    user_id         text not null,
    organization_id text not null,
    issued_until    integer not null,
    expires_at      integer not null,
    created_at      integer not null,
    primary key (tenant_id, client_id, user_id)
) strict, without rowid;

create index revoked_grants_by_expiry on revoked_grants (expires_at);

-- A key signs from active_at until the next generation of its purpose does. The
-- unique generation lets only one of several servers make the next key.

alter table keys add column active_at integer not null default 0;
alter table keys add column generation integer not null default 1;
update keys set active_at = created_at;

create unique index keys_by_generation on keys (purpose, generation);
