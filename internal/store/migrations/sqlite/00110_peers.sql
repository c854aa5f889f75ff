-- +goose Up
-- What the servers on one database tell one another of what they count in memory:
-- requests by their limits, failed attempts to authenticate, used proofs. Each
-- reads what the others have written since it last looked.
create table peer_notes (
    seq        integer primary key autoincrement,
    node       text not null,
    kind       text not null,
    body       text not null,
    created_at integer not null
) strict;

create index peer_notes_by_node on peer_notes (node, created_at);

-- DPoP proofs of requests that change something, hashed to one size. Every server
-- asks here, so that such a proof is good for one request at all of them.
create table used_proofs (
    id         blob not null,
    expires_at integer not null,
    primary key (id)
) strict, without rowid;

create index used_proofs_by_expiry on used_proofs (expires_at);
