-- +goose Up
-- What a user owns, such as a bot that has lost its client.
create index spaces_by_owner on spaces (tenant_id, owner_id, name_key, id);
