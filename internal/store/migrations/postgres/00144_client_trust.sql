-- +goose Up
-- What a client held when a tenant came to trust it: what its owner gives it later is
-- nothing that tenant has agreed to.
alter table client_connections add column permissions text collate "C" not null default '[]';
alter table client_connections add column grant_types text collate "C" not null default '[]';
update client_connections set
    permissions = (select c.permissions from clients c where c.id = client_connections.client_id),
    grant_types = (select c.grant_types from clients c where c.id = client_connections.client_id);
