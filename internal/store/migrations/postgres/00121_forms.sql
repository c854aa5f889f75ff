-- +goose Up
-- Forms of pages that were sent. result is sealed, and null until the form is
-- handled.
create table forms (
    nonce      text collate "C" primary key,
    begun_at   bigint not null,
    expires_at bigint not null,
    result     bytea
);

create index forms_by_end on forms (expires_at);
