-- Who is signed in. The secret says which row is its own; the row's hash says whether the secret is right.
create table _ayb_sessions (
    id blob primary key,
    kind text not null check (kind in ('browser', 'api', 'admin')),
    token_hash blob not null,
    user_id blob references _ayb_users (id) on delete cascade,
    auth_time integer not null,
    amr text not null,
    user_agent text,
    ip text,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    last_used_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    expires_at integer not null,
    revoked_at integer,
    check (user_id is not null or kind = 'admin')
) strict, without rowid;
create index idx_sessions_user_id on _ayb_sessions (user_id);
