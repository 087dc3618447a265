-- Clients. Which redirect addresses and scopes a kind of client needs is a rule, not a check: a machine client has no
-- address, and the list of scopes grows.
create table _ayb_oauth_clients (
    id uuid primary key,
    app_id uuid not null references _ayb_apps (id) on delete restrict,
    client_id varchar not null unique check (client_id ~ '^ayb_cid_[0-9a-f]{48}$'),
    client_secret_hash varchar check (client_secret_hash ~ '^[0-9a-f]{64}$'),
    name varchar not null,
    redirect_uris text[] not null,
    scopes text[] not null,
    client_type varchar not null check (client_type in ('confidential', 'public')),
    allowed_origins text[] not null default '{}',
    post_logout_redirect_uris text[] not null default '{}',
    token_format varchar not null default 'opaque' check (token_format in ('opaque', 'jwt')),
    signing_alg varchar not null default 'RS256' check (signing_alg in ('RS256', 'ES256', 'EdDSA')),
    audience varchar,
    refresh_tokens boolean not null default true,
    refresh_grace_seconds integer not null default 0 check (refresh_grace_seconds between 0 and 60),
    previous_secret_hash varchar check (previous_secret_hash ~ '^[0-9a-f]{64}$'),
    previous_secret_expires_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    revoked_at timestamptz,
    constraint _ayb_oauth_clients_secret_check
        check ((client_type = 'confidential') = (client_secret_hash is not null)),
    constraint _ayb_oauth_clients_previous_secret_check
        check ((previous_secret_hash is null) = (previous_secret_expires_at is null))
);
create index idx_oauth_clients_app_id on _ayb_oauth_clients (app_id);
