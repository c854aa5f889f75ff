-- +goose Up
-- Seats of a subscription, which its tenants share, and who has them. changes
-- counts, so that those who hand out seats at the same time wait for one another at
-- the row.
create table subscription_seats (
    organization_id text not null,
    subscription_id text not null,
    type            text not null,
    units           integer not null check (units >= 0),
    changes         integer not null,
    primary key (subscription_id, type),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict, without rowid;

-- An assignment is about a subject, and stays when the user with it is deleted.
create table license_assignments (
    organization_id text not null,
    subscription_id text not null,
    tenant_id       text not null,
    subject         text not null,
    subject_key     text not null,
    type            text not null,
    created_at      integer not null,
    primary key (tenant_id, subject),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

create index license_assignments_by_type on license_assignments (subscription_id, type);
create index license_assignments_by_subject on license_assignments (tenant_id, subject_key, subject);
create index license_assignments_by_created_at on license_assignments (tenant_id, created_at, subject);
