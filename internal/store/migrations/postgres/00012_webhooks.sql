-- +goose Up
-- Webhooks of a tenant or, with '' for subscription, region and tenant, of an
-- organization. sealed holds the secret and the headers that nobody may see.

create table webhooks (
    id               text collate "C" primary key,
    organization_id  text collate "C" not null references organizations (id),
    subscription_id  text collate "C" not null,
    region           text collate "C" not null,
    tenant_id        text collate "C" not null,
    name             text collate "C" not null,
    description      text collate "C" not null,
    url              text collate "C" not null,
    event_types      text collate "C" not null,
    filter           text collate "C" not null,
    enabled          bigint not null,
    headers          text collate "C" not null,
    hidden_headers   text collate "C" not null,
    has_secret       bigint not null,
    sealed           bytea not null,
    check_revocation bigint not null,
    origin           text collate "C" not null,
    created_at       bigint not null,
    created_by       text collate "C" not null,
    updated_at       bigint not null,
    updated_by       text collate "C" not null,
    disabled_reason  text collate "C" not null,
    disabled_code    text collate "C" not null,
    failing_since    bigint not null,
    after_position   bigint not null,
    unique (organization_id, id)
);

create index webhooks_by_owner on webhooks (organization_id, tenant_id, id);

create table webhook_deliveries (
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    region          text collate "C" not null,
    tenant_id       text collate "C" not null,
    webhook_id      text collate "C" not null,
    event_id        text collate "C" not null,
    event_type      text collate "C" not null,
    status          text collate "C" not null,
    message         text collate "C" not null,
    triggered_at    bigint not null,
    attempts        bigint not null,
    request         text collate "C" not null,
    response        text collate "C" not null,
    foreign key (organization_id, webhook_id) references webhooks (organization_id, id) on delete cascade
);

create index webhook_deliveries_by_webhook on webhook_deliveries (organization_id, webhook_id, triggered_at, id);
create index webhook_deliveries_by_age on webhook_deliveries (triggered_at);
