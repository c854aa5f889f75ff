-- +goose Up
-- Sessions of users of tenants and of accounts of organizations alike. A session
-- of an account has no tenant. provider_id is null where somebody signed in by
-- what this server keeps itself.
create table person_sessions (
    tenant_id       text collate "C",
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    user_id         text collate "C",
    account_id      text collate "C",
    provider_id     text collate "C",
    method          text collate "C" not null,
    agent           text collate "C" not null,
    address         text collate "C" not null,
    created_at      bigint not null,
    last_used_at    bigint not null,
    expires_at      bigint not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, provider_id) references identity_providers (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
);

insert into person_sessions (tenant_id, id, organization_id, user_id, account_id, provider_id, method, agent, address, created_at, last_used_at, expires_at)
select tenant_id, id, organization_id, user_id, null, provider_id, 'federated', '', '', created_at, last_used_at, expires_at from sessions;

drop table sessions;
alter table person_sessions rename to sessions;
create index sessions_by_user on sessions (tenant_id, user_id);
create index sessions_by_account on sessions (organization_id, account_id);
create index sessions_by_provider on sessions (tenant_id, provider_id);
create index sessions_by_end on sessions (expires_at);
create index subscription_owners_by_account on subscription_owners (organization_id, account_id);
