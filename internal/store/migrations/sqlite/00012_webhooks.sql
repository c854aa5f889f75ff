-- +goose Up
-- Webhooks of a tenant or, with '' for subscription, region and tenant, of an
-- organization. sealed holds the secret and the headers that nobody may see.

create table webhooks (
    id               text primary key,
    organization_id  text not null references organizations (id),
    subscription_id  text not null,
    region           text not null,
    tenant_id        text not null,
    name             text not null,
    description      text not null,
    url              text not null,
    event_types      text not null,
    filter           text not null,
    enabled          integer not null,
    headers          text not null,
    hidden_headers   text not null,
    has_secret       integer not null,
    sealed           blob not null,
    check_revocation integer not null,
    origin           text not null,
    created_at       integer not null,
    created_by       text not null,
    updated_at       integer not null,
    updated_by       text not null,
    disabled_reason  text not null,
    disabled_code    text not null,
    failing_since    integer not null,
    after_position   integer not null,
    unique (organization_id, id)
) strict;

create index webhooks_by_owner on webhooks (organization_id, tenant_id, id);

create table webhook_deliveries (
    id              text primary key,
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    webhook_id      text not null,
    event_id        text not null,
    event_type      text not null,
    status          text not null,
    message         text not null,
    triggered_at    integer not null,
    attempts        integer not null,
    request         text not null,
    response        text not null,
    foreign key (organization_id, webhook_id) references webhooks (organization_id, id) on delete cascade
) strict;

create index webhook_deliveries_by_webhook on webhook_deliveries (organization_id, webhook_id, triggered_at, id);
create index webhook_deliveries_by_age on webhook_deliveries (triggered_at);
