-- +goose Up
-- Orphaned bots are looked for from their clients: few of all clients are stopped.
create index clients_stopped on clients (organization_id, id) where deleted_at <> 0 or disabled_at <> 0;
