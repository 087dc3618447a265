-- API keys. There are few of them beside tokens, so a key is found by its hash, and the index settles that no two keys
-- are one. key_prefix is the part that its owner may see again.
create table _ayb_api_keys (
    id blob primary key,
    key_hash blob not null unique check (length(key_hash) = 32),
    key_prefix text not null,
    user_id blob not null references _ayb_users (id) on delete cascade,
    name text not null,
    scope text not null check (scope in ('readonly', 'readwrite', '*')),
    allowed_tables text,
    app_id blob references _ayb_apps (id) on delete restrict,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    expires_at integer,
    last_used_at integer,
    revoked_at integer
) strict, without rowid;
create index idx_api_keys_user_id on _ayb_api_keys (user_id);
create index idx_api_keys_app_id on _ayb_api_keys (app_id);
