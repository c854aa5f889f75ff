-- +goose Up
-- Identity providers of organizations, by which accounts sign in to the console:
-- what identity_providers is for the users of tenants.
create table organization_identity_providers (
    organization_id text not null references organizations (id),
    id              text not null,
    protocol        text not null,
    interactive     integer not null check (interactive in (0, 1)),
    active          integer not null check (active in (0, 1)),
    issuer          text not null,
    settings        text not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (organization_id, id)
) strict, without rowid;

create unique index organization_identity_providers_interactive on organization_identity_providers (organization_id) where interactive = 1;

-- By which subjects of an identity provider an account is known.
create table account_identities (
    organization_id text not null,
    provider_id     text not null,
    subject         text not null,
    account_id      text not null,
    created_at      integer not null,
    last_used_at    integer not null,
    primary key (organization_id, provider_id, subject),
    foreign key (organization_id, provider_id) references organization_identity_providers (organization_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict, without rowid;

create unique index account_identities_by_account on account_identities (organization_id, account_id, provider_id);
