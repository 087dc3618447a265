-- API keys. There are few of them beside tokens, so a key is found by its hash, and the index settles that no two keys
-- are one. key_prefix is the part that its owner may see again.
create table _ayb_api_keys (
    id uuid primary key,
    key_hash varchar not null unique check (key_hash ~ '^[0-9a-f]{64}$'),
    key_prefix varchar not null,
    user_id uuid not null references _ayb_users (id) on delete cascade,
    name varchar not null,
    scope varchar not null check (scope in ('readonly', 'readwrite', '*')),
    allowed_tables text[],
    app_id uuid references _ayb_apps (id) on delete restrict,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index idx_api_keys_user_id on _ayb_api_keys (user_id);
create index idx_api_keys_app_id on _ayb_api_keys (app_id);
