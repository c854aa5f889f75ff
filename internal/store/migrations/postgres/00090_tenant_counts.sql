-- +goose Up
-- How many tenants there are of each kind, and how many were created on each day
-- (UTC, in days since 1970). A transaction that changes tenants changes these too,
-- so that nobody ever has to count rows.
create table tenant_counts (
    organization_id    text collate "C" not null,
    subscription_id    text collate "C" not null,
    region             text collate "C" not null,
    datacenter         text collate "C" not null,
    country_code       text collate "C" not null,
    status             text collate "C" not null,
    provisioning_state text collate "C" not null,
    tenants            bigint not null,
    primary key (organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
);

create table tenant_days (
    organization_id text collate "C" not null references organizations (id),
    day             bigint not null,
    tenants         bigint not null,
    primary key (organization_id, day)
);

insert into tenant_counts (organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state, tenants)
select organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state, count(*)
from tenants group by organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state;

insert into tenant_days (organization_id, day, tenants)
select organization_id, day, count(*) from (select organization_id, created_at / 86400000000 as day from tenants) as days group by organization_id, day;

-- What rows were counted by is now for the lists of a region's clients.
drop index tenants_by_group;
create index tenants_by_region on tenants (organization_id, subscription_id, region, created_at, id);
