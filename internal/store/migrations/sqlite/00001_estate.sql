-- +goose Up
-- Times are UTC microseconds. Every owned row carries its owner, and composite
-- foreign keys keep a row from pointing across owners. Key columns that are
-- empty hold '' rather than null, so that they sort and compare like any other.

create table organizations (
    id         text primary key,
    name       text not null,
    created_at integer not null,
    updated_at integer not null
) strict;

create table accounts (
    id              text primary key,
    organization_id text not null references organizations (id),
    email           text not null,
    email_key       text not null unique,
    name            text not null,
    password_hash   text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (organization_id, id)
) strict;

create table regions (
    code         text primary key,
    name         text not null,
    datacenter   text not null,
    country_code text not null,
    created_at   integer not null
) strict;

create table subscriptions (
    id              text primary key,
    organization_id text not null references organizations (id),
    name            text not null,
    tenant_limit    integer not null check (tenant_limit >= 1),
    tenant_count    integer not null default 0 check (tenant_count between 0 and tenant_limit),
    starts_at       integer not null,
    ends_at         integer not null check (ends_at > starts_at),
    created_at      integer not null,
    updated_at      integer not null,
    unique (organization_id, id)
) strict;

create table subscription_regions (
    organization_id text not null,
    subscription_id text not null,
    region          text not null references regions (code),
    primary key (subscription_id, region),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict, without rowid;

create table subscription_owners (
    organization_id text not null,
    subscription_id text not null,
    account_id      text not null,
    primary key (subscription_id, account_id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, account_id) references accounts (organization_id, id)
) strict, without rowid;

-- region and datacenter are both kept: the contract shows them independently.
create table tenants (
    id                text primary key,
    organization_id   text not null,
    subscription_id   text not null,
    region            text not null references regions (code),
    datacenter        text not null,
    country_code      text not null,
    name              text not null,
    name_key          text not null,
    hostname          text not null,
    alias             text not null,
    status            text not null,
    status_updated_at integer not null,
    external_id       text not null,
    labels            text not null,
    created_by        text not null,
    created_at        integer not null,
    updated_at        integer not null,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict;

create unique index tenants_external_id on tenants (subscription_id, external_id) where external_id <> '';
create index tenants_by_created_at on tenants (organization_id, created_at, id);
create index tenants_by_updated_at on tenants (organization_id, updated_at, id);
create index tenants_by_name on tenants (organization_id, name_key, created_at, id);
create index tenants_by_hostname on tenants (organization_id, hostname, id);
create index tenants_by_subscription on tenants (organization_id, subscription_id, created_at, id);
create index tenants_by_datacenter on tenants (organization_id, datacenter, created_at, id);
create index tenants_by_country on tenants (organization_id, country_code, created_at, id);
create index tenants_by_status on tenants (organization_id, status, created_at, id);

-- Host names without the base domain ("label.region"), generated ones and
-- aliases alike: one name leads to one tenant.
create table hostnames (
    hostname        text primary key,
    organization_id text not null,
    tenant_id       text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

create table users (
    tenant_id       text not null,
    id              text not null,
    organization_id text not null,
    subject         text not null,
    name            text not null,
    email           text not null,
    status          text not null,
    client_id       text not null,
    roles           text not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    unique (tenant_id, subject),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

create unique index users_one_bot on users (tenant_id, client_id) where client_id <> '';

-- subscription_id, region and tenant_id are '' above the level that has them,
-- so they cannot be foreign keys; the check ties them to the level.
create table clients (
    id              text primary key,
    level           text not null,
    organization_id text not null references organizations (id),
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    name            text not null,
    description     text not null,
    app_type        text not null,
    permissions     text not null,
    grant_types     text not null,
    auth_methods    text not null,
    consent         text not null,
    settings        text not null,
    created_by      text not null,
    created_by_type text not null,
    created_at      integer not null,
    updated_at      integer not null,
    disabled_at     integer not null,
    unique (organization_id, id),
    check (
        level = 'organization' and subscription_id = '' and region = '' and tenant_id = ''
        or level = 'region' and subscription_id <> '' and region <> '' and tenant_id = ''
        or level = 'tenant' and subscription_id <> '' and region <> '' and tenant_id <> ''
    )
) strict;

create index clients_by_owner on clients (organization_id, level, subscription_id, region, tenant_id, created_at, id);

create table client_secrets (
    organization_id text not null,
    client_id       text not null,
    hint            text not null,
    key_id          text not null,
    hash            blob not null,
    created_by      text not null,
    created_at      integer not null,
    primary key (client_id, hint),
    foreign key (organization_id, client_id) references clients (organization_id, id)
) strict, without rowid;

-- How often and when a client got tokens; written behind, in batches.
create table client_usage (
    organization_id text not null,
    client_id       text not null,
    tenant_id       text not null,
    first_used_at   integer not null,
    last_used_at    integer not null,
    tokens          integer not null,
    primary key (client_id, tenant_id),
    foreign key (organization_id, client_id) references clients (organization_id, id)
) strict, without rowid;

-- What was answered to whom, and for which part of the estate: the same key
-- elsewhere is another request. subscription_id, region and tenant_id are ''
-- above the level that has them.
create table idempotency_keys (
    organization_id text not null references organizations (id),
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    client_id       text not null,
    key             text not null,
    request_hash    blob not null,
    answer          text not null,
    created_at      integer not null,
    primary key (organization_id, subscription_id, region, tenant_id, client_id, key)
) strict, without rowid;

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- The server's own keys, sealed under the key file.
create table keys (
    id         text primary key,
    purpose    text not null,
    algorithm  text not null,
    sealed     blob not null,
    created_at integer not null
) strict;

create table audit_records (
    seq             integer primary key autoincrement,
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    time            integer not null,
    actor_kind      text not null,
    actor_id        text not null,
    action          text not null,
    target          text not null,
    outcome         text not null,
    data            text not null,
    trace_id        text not null
) strict;

create index audit_records_by_time on audit_records (organization_id, time, seq);

-- What other processes must forget from their caches, in commit order.
create table changes (
    seq        integer primary key autoincrement,
    kind       text not null,
    key        text not null,
    created_at integer not null
) strict;
