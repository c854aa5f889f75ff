-- +goose Up
-- Seats of a subscription, which its tenants share, and who has them. changes
-- counts, so that those who hand out seats at the same time wait for one another at
-- the row.
create table subscription_seats (
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    type            text collate "C" not null,
    units           bigint not null check (units >= 0),
    changes         bigint not null,
    primary key (subscription_id, type),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
);

-- An assignment is about a subject, and stays when the user with it is deleted.
create table license_assignments (
    organization_id text collate "C" not null,
    subscription_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    subject         text collate "C" not null,
    subject_key     text collate "C" not null,
    type            text collate "C" not null,
    created_at      bigint not null,
    primary key (tenant_id, subject),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create index license_assignments_by_type on license_assignments (subscription_id, type);
create index license_assignments_by_subject on license_assignments (tenant_id, subject_key, subject);
create index license_assignments_by_created_at on license_assignments (tenant_id, created_at, subject);
