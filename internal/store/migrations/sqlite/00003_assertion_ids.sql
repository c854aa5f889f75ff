-- +goose Up
-- Identifiers (jti) of assertions that clients have used, hashed to one size.
-- Every node asks here, so that an assertion is good for one token in all.
create table assertion_ids (
    organization_id text not null,
    client_id       text not null,
    id              text not null,
    expires_at      integer not null,
    primary key (client_id, id),
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict, without rowid;

create index assertion_ids_by_expiry on assertion_ids (expires_at);
