-- Links sent by mail: to set a new password, to show that an address is one's own.
create table _ayb_user_tokens (
    id blob primary key,
    kind text not null check (kind in ('reset', 'verify')),
    token_hash blob not null unique,
    user_id blob not null references _ayb_users (id) on delete cascade,
    email text not null,
    expires_at integer not null,
    used_at integer,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index idx_user_tokens_user_id on _ayb_user_tokens (user_id);
