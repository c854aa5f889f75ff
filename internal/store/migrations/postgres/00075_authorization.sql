-- +goose Up
-- Programs that act for a person. What is stored of codes and tokens is their
-- hash. What a person has approved for a program is kept with the grant, and
-- goes with it.
alter table oauth_grants add column approved text collate "C" not null default '';

-- An authorization code. A used one is kept until nothing that came of it can be
-- in force any more: whoever uses it again ends that.
create table oauth_codes (
    hash             text collate "C" primary key,
    organization_id  text collate "C" not null,
    tenant_id        text collate "C" not null,
    client_id        text collate "C" not null,
    person           text collate "C" not null,
    family_id        text collate "C" not null,
    redirect_uri     text collate "C" not null,
    challenge        text collate "C" not null,
    permissions      text collate "C" not null,
    authenticated_at bigint not null,
    created_at       bigint not null,
    expires_at       bigint not null,
    used_at          bigint not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
);

create index oauth_codes_by_grant on oauth_codes (tenant_id, client_id, person);
create index oauth_codes_by_client on oauth_codes (organization_id, client_id);
create index oauth_codes_by_end on oauth_codes (expires_at);

-- What comes of one approval: a chain of refresh tokens. tenant_id is '' at the
-- console, where the person is an account.
create table oauth_families (
    id               text collate "C" primary key,
    organization_id  text collate "C" not null,
    tenant_id        text collate "C" not null,
    client_id        text collate "C" not null,
    person           text collate "C" not null,
    permissions      text collate "C" not null,
    thumbprint       text collate "C" not null,
    authenticated_at bigint not null,
    created_at       bigint not null,
    expires_at       bigint not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
);

create index oauth_families_by_grant on oauth_families (tenant_id, client_id, person);
create index oauth_families_by_client on oauth_families (organization_id, client_id);
create index oauth_families_by_end on oauth_families (expires_at);

create table oauth_refresh_tokens (
    hash       text collate "C" primary key,
    family_id  text collate "C" not null references oauth_families (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint not null
);

create index oauth_refresh_tokens_by_family on oauth_refresh_tokens (family_id);
create index oauth_refresh_tokens_by_end on oauth_refresh_tokens (expires_at);

-- A device that waits for somebody to approve it. Nobody's until then: who
-- decides is who signs in at the host.
create table oauth_devices (
    hash             text collate "C" primary key,
    tenant_id        text collate "C" not null,
    user_code        text collate "C" not null,
    client_id        text collate "C" not null,
    permissions      text collate "C" not null,
    status           text collate "C" not null check (status in ('pending', 'approved', 'denied')),
    organization_id  text collate "C" not null,
    granted_to       text collate "C" not null,
    person           text collate "C" not null,
    authenticated_at bigint not null,
    interval_micros  bigint not null,
    polled_at        bigint not null,
    created_at       bigint not null,
    expires_at       bigint not null,
    unique (tenant_id, user_code)
);

create index oauth_devices_by_end on oauth_devices (expires_at);

-- Clients that registered themselves and that nobody has approved yet.
create index clients_pending on clients (created_at) where consent = 'pending';

alter table auth_settings add column registration bigint not null default 0 check (registration in (0, 1));
alter table auth_settings add column registration_methods text collate "C" not null default '["none","client_secret"]';
