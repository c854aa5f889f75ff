-- +goose Up
-- Views of lists that people keep under a name: each is its account's alone. query
-- is that of the list's address.
create table saved_views (
    id              text primary key,
    organization_id text not null,
    account_id      text not null,
    list            text not null,
    name            text not null,
    name_key        text not null,
    query           text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (account_id, list, name_key),
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict;
