-- +goose Up
-- Provisioners: the endpoints of a subscription's owner that make, change and take
-- away what belongs to each tenant outside. As everywhere, 0 is no time.

create table provisioners (
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    name            text collate "C" not null,
    url             text collate "C" not null,
    sealed_secret   bytea not null,
    created_by      text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
);

create index provisioners_by_subscription on provisioners (organization_id, subscription_id, created_at, id);

-- The last call of each provisioner for each tenant, and how far it is. The rows
-- of a tenant outlive it: that it is purged is the last thing provisioners hear.
create table provisionings (
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    region          text collate "C" not null,
    tenant_id       text collate "C" not null,
    provisioner_id  text collate "C" not null,
    call_id         text collate "C" not null,
    change          text collate "C" not null,
    state           text collate "C" not null,
    message         text collate "C" not null,
    accepted_until  bigint not null,
    updated_at      bigint not null,
    primary key (tenant_id, provisioner_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id),
    foreign key (organization_id, provisioner_id) references provisioners (organization_id, id)
);

create index provisionings_by_provisioner on provisionings (provisioner_id, tenant_id);

-- All provisionings of a tenant in one: what is shown of it, without a join.
alter table tenants add column provisioning_state text collate "C" not null default 'ready';
alter table tenants add column provisioning_message text collate "C" not null default '';
alter table tenants add column provisioning_at bigint not null default 0;
