-- Links sent by mail: to set a new password, to show that an address is one's own.
create table _ayb_user_tokens (
    id uuid primary key,
    kind text not null check (kind in ('reset', 'verify')),
    token_hash text not null unique,
    user_id uuid not null references _ayb_users (id) on delete cascade,
    email text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now()
);
create index idx_user_tokens_user_id on _ayb_user_tokens (user_id);
