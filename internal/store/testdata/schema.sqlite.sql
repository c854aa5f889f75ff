-- The schema of a fresh database. Written by go test ./internal/store -update.

CREATE TABLE account_identities (
    organization_id text not null,
    provider_id     text not null,
    subject         text not null,
    account_id      text not null,
    created_at      integer not null,
    last_used_at    integer not null,
    primary key (organization_id, provider_id, subject),
    foreign key (organization_id, provider_id) references organization_identity_providers (organization_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict, without rowid;

CREATE UNIQUE INDEX account_identities_by_account on account_identities (organization_id, account_id, provider_id);

CREATE TABLE accounts (
    id              text primary key,
    organization_id text not null references organizations (id),
    email           text not null,
    email_key       text not null unique,
    name            text not null,
    password_hash   text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (organization_id, id)
) strict;

CREATE TABLE api_key_settings (
    organization_id text not null,
    tenant_id       text not null primary key,
    max_expiry      text not null,
    max_per_user    integer not null,
    scim_expiry     text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE api_keys (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    user_id         text not null,
    description     text not null,
    status          text not null check (status in ('active', 'expired', 'revoked')),
    hash            blob not null,
    hashed_by       text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    expires_at      integer not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX api_keys_by_created_at on api_keys (tenant_id, created_at, id);

CREATE INDEX api_keys_by_end on api_keys (expires_at) where status = 'active';

CREATE INDEX api_keys_by_user on api_keys (tenant_id, user_id, status);

CREATE TABLE assertion_ids (
    organization_id text not null,
    client_id       text not null,
    id              text not null,
    expires_at      integer not null,
    primary key (client_id, id),
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX assertion_ids_by_expiry on assertion_ids (expires_at);

CREATE TABLE audit_chains (
    organization_id text primary key,
    position        integer not null,
    hash            text not null
) strict, without rowid;

CREATE TABLE audit_records (
    seq             integer primary key autoincrement,
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    time            integer not null,
    actor_kind      text not null,
    actor_id        text not null,
    action          text not null,
    target          text not null,
    outcome         text not null,
    data            text not null,
    trace_id        text not null
, id text not null default '', event_type text not null default '', source text not null default '', user_id text not null default '', position integer not null default 0, hash text not null default '') strict;

CREATE UNIQUE INDEX audit_records_by_id on audit_records (organization_id, id);

CREATE UNIQUE INDEX audit_records_by_position on audit_records (organization_id, position) where position > 0;

CREATE INDEX audit_records_by_tenant on audit_records (organization_id, tenant_id, time, seq);

CREATE INDEX audit_records_by_tenant_and_type on audit_records (organization_id, tenant_id, event_type, time, seq);

CREATE INDEX audit_records_by_time on audit_records (organization_id, time, seq);

CREATE INDEX audit_records_by_type on audit_records (organization_id, event_type, time, seq);

CREATE INDEX audit_records_by_user on audit_records (organization_id, user_id, time, seq) where user_id <> '';

CREATE TABLE auth_settings (
    tenant_id        text primary key,
    organization_id  text not null,
    idle_micros      integer not null check (idle_micros > 0),
    lifespan_micros  integer not null check (lifespan_micros > 0),
    updated_at       integer not null, registration integer not null default 0 check (registration in (0, 1)), registration_methods text not null default '["none","client_secret"]',
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE changes (
    seq        integer primary key autoincrement,
    kind       text not null,
    key        text not null,
    created_at integer not null
) strict;

CREATE TABLE client_connections (
    organization_id text not null,
    client_id       text not null,
    tenant_id       text not null,
    consent         text not null,
    created_at      integer not null,
    updated_at      integer not null, permissions text not null default '[]', grant_types text not null default '[]',
    primary key (client_id, tenant_id),
    foreign key (organization_id, client_id) references clients (organization_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

CREATE INDEX client_connections_by_tenant on client_connections (tenant_id, client_id);

CREATE TABLE client_secrets (
    organization_id text not null,
    client_id       text not null,
    hint            text not null,
    key_id          text not null,
    hash            blob not null,
    created_by      text not null,
    created_at      integer not null, expires_at integer not null default 0, first_used_at integer not null default 0, last_used_at integer not null default 0, warned_at integer not null default 0, rotation text not null default '', end_before integer not null default 0,
    primary key (client_id, hint),
    foreign key (organization_id, client_id) references clients (organization_id, id)
) strict, without rowid;

CREATE INDEX client_secrets_by_end on client_secrets (expires_at) where expires_at <> 0;

CREATE TABLE client_usage (
    organization_id text not null,
    client_id       text not null,
    tenant_id       text not null,
    first_used_at   integer not null,
    last_used_at    integer not null,
    tokens          integer not null,
    primary key (client_id, tenant_id),
    foreign key (organization_id, client_id) references clients (organization_id, id)
) strict, without rowid;

CREATE INDEX client_usage_by_tenant on client_usage (tenant_id, last_used_at) where tenant_id <> '';

CREATE TABLE clients (
    id              text primary key,
    level           text not null,
    organization_id text not null references organizations (id),
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    name            text not null,
    description     text not null,
    app_type        text not null,
    permissions     text not null,
    grant_types     text not null,
    auth_methods    text not null,
    consent         text not null,
    settings        text not null,
    created_by      text not null,
    created_by_type text not null,
    created_at      integer not null,
    updated_at      integer not null,
    disabled_at     integer not null, published_at integer not null default 0, deleted_at integer not null default 0, name_key text not null default '',
    unique (organization_id, id),
    check (
        level = 'organization' and subscription_id = '' and region = '' and tenant_id = ''
        or level = 'region' and subscription_id <> '' and region <> '' and tenant_id = ''
        or level = 'tenant' and subscription_id <> '' and region <> '' and tenant_id <> ''
    )
) strict;

CREATE INDEX clients_by_name on clients (organization_id, level, name_key, id);

CREATE INDEX clients_by_owner on clients (organization_id, level, subscription_id, region, tenant_id, created_at, id);

CREATE INDEX clients_by_tenant on clients (tenant_id, id) where tenant_id <> '';

CREATE INDEX clients_pending on clients (created_at) where consent = 'pending';

CREATE INDEX clients_published on clients (organization_id, region, id) where published_at <> 0;

CREATE INDEX clients_stopped on clients (organization_id, id) where deleted_at <> 0 or disabled_at <> 0;

CREATE TABLE credentials (
    tenant_id       text,
    id              text primary key,
    organization_id text not null,
    user_id         text,
    account_id      text,
    kind            text not null check (kind in ('passkey', 'password', 'totp', 'recovery-code')),
    name            text not null,
    data            blob not null,
    counter         integer not null,
    created_at      integer not null,
    last_used_at    integer not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict;

CREATE INDEX credentials_by_account on credentials (organization_id, account_id);

CREATE INDEX credentials_by_user on credentials (tenant_id, user_id);

CREATE UNIQUE INDEX credentials_one_of_account on credentials (organization_id, account_id, kind) where tenant_id is null and kind in ('password', 'totp');

CREATE UNIQUE INDEX credentials_one_of_user on credentials (tenant_id, user_id, kind) where tenant_id is not null and kind in ('password', 'totp');

CREATE TABLE csp_origins (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    origin          text not null,
    name            text not null,
    description     text not null,
    directives      integer not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    unique (tenant_id, origin),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE directories (
    organization_id text not null,
    tenant_id       text primary key,
    settings        text not null,
    changes         integer not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE event_cursors (
    consumer        text not null,
    organization_id text not null references audit_chains (organization_id),
    position        integer not null,
    primary key (consumer, organization_id)
) strict, without rowid;

CREATE TABLE forms (
    nonce      text primary key,
    begun_at   integer not null,
    expires_at integer not null,
    result     blob
) strict;

CREATE INDEX forms_by_end on forms (expires_at);

CREATE TABLE group_members (
    organization_id text not null,
    tenant_id       text not null,
    user_id         text not null,
    group_id        text not null,
    primary key (tenant_id, user_id, group_id),
    foreign key (organization_id, tenant_id, group_id) references groups (organization_id, tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX group_members_by_group on group_members (organization_id, tenant_id, group_id);

CREATE TABLE groups (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    name            text not null,
    name_key        text not null,
    description     text not null,
    provider        text not null,
    status          text not null,
    roles           text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    updated_by      text not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX groups_by_created_at on groups (tenant_id, created_at, id);

CREATE INDEX groups_by_name on groups (tenant_id, name_key, id);

CREATE TABLE hostnames (
    hostname        text primary key,
    organization_id text not null,
    tenant_id       text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

CREATE INDEX hostnames_by_tenant on hostnames (tenant_id);

CREATE TABLE idempotency_keys (
    organization_id text not null references organizations (id),
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    client_id       text not null,
    key             text not null,
    request_hash    blob not null,
    answer          text not null,
    created_at      integer not null,
    primary key (organization_id, subscription_id, region, tenant_id, client_id, key)
) strict, without rowid;

CREATE INDEX idempotency_keys_by_age on idempotency_keys (created_at);

CREATE INDEX idempotency_keys_by_tenant on idempotency_keys (tenant_id) where tenant_id <> '';

CREATE TABLE identity_providers (
    tenant_id       text not null,
    id              text not null,
    organization_id text not null,
    protocol        text not null,
    interactive     integer not null check (interactive in (0, 1)),
    active          integer not null check (active in (0, 1)),
    issuer          text not null,
    settings        text not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE UNIQUE INDEX identity_providers_interactive on identity_providers (tenant_id) where interactive = 1;

CREATE UNIQUE INDEX identity_providers_issuer on identity_providers (tenant_id, issuer) where issuer <> '';

CREATE TABLE keys (
    id         text primary key,
    purpose    text not null,
    algorithm  text not null,
    sealed     blob not null,
    created_at integer not null
, active_at integer not null default 0, generation integer not null default 1) strict;

CREATE UNIQUE INDEX keys_by_generation on keys (purpose, generation);

CREATE TABLE license_assignments (
    organization_id text not null,
    subscription_id text not null,
    tenant_id       text not null,
    subject         text not null,
    subject_key     text not null,
    type            text not null,
    created_at      integer not null,
    primary key (tenant_id, subject),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX license_assignments_by_created_at on license_assignments (tenant_id, created_at, subject);

CREATE INDEX license_assignments_by_subject on license_assignments (tenant_id, subject_key, subject);

CREATE INDEX license_assignments_by_type on license_assignments (subscription_id, type);

CREATE TABLE oauth_codes (
    hash             text primary key,
    organization_id  text not null,
    tenant_id        text not null,
    client_id        text not null,
    person           text not null,
    family_id        text not null,
    redirect_uri     text not null,
    challenge        text not null,
    permissions      text not null,
    authenticated_at integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    used_at          integer not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

CREATE INDEX oauth_codes_by_client on oauth_codes (organization_id, client_id);

CREATE INDEX oauth_codes_by_end on oauth_codes (expires_at);

CREATE INDEX oauth_codes_by_grant on oauth_codes (tenant_id, client_id, person);

CREATE TABLE oauth_devices (
    hash             text primary key,
    tenant_id        text not null,
    user_code        text not null,
    client_id        text not null,
    permissions      text not null,
    status           text not null check (status in ('pending', 'approved', 'denied')),
    organization_id  text not null,
    granted_to       text not null,
    person           text not null,
    authenticated_at integer not null,
    interval_micros  integer not null,
    polled_at        integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    unique (tenant_id, user_code)
) strict;

CREATE INDEX oauth_devices_by_end on oauth_devices (expires_at);

CREATE TABLE oauth_families (
    id               text primary key,
    organization_id  text not null,
    tenant_id        text not null,
    client_id        text not null,
    person           text not null,
    permissions      text not null,
    thumbprint       text not null,
    authenticated_at integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

CREATE INDEX oauth_families_by_client on oauth_families (organization_id, client_id);

CREATE INDEX oauth_families_by_end on oauth_families (expires_at);

CREATE INDEX oauth_families_by_grant on oauth_families (tenant_id, client_id, person);

CREATE TABLE oauth_grants (
    id              text primary key,
    organization_id text not null,
    tenant_id       text not null,
    client_id       text not null,
    user_id         text not null,
    created_at      integer not null,
    last_used_at    integer not null, approved text not null default '',
    unique (tenant_id, client_id, user_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, client_id) references clients (organization_id, id) on delete cascade
) strict;

CREATE INDEX oauth_grants_by_user on oauth_grants (organization_id, tenant_id, user_id, id);

CREATE TABLE oauth_refresh_tokens (
    hash       text primary key,
    family_id  text not null references oauth_families (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null,
    used_at    integer not null
) strict;

CREATE INDEX oauth_refresh_tokens_by_end on oauth_refresh_tokens (expires_at);

CREATE INDEX oauth_refresh_tokens_by_family on oauth_refresh_tokens (family_id);

CREATE TABLE organization_identity_providers (
    organization_id text not null references organizations (id),
    id              text not null,
    protocol        text not null,
    interactive     integer not null check (interactive in (0, 1)),
    active          integer not null check (active in (0, 1)),
    issuer          text not null,
    settings        text not null,
    created_at      integer not null,
    updated_at      integer not null,
    primary key (organization_id, id)
) strict, without rowid;

CREATE UNIQUE INDEX organization_identity_providers_interactive on organization_identity_providers (organization_id) where interactive = 1;

CREATE TABLE organizations (
    id         text primary key,
    name       text not null,
    created_at integer not null,
    updated_at integer not null
) strict;

CREATE TABLE peer_notes (
    seq        integer primary key autoincrement,
    node       text not null,
    kind       text not null,
    body       text not null,
    created_at integer not null
) strict;

CREATE INDEX peer_notes_by_node on peer_notes (node, created_at);

CREATE TABLE provisioners (
    id              text primary key,
    organization_id text not null,
    subscription_id text not null,
    name            text not null,
    url             text not null,
    sealed_secret   blob not null,
    created_by      text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict;

CREATE INDEX provisioners_by_subscription on provisioners (organization_id, subscription_id, created_at, id);

CREATE TABLE provisionings (
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    provisioner_id  text not null,
    call_id         text not null,
    change          text not null,
    state           text not null,
    message         text not null,
    accepted_until  integer not null,
    updated_at      integer not null,
    primary key (tenant_id, provisioner_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id),
    foreign key (organization_id, provisioner_id) references provisioners (organization_id, id)
) strict, without rowid;

CREATE INDEX provisionings_by_provisioner on provisionings (provisioner_id, tenant_id);

CREATE TABLE regions (
    code         text primary key,
    name         text not null,
    datacenter   text not null,
    country_code text not null,
    created_at   integer not null
) strict;

CREATE TABLE revoked_grants (
    tenant_id       text not null,
    client_id       text not null,
    user_id         text not null,
    organization_id text not null,
    issued_until    integer not null,
    expires_at      integer not null,
    created_at      integer not null,
    primary key (tenant_id, client_id, user_id)
) strict, without rowid;

CREATE INDEX revoked_grants_by_expiry on revoked_grants (expires_at);

CREATE TABLE revoked_tokens (
    jti             text primary key,
    organization_id text not null,
    client_id       text not null,
    expires_at      integer not null,
    created_at      integer not null
) strict;

CREATE INDEX revoked_tokens_by_expiry on revoked_tokens (expires_at);

CREATE TABLE river_job (
    id integer primary key autoincrement,
    args blob not null default (jsonb('{}')),
    attempt integer not null default 0,
    attempted_at timestamp,
    attempted_by blob,
    created_at timestamp not null default current_timestamp,
    errors blob,
    finalized_at timestamp,
    kind text not null,
    max_attempts integer not null default 25,
    metadata blob not null default (jsonb('{}')),
    priority integer not null default 1,
    queue text not null default 'default',
    state text not null default 'available',
    scheduled_at timestamp not null default current_timestamp,
    tags blob not null default (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    constraint finalized_or_finalized_at_null check (
        (finalized_at is null and state not in ('cancelled', 'completed', 'discarded')) or
        (finalized_at is not null and state in ('cancelled', 'completed', 'discarded'))
    ),
    constraint priority_in_range check (priority >= 1 and priority <= 4),
    constraint queue_length check (length(queue) > 0 and length(queue) < 128),
    constraint kind_length check (length(kind) > 0 and length(kind) < 128),
    constraint state_valid check (state in ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);

CREATE INDEX river_job_kind on river_job (kind);

CREATE INDEX river_job_prioritized_fetching_index on river_job (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index on river_job (state, finalized_at) where finalized_at is not null;

CREATE UNIQUE INDEX river_job_unique_idx on river_job (unique_key)
    where unique_key is not null
        and unique_states is not null
        and case state
            when 'available' then unique_states & (1 << 0)
            when 'cancelled' then unique_states & (1 << 1)
            when 'completed' then unique_states & (1 << 2)
            when 'discarded' then unique_states & (1 << 3)
            when 'pending'   then unique_states & (1 << 4)
            when 'retryable' then unique_states & (1 << 5)
            when 'running'   then unique_states & (1 << 6)
            when 'scheduled' then unique_states & (1 << 7)
            else 0
        end >= 1;

CREATE TABLE river_leader (
    elected_at timestamp not null,
    expires_at timestamp not null,
    leader_id text not null,
    name text primary key not null default 'default' check (name = 'default'),
    constraint name_length check (length(name) > 0 and length(name) < 128),
    constraint leader_id_length check (length(leader_id) > 0 and length(leader_id) < 128)
);

CREATE TABLE river_migration (
    line text not null,
    version integer not null,
    created_at timestamp not null default current_timestamp,
    constraint line_length check (length(line) > 0 and length(line) < 128),
    constraint version_gte_1 check (version >= 1),
    primary key (line, version)
);

CREATE TABLE river_notification (
    id integer primary key autoincrement,
    created_at timestamp not null default (datetime('now', 'subsec')),
    payload text not null,
    topic text not null,
    constraint topic_length check (length(topic) > 0 and length(topic) < 128)
);

CREATE INDEX river_notification_created_at_idx on river_notification (created_at);

CREATE INDEX river_notification_topic_id_idx on river_notification (topic, id);

CREATE TABLE river_queue (
    name text primary key not null,
    created_at timestamp not null default current_timestamp,
    metadata blob not null default (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp not null default current_timestamp
);

CREATE TABLE role_holders (
    organization_id text not null,
    tenant_id       text not null,
    role            text not null,
    holder_id       text not null,
    primary key (tenant_id, role, holder_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX role_holders_by_holder on role_holders (tenant_id, holder_id);

CREATE TABLE roles (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    name            text not null,
    description     text not null,
    scopes          text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    updated_by      text not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE saved_views (
    id              text primary key,
    organization_id text not null,
    account_id      text not null,
    list            text not null,
    name            text not null,
    name_key        text not null,
    query           text not null,
    created_at      integer not null,
    updated_at      integer not null,
    unique (account_id, list, name_key),
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict;

CREATE TABLE "sessions" (
    tenant_id       text,
    id              text primary key,
    organization_id text not null,
    user_id         text,
    account_id      text,
    provider_id     text,
    method          text not null,
    agent           text not null,
    address         text not null,
    created_at      integer not null,
    last_used_at    integer not null,
    expires_at      integer not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, provider_id) references identity_providers (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict;

CREATE INDEX sessions_by_account on sessions (organization_id, account_id);

CREATE INDEX sessions_by_end on sessions (expires_at);

CREATE INDEX sessions_by_provider on sessions (tenant_id, provider_id);

CREATE INDEX sessions_by_user on sessions (tenant_id, user_id);

CREATE TABLE sign_in_links (
    tenant_id       text,
    id              text primary key,
    organization_id text not null,
    user_id         text,
    account_id      text,
    recovery        integer not null check (recovery in (0, 1)),
    created_by      text not null,
    created_at      integer not null,
    expires_at      integer not null,
    check ((tenant_id is null) = (user_id is null)),
    check ((tenant_id is null) = (account_id is not null)),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (organization_id, account_id) references accounts (organization_id, id) on delete cascade
) strict;

CREATE INDEX sign_in_links_by_account on sign_in_links (organization_id, account_id);

CREATE INDEX sign_in_links_by_end on sign_in_links (expires_at);

CREATE INDEX sign_in_links_by_user on sign_in_links (tenant_id, user_id);

CREATE TABLE space_assignments (
    organization_id text not null,
    tenant_id       text not null,
    space_id        text not null,
    id              text not null,
    type            text not null,
    assignee_id     text not null,
    roles           text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    updated_by      text not null,
    primary key (tenant_id, space_id, id),
    unique (tenant_id, assignee_id, space_id),
    foreign key (organization_id, tenant_id, space_id) references spaces (organization_id, tenant_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE spaces (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    type            text not null,
    name            text not null,
    name_key        text not null,
    description     text not null,
    owner_id        text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE INDEX spaces_by_created_at on spaces (tenant_id, created_at, id);

CREATE INDEX spaces_by_name on spaces (tenant_id, name_key, id);

CREATE INDEX spaces_by_owner on spaces (tenant_id, owner_id, name_key, id);

CREATE TABLE subscription_owners (
    organization_id text not null,
    subscription_id text not null,
    account_id      text not null,
    primary key (subscription_id, account_id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id),
    foreign key (organization_id, account_id) references accounts (organization_id, id)
) strict, without rowid;

CREATE INDEX subscription_owners_by_account on subscription_owners (organization_id, account_id);

CREATE TABLE subscription_regions (
    organization_id text not null,
    subscription_id text not null,
    region          text not null references regions (code),
    primary key (subscription_id, region),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict, without rowid;

CREATE TABLE subscription_seats (
    organization_id text not null,
    subscription_id text not null,
    type            text not null,
    units           integer not null check (units >= 0),
    changes         integer not null,
    primary key (subscription_id, type),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict, without rowid;

CREATE TABLE subscriptions (
    id              text primary key,
    organization_id text not null references organizations (id),
    name            text not null,
    tenant_limit    integer not null check (tenant_limit >= 1),
    tenant_count    integer not null default 0 check (tenant_count between 0 and tenant_limit),
    starts_at       integer not null,
    ends_at         integer not null check (ends_at > starts_at),
    created_at      integer not null,
    updated_at      integer not null, rate_tier1 integer not null default 0 check (rate_tier1 between 0 and 1000000), rate_tier2 integer not null default 0 check (rate_tier2 between 0 and 1000000),
    unique (organization_id, id)
) strict;

CREATE TABLE tenant_counts (
    organization_id    text not null,
    subscription_id    text not null,
    region             text not null,
    datacenter         text not null,
    country_code       text not null,
    status             text not null,
    provisioning_state text not null,
    tenants            integer not null,
    primary key (organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict, without rowid;

CREATE TABLE tenant_days (
    organization_id text not null references organizations (id),
    day             integer not null,
    tenants         integer not null,
    primary key (organization_id, day)
) strict, without rowid;

CREATE TABLE tenant_erasures (
    organization_id text not null,
    tenant_id       text not null primary key,
    since           integer not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE tenant_labels (
    organization_id text not null,
    tenant_id       text not null,
    name            text not null,
    value           text not null,
    primary key (tenant_id, name),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

CREATE INDEX tenant_labels_by_value on tenant_labels (name, value, tenant_id);

CREATE TABLE tenant_preferences (
    tenant_id        text primary key,
    organization_id  text not null,
    settings         text not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE tenants (
    id                text primary key,
    organization_id   text not null,
    subscription_id   text not null,
    region            text not null references regions (code),
    datacenter        text not null,
    country_code      text not null,
    name              text not null,
    name_key          text not null,
    hostname          text not null,
    alias             text not null,
    status            text not null,
    status_updated_at integer not null,
    external_id       text not null,
    labels            text not null,
    created_by        text not null,
    created_at        integer not null,
    updated_at        integer not null, rev integer not null default 1, purge_at integer not null default 0, deletion_protection integer not null default 0, settings text not null default '{}', provisioning_state text not null default 'ready', provisioning_message text not null default '', provisioning_at integer not null default 0,
    unique (organization_id, id),
    foreign key (organization_id, subscription_id) references subscriptions (organization_id, id)
) strict;

CREATE INDEX tenants_by_country on tenants (organization_id, country_code, created_at, id);

CREATE INDEX tenants_by_created_at on tenants (organization_id, created_at, id);

CREATE INDEX tenants_by_datacenter on tenants (organization_id, datacenter, created_at, id);

CREATE INDEX tenants_by_hostname on tenants (organization_id, hostname, id);

CREATE INDEX tenants_by_name on tenants (organization_id, name_key, created_at, id);

CREATE INDEX tenants_by_purge on tenants (purge_at, id) where status = 'disabled';

CREATE INDEX tenants_by_region on tenants (organization_id, subscription_id, region, created_at, id);

CREATE INDEX tenants_by_status on tenants (organization_id, status, created_at, id);

CREATE INDEX tenants_by_subscription on tenants (organization_id, subscription_id, created_at, id);

CREATE INDEX tenants_by_updated_at on tenants (organization_id, updated_at, id);

CREATE UNIQUE INDEX tenants_external_id on tenants (subscription_id, external_id) where external_id <> '';

CREATE TABLE usage_journal (
    shard      integer not null,
    id         text not null,
    entries    text not null,
    created_at integer not null,
    primary key (shard, id)
) strict, without rowid;

CREATE TABLE used_proofs (
    id         blob not null,
    expires_at integer not null,
    primary key (id)
) strict, without rowid;

CREATE INDEX used_proofs_by_expiry on used_proofs (expires_at);

CREATE TABLE users (
    tenant_id       text not null,
    id              text not null,
    organization_id text not null,
    subject         text not null,
    name            text not null,
    email           text not null,
    status          text not null,
    client_id       text not null,
    roles           text not null,
    created_at      integer not null,
    updated_at      integer not null, stopped_with_client integer not null default 0, name_key text not null default '', email_key text not null default '', subject_key text not null default '', profile text not null default '{}', invite_expires_at integer not null default 0,
    primary key (tenant_id, id),
    unique (tenant_id, subject),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id)
) strict, without rowid;

CREATE INDEX users_by_client on users (organization_id, client_id, tenant_id) where client_id <> '';

CREATE INDEX users_by_created_at on users (tenant_id, created_at, id);

CREATE INDEX users_by_email on users (tenant_id, email_key, id);

CREATE INDEX users_by_name on users (tenant_id, name_key, id);

CREATE INDEX users_by_subject_key on users (tenant_id, subject_key, id);

CREATE UNIQUE INDEX users_one_bot on users (tenant_id, client_id) where client_id <> '';

CREATE TABLE web_integrations (
    organization_id text not null,
    tenant_id       text not null,
    id              text not null,
    name            text not null,
    origins         text not null,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    primary key (tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
) strict, without rowid;

CREATE TABLE webhook_deliveries (
    id              text primary key,
    organization_id text not null,
    subscription_id text not null,
    region          text not null,
    tenant_id       text not null,
    webhook_id      text not null,
    event_id        text not null,
    event_type      text not null,
    status          text not null,
    message         text not null,
    triggered_at    integer not null,
    attempts        integer not null,
    request         text not null,
    response        text not null,
    foreign key (organization_id, webhook_id) references webhooks (organization_id, id) on delete cascade
) strict;

CREATE INDEX webhook_deliveries_by_age on webhook_deliveries (triggered_at);

CREATE INDEX webhook_deliveries_by_webhook on webhook_deliveries (organization_id, webhook_id, triggered_at, id);

CREATE TABLE webhooks (
    id               text primary key,
    organization_id  text not null references organizations (id),
    subscription_id  text not null,
    region           text not null,
    tenant_id        text not null,
    name             text not null,
    description      text not null,
    url              text not null,
    event_types      text not null,
    filter           text not null,
    enabled          integer not null,
    headers          text not null,
    hidden_headers   text not null,
    has_secret       integer not null,
    sealed           blob not null,
    check_revocation integer not null,
    origin           text not null,
    created_at       integer not null,
    created_by       text not null,
    updated_at       integer not null,
    updated_by       text not null,
    disabled_reason  text not null,
    disabled_code    text not null,
    failing_since    integer not null,
    after_position   integer not null,
    unique (organization_id, id)
) strict;

CREATE INDEX webhooks_by_owner on webhooks (organization_id, tenant_id, id);

