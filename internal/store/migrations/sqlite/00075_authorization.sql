-- +goose Up
-- Programs that act for a person. What is stored of codes and tokens is their
-- hash. What a person has approved for a program is kept with the grant, and
-- goes with it.
alter table oauth_grants add column approved text not null default '';

-- An authorization code. A used one is kept until nothing that came of it can be
-- in force any more: whoever uses it again ends that.
create table oauth_codes (
    hash             text primary key,
    organization_id  text not null,
    tenant_id        text not null,
    client_id        text not null,
    person           text not null,
    family_id        text not null,
    redirect_uri     text not null,
    challenge        text not null,
    permissions      text not null,
    authenticated_at integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    used_at          integer not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

create index oauth_codes_by_grant on oauth_codes (tenant_id, client_id, person);
create index oauth_codes_by_client on oauth_codes (organization_id, client_id);
create index oauth_codes_by_end on oauth_codes (expires_at);

-- What comes of one approval: a chain of refresh tokens. tenant_id is '' at the
-- console, where the person is an account.
create table oauth_families (
    id               text primary key,
    organization_id  text not null,
    tenant_id        text not null,
    client_id        text not null,
    person           text not null,
    permissions      text not null,
    thumbprint       text not null,
    authenticated_at integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

create index oauth_families_by_grant on oauth_families (tenant_id, client_id, person);
create index oauth_families_by_client on oauth_families (organization_id, client_id);
create index oauth_families_by_end on oauth_families (expires_at);

create table oauth_refresh_tokens (
    hash       text primary key,
    family_id  text not null references oauth_families (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null,
    used_at    integer not null
) strict;

create index oauth_refresh_tokens_by_family on oauth_refresh_tokens (family_id);
create index oauth_refresh_tokens_by_end on oauth_refresh_tokens (expires_at);

-- A device that waits for somebody to approve it. Nobody's until then: who
-- decides is who signs in at the host.
create table oauth_devices (
    hash             text primary key,
    tenant_id        text not null,
    user_code        text not null,
    client_id        text not null,
    permissions      text not null,
    status           text not null check (status in ('pending', 'approved', 'denied')),
    organization_id  text not null,
    granted_to       text not null,
    person           text not null,
    authenticated_at integer not null,
    interval_micros  integer not null,
    polled_at        integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    unique (tenant_id, user_code)
) strict;

create index oauth_devices_by_end on oauth_devices (expires_at);

-- Clients that registered themselves and that nobody has approved yet.
create index clients_pending on clients (created_at) where consent = 'pending';

alter table auth_settings add column registration integer not null default 0 check (registration in (0, 1));
alter table auth_settings add column registration_methods text not null default '["none","client_secret"]';
