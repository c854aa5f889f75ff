-- +goose Up
-- Keys by which programs act as people. hash is of the key, made with the server's
-- key hashed_by. A key is deleted with its user.
create table api_keys (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    user_id         text not null,
    description     text not null,
    status          text not null check (status in ('active', 'expired', 'revoked')),
    hash            blob not null,
    hashed_by       text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    expires_at      integer not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

create index api_keys_by_user on api_keys (tenant_id, user_id, status);
create index api_keys_by_created_at on api_keys (tenant_id, created_at, id);
create index api_keys_by_end on api_keys (expires_at) where status = 'active';

create table api_key_settings (
    organization_id text not null,
    tenant_id       text not null primary key,
    max_expiry      text not null,
    max_per_user    integer not null,
    scim_expiry     text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;
