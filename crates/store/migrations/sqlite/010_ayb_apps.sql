-- Applications. The limit is a number of requests in one window (0: none), despite the name of its column, which
-- belongs to the interface.
create table _ayb_apps (
    id blob primary key,
    name text not null,
    description text not null default '',
    owner_user_id blob references _ayb_users (id) on delete set null,
    rate_limit_rps integer not null default 0 check (rate_limit_rps >= 0),
    rate_limit_window_seconds integer not null default 60 check (rate_limit_window_seconds > 0),
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index idx_apps_owner_user_id on _ayb_apps (owner_user_id);
