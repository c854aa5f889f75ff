-- +goose Up
-- What a user did is a page of its own; most records are of no user.
create index audit_records_by_user on audit_records (organization_id, user_id, time, seq) where user_id <> '';
