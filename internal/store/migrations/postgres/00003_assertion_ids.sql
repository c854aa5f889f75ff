-- +goose Up
-- Identifiers (jti) of assertions that clients have used, hashed to one size.
-- Every node asks here, so that an assertion is good for one token in all.
create table assertion_ids (
    organization_id text collate "C" not null,
    client_id       text collate "C" not null,
    id              text collate "C" not null,
    expires_at      bigint not null,
    primary key (client_id, id),
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
);

create index assertion_ids_by_expiry on assertion_ids (expires_at);
