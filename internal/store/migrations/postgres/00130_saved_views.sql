-- +goose Up
-- Views of lists that people keep under a name: each is its account's alone. query
-- is that of the list's address.
create table saved_views (
    id              text collate "C" primary key,
    organization_id text collate "C" not null,
    account_id      text collate "C" not null,
    list            text collate "C" not null,
    name            text collate "C" not null,
    name_key        text collate "C" not null,
    query           text collate "C" not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (account_id, list, name_key),
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
);
