-- +goose Up
-- Use of clients that is durable but not yet counted where it belongs: when very
-- many clients are busy, a row of each twice a second would be most of the work.
-- A shard has the use of the clients whose ids fall into it.
create table usage_journal (
    shard      bigint not null,
    id         text collate "C" not null,
    entries    text collate "C" not null,
    created_at bigint not null,
    primary key (shard, id)
);
