-- +goose Up
-- Users, roles and groups of a tenant. Roles are held by name: a built-in role is
-- the same in every tenant and has no row, and a custom one takes its holders
-- along when it is renamed. All of it goes with the tenant.

-- The keys are names in the form that they are compared and sorted in. lower()
-- folds ASCII only; other letters of users that were there before fold with the
-- next change of the user.
alter table users add column name_key text collate "C" not null default '';
alter table users add column email_key text collate "C" not null default '';
alter table users add column subject_key text collate "C" not null default '';
alter table users add column profile text collate "C" not null default '{}';
alter table users add column invite_expires_at bigint not null default 0;
update users set name_key = lower(name), email_key = lower(email), subject_key = lower(subject);

create index users_by_name on users (tenant_id, name_key, id);
create index users_by_email on users (tenant_id, email_key, id);
create index users_by_subject_key on users (tenant_id, subject_key, id);
create index users_by_created_at on users (tenant_id, created_at, id);

create table roles (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    name            text collate "C" not null,
    description     text collate "C" not null,
    scopes          text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    updated_by      text collate "C" not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create table groups (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    id              text collate "C" not null,
    name            text collate "C" not null,
    name_key        text collate "C" not null,
    description     text collate "C" not null,
    provider        text collate "C" not null,
    status          text collate "C" not null,
    roles           text collate "C" not null,
    created_at      bigint not null,
    created_by      text collate "C" not null,
    updated_at      bigint not null,
    updated_by      text collate "C" not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create index groups_by_name on groups (tenant_id, name_key, id);
create index groups_by_created_at on groups (tenant_id, created_at, id);

create table group_members (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    user_id         text collate "C" not null,
    group_id        text collate "C" not null,
    primary key (tenant_id, user_id, group_id),
    foreign key (organization_id, tenant_id, group_id) references groups (organization_id, tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);

create index group_members_by_group on group_members (organization_id, tenant_id, group_id);

-- Who holds a role: users and groups, whose rows list their roles too. It is there
-- to be searched by role.
create table role_holders (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" not null,
    role            text collate "C" not null,
    holder_id       text collate "C" not null,
    primary key (tenant_id, role, holder_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

create index role_holders_by_holder on role_holders (tenant_id, holder_id);

insert into role_holders (organization_id, tenant_id, role, holder_id)
select organization_id, tenant_id, 'TenantAdmin', id from users where roles like '%"TenantAdmin"%';

-- Settings of a tenant that has set any. changes counts, so that those who must
-- not decide at the same time wait for one another at the row.
create table directories (
    organization_id text collate "C" not null,
    tenant_id       text collate "C" primary key,
    settings        text collate "C" not null,
    changes         bigint not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
