-- +goose Up
-- Keys by which programs act as people. hash is of the key, made with the server's
-- key hashed_by. A key is deleted with its user.
create table api_keys (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    user_id         text collate "C" not null,
    description     text collate "C" not null,
    status          text collate "C" not null check (status in ('active', 'expired', 'revoked')),
    hash            bytea not null,
    hashed_by       text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    expires_at      bigint not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create index api_keys_by_user on api_keys (tenant_id, user_id, status);
create index api_keys_by_created_at on api_keys (tenant_id, created_at, id);
create index api_keys_by_end on api_keys (expires_at) where status = 'active';

create table api_key_settings (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null primary key,
    max_expiry      text collate "C" not null,
    max_per_user    bigint not null,
    scim_expiry     text collate "C" not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
