-- +goose Up
-- Forms of pages that were sent. result is sealed, and null until the form is
-- handled.
create table forms (
    nonce      text primary key,
    begun_at   integer not null,
    expires_at integer not null,
    result     blob
) strict;

create index forms_by_end on forms (expires_at);
