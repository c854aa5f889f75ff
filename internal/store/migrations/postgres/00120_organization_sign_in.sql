-- +goose Up
-- Identity providers of organizations, by which accounts sign in to the console:
-- what identity_providers is for the users of tenants.
create table organization_identity_providers (
    organization_id text collate "C" not null references organizations (id),
    id              text collate "C" not null,
    protocol        text collate "C" not null,
    interactive     bigint not null check (interactive in (0, 1)),
    active          bigint not null check (active in (0, 1)),
    issuer          text collate "C" not null,
    settings        text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    primary key (organization_id, id)
);

create unique index organization_identity_providers_interactive on organization_identity_providers (organization_id) where interactive = 1;

-- By which subjects of an identity provider an account is known.
create table account_identities (
    organization_id text collate "C" not null,
    provider_id     text collate "C" not null,
    subject         text collate "C" not null,
    account_id      text collate "C" not null,
    created_at      bigint not null,
    last_used_at    bigint not null,
    primary key (organization_id, provider_id, subject),
    foreign key (organization_id, provider_id) references organization_identity_providers (organization_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
);

create unique index account_identities_by_account on account_identities (organization_id, account_id, provider_id);
