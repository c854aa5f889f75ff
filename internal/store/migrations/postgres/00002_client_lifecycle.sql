-- +goose Up
-- The life of a client after it was made: published, deleted (the row stays, so
-- that the bots it leaves behind can be found), secrets that end or rotate.
-- As everywhere, 0 is no time.

alter table clients add column published_at bigint not null default 0;
alter table clients add column deleted_at bigint not null default 0;

-- Names in the form that they are compared and sorted in. lower() folds ASCII
-- only; other letters of names that were there before fold with the next change
-- of the client.
alter table clients add column name_key text collate "C" not null default '';
update clients set name_key = lower(name);

create index clients_by_name on clients (organization_id, level, name_key, id);
create index clients_published on clients (organization_id, region, id) where published_at <> 0;

-- rotation is 'new' for the secret that a running rotation made, 'old' for those
-- it replaces, else ''. end_before is when an old one would have ended without
-- the rotation.
alter table client_secrets add column expires_at bigint not null default 0;
alter table client_secrets add column first_used_at bigint not null default 0;
alter table client_secrets add column last_used_at bigint not null default 0;
alter table client_secrets add column warned_at bigint not null default 0;
alter table client_secrets add column rotation text collate "C" not null default '';
alter table client_secrets add column end_before bigint not null default 0;

create index client_secrets_by_end on client_secrets (expires_at) where expires_at <> 0;

-- What other tenants have decided about a published client.
create table client_connections (
    organization_id text collate "C" not null,
    client_id       text collate "C" not null,
    tenant_id       text collate "C" not null,
    consent         text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    primary key (client_id, tenant_id),
    foreign key (organization_id, client_id) references clients (organization_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
);

create index client_connections_by_tenant on client_connections (tenant_id, client_id);

-- Bots that stopped because their client did start again with it, others don't.
alter table users add column stopped_with_client bigint not null default 0;

create index users_by_client on users (organization_id, client_id, tenant_id) where client_id <> '';
