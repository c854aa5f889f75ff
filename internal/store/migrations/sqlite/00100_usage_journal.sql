-- +goose Up
-- Use of clients that is durable but not yet counted where it belongs: when very
-- many clients are busy, a row of each twice a second would be most of the work.
-- A shard has the use of the clients whose ids fall into it.
create table usage_journal (
    shard      integer not null,
    id         text not null,
    entries    text not null,
    created_at integer not null,
    primary key (shard, id)
) strict, without rowid;
