-- +goose Up
-- Requests per minute of each caller, by tier; 0 is what the deployment says.

alter table subscriptions add column rate_tier1 bigint not null default 0 check (rate_tier1 between 0 and 1000000);
alter table subscriptions add column rate_tier2 bigint not null default 0 check (rate_tier2 between 0 and 1000000);
