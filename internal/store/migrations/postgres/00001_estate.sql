-- +goose Up
-- Times are UTC microseconds. Every owned row carries its owner, and composite
-- foreign keys keep a row from pointing across owners. Key columns that are
-- empty hold '' rather than null, so that they sort and compare like any other.

create table organizations (
    id         text collate "C" primary key,
    name       text collate "C" not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table accounts (
    id              text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    email           text collate "C" not null,
    email_key       text collate "C" not null unique,
    name            text collate "C" not null,
    password_hash   text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (organization_id, id)
);

create table regions (
    code         text collate "C" primary key,
    name         text collate "C" not null,
    datacenter   text collate "C" not null,
    country_code text collate "C" not null,
    created_at   bigint not null
);

create table subscriptions (
    id              text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    name            text collate "C" not null,
    tenant_limit    bigint not null check (tenant_limit >= 1),
    tenant_count    bigint not null default 0 check (tenant_count between 0 and tenant_limit),
    starts_at       bigint not null,
    ends_at         bigint not null check (ends_at > starts_at),
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (organization_id, id)
);

create table subscription_regions (
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    region          text collate "C" not null references regions (code),
    primary key (subscription_id, region),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
);

create table subscription_owners (
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    account_id      text collate "C" not null,
    primary key (subscription_id, account_id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, account_id) references accounts (organization_id, id)
);

-- region and datacenter are both kept: the contract shows them independently.
create table tenants (
    id                text collate "C" primary key,
    organization_id   text collate "C" not null,
    subscription_id   text collate "C" not null,
    region            text collate "C" not null references regions (code),
    datacenter        text collate "C" not null,
    country_code      text collate "C" not null,
    name              text collate "C" not null,
    name_key          text collate "C" not null,
    hostname          text collate "C" not null,
    alias             text collate "C" not null,
    status            text collate "C" not null,
    status_updated_at bigint not null,
    external_id       text collate "C" not null,
    labels            text collate "C" not null,
    created_by        text collate "C" not null,
    created_at        bigint not null,
    updated_at        bigint not null,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
);

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
    hostname        text collate "C" primary key,
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
);

create table users (
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    organization_id text collate "C" not null,
    subject         text collate "C" not null,
    name            text collate "C" not null,
    email           text collate "C" not null,
    status          text collate "C" not null,
    client_id       text collate "C" not null,
    roles           text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    primary key (tenant_id, id),
    unique (tenant_id, subject),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
);

create unique index users_one_bot on users (tenant_id, client_id) where client_id <> '';

-- subscription_id, region and tenant_id are '' above the level that has them,
-- so they cannot be foreign keys; the check ties them to the level.
create table clients (
    id              text collate "C" primary key,
    level           text collate "C" not null,
    organization_id text collate "C" not null references organizations (id),
    subscription_id text collate "C" not null,
    region          text collate "C" not null,
    tenant_id       text collate "C" not null,
    name            text collate "C" not null,
    description     text collate "C" not null,
    app_type        text collate "C" not null,
    permissions     text collate "C" not null,
    grant_types     text collate "C" not null,
    auth_methods    text collate "C" not null,
    consent         text collate "C" not null,
    settings        text collate "C" not null,
    created_by      text collate "C" not null,
    created_by_type text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    disabled_at     bigint not null,
    unique (organization_id, id),
    check (
        level = 'organization' and subscription_id = '' and region = '' and tenant_id = ''
        or level = 'region' and subscription_id <> '' and region <> '' and tenant_id = ''
        or level = 'tenant' and subscription_id <> '' and region <> '' and tenant_id <> ''
    )
);

create index clients_by_owner on clients (organization_id, level, subscription_id, region, tenant_id, created_at, id);

create table client_secrets (
    organization_id text collate "C" not null,
    client_id       text collate "C" not null,
    hint            text collate "C" not null,
    key_id          text collate "C" not null,
    hash            bytea not null,
    created_by      text collate "C" not null,
    created_at      bigint not null,
    primary key (client_id, hint),
    foreign key (organization_id, client_id) references clients (organization_id, id)
);

-- How often and when a client got tokens; written behind, in batches.
create table client_usage (
    organization_id text collate "C" not null,
    client_id       text collate "C" not null,
    tenant_id       text collate "C" not null,
    first_used_at   bigint not null,
    last_used_at    bigint not null,
    tokens          bigint not null,
    primary key (client_id, tenant_id),
    foreign key (organization_id, client_id) references clients (organization_id, id)
);

-- What was answered to whom, and for which part of the estate: the same key
-- elsewhere is another request. subscription_id, region and tenant_id are ''
-- above the level that has them.
create table idempotency_keys (
    organization_id text collate "C" not null references organizations (id),
    subscription_id text collate "C" not null,
    region          text collate "C" not null,
    tenant_id       text collate "C" not null,
    client_id       text collate "C" not null,
    key             text collate "C" not null,
    request_hash    bytea not null,
    answer          text collate "C" not null,
    created_at      bigint not null,
    primary key (organization_id, subscription_id, region, tenant_id, client_id, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- The server's own keys, sealed under the key file.
create table keys (
    id         text collate "C" primary key,
    purpose    text collate "C" not null,
    algorithm  text collate "C" not null,
    sealed     bytea not null,
    created_at bigint not null
);

create table audit_records (
    seq             bigint generated by default as identity primary key,
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    region          text collate "C" not null,
    tenant_id       text collate "C" not null,
    time            bigint not null,
    actor_kind      text collate "C" not null,
    actor_id        text collate "C" not null,
    action          text collate "C" not null,
    target          text collate "C" not null,
    outcome         text collate "C" not null,
    data            text collate "C" not null,
    trace_id        text collate "C" not null
);

create index audit_records_by_time on audit_records (organization_id, time, seq);

-- What other processes must forget from their caches, in commit order.
create table changes (
    seq        bigint generated by default as identity primary key,
    kind       text collate "C" not null,
    key        text collate "C" not null,
    created_at bigint not null
);
