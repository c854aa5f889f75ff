-- +goose Up
-- Audit records become the log of events: each has an id and the type and source
-- of its event, and those of an organization (and those of none) are numbered and
-- chained, each by a hash over itself and the one before. Records from before
-- have position 0 and are in no chain.

alter table audit_records add column id text collate "C" not null default '';
alter table audit_records add column event_type text collate "C" not null default '';
alter table audit_records add column source text collate "C" not null default '';
alter table audit_records add column user_id text collate "C" not null default '';
alter table audit_records add column position bigint not null default 0;
alter table audit_records add column hash text collate "C" not null default '';

update audit_records set id = 'before-' || seq, event_type = 'com.freehold.' || action, source = 'com.freehold';

create unique index audit_records_by_position on audit_records (organization_id, position) where position > 0;
create unique index audit_records_by_id on audit_records (organization_id, id);
create index audit_records_by_tenant on audit_records (organization_id, tenant_id, time, seq);
create index audit_records_by_tenant_and_type on audit_records (organization_id, tenant_id, event_type, time, seq);
create index audit_records_by_type on audit_records (organization_id, event_type, time, seq);

-- The last record of each chain. Whoever appends changes this row first, so
-- that positions are in the order of commits.
create table audit_chains (
    organization_id text collate "C" primary key,
    position        bigint not null,
    hash            text collate "C" not null
);

-- How far each consumer has read each chain.
create table event_cursors (
    consumer        text collate "C" not null,
    organization_id text collate "C" not null references audit_chains (organization_id),
    position        bigint not null,
    primary key (consumer, organization_id)
);
