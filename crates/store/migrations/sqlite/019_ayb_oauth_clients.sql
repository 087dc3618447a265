-- Clients. Which redirect addresses and scopes a kind of client needs is a rule, not a check: a machine client has no
-- address, and the list of scopes grows.
create table _ayb_oauth_clients (
    id blob primary key,
    app_id blob not null references _ayb_apps (id) on delete restrict,
    client_id blob not null unique
        check (length(client_id) = 24),
    client_secret_hash blob check (length(client_secret_hash) = 32),
    name text not null,
    redirect_uris text not null,
    scopes text not null,
    client_type text not null check (client_type in ('confidential', 'public')),
    allowed_origins text not null default '[]',
    post_logout_redirect_uris text not null default '[]',
    token_format text not null default 'opaque' check (token_format in ('opaque', 'jwt')),
    signing_alg text not null default 'RS256' check (signing_alg in ('RS256', 'ES256', 'EdDSA')),
    audience text,
    refresh_tokens integer not null default 1 check (refresh_tokens in (0, 1)),
    refresh_grace_seconds integer not null default 0 check (refresh_grace_seconds between 0 and 60),
    previous_secret_hash blob
        check (length(previous_secret_hash) = 32),
    previous_secret_expires_at integer,
    version integer not null default 1,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    revoked_at integer,
    constraint _ayb_oauth_clients_secret_check
        check ((client_type = 'confidential') = (client_secret_hash is not null)),
    constraint _ayb_oauth_clients_previous_secret_check
        check ((previous_secret_hash is null) = (previous_secret_expires_at is null))
) strict, without rowid;
create index idx_oauth_clients_app_id on _ayb_oauth_clients (app_id);
