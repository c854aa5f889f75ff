-- +goose Up
-- Provisioners: the endpoints of a subscription's owner that make, change and take
-- away what belongs to each tenant outside. As everywhere, 0 is no time.

create table provisioners (
    id              text primary key,
    organization_id text not null,
    subscription_id text not null,
    name            text not null,
    url             text not null,
    sealed_secret   blob not null,
    created_by      text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict;

create index provisioners_by_subscription on provisioners (organization_id, subscription_id, created_at, id);

-- The last call of each provisioner for each tenant, and how far it is. The rows
-- of a tenant outlive it: that it is purged is the last thing provisioners hear.
create table provisionings (
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    provisioner_id  text not null,
    call_id         text not null,
    change          text not null,
    state           text not null,
    message         text not null,
    accepted_until  integer not null,
    updated_at      integer not null,
    primary key (tenant_id, provisioner_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id),
    foreign key (organization_id, provisioner_id) references provisioners (organization_id, id)
) strict, without rowid;

create index provisionings_by_provisioner on provisionings (provisioner_id, tenant_id);

-- All provisionings of a tenant in one: what is shown of it, without a join.
alter table tenants add column provisioning_state text not null default 'ready';
alter table tenants add column provisioning_message text not null default '';
alter table tenants add column provisioning_at integer not null default 0;
