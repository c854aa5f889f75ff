-- +goose Up
-- What people sign in with: passkeys, passwords, keys of one-time codes, recovery
-- codes. data is a hash, or sealed, or a public key. counter is the last one-time
-- code's time step, which is used once only.
create table credentials (
    tenant_id       text collate "C",
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    user_id         text collate "C",
    account_id      text collate "C",
    kind            text collate "C" not null check (kind in ('passkey', 'password', 'totp', 'recovery-code')),
    name            text collate "C" not null,
    data            bytea not null,
    counter         bigint not null,
    created_at      bigint not null,
    last_used_at    bigint not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
);

create index credentials_by_user on credentials (tenant_id, user_id);
create index credentials_by_account on credentials (organization_id, account_id);
create unique index credentials_one_of_user on credentials (tenant_id, user_id, kind) where tenant_id is not null and kind in ('password', 'totp');
create unique index credentials_one_of_account on credentials (organization_id, account_id, kind) where tenant_id is null and kind in ('password', 'totp');

insert into credentials (tenant_id, id, organization_id, user_id, account_id, kind, name, data, counter, created_at, last_used_at)
select null, 'password-' || id, organization_id, null, id, 'password', '', convert_to(password_hash, 'UTF8'), 0, updated_at, 0 from accounts where password_hash <> '';
update accounts set password_hash = '';

-- Links that sign a person in once. The id is the hash of the link's secret.
create table sign_in_links (
    tenant_id       text collate "C",
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    user_id         text collate "C",
    account_id      text collate "C",
    recovery        bigint not null check (recovery in (0, 1)),
    created_by      text collate "C" not null,
    created_at      bigint not null,
    expires_at      bigint not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
);

create index sign_in_links_by_user on sign_in_links (tenant_id, user_id);
create index sign_in_links_by_account on sign_in_links (organization_id, account_id);
create index sign_in_links_by_end on sign_in_links (expires_at);

-- Until somebody who was invited comes, a subject of the same form stands in for
-- the one that the login will have.
update users set subject = 'invite|' || id, subject_key = 'invite|' || id where status = 'invited' and client_id = '' and subject = email;
