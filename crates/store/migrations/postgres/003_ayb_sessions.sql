-- Who is signed in. The secret says which row is its own; the row's hash says whether the secret is right.
create table _ayb_sessions (
    id uuid primary key,
    kind text not null check (kind in ('browser', 'api', 'admin')),
    token_hash text not null,
    user_id uuid references _ayb_users (id) on delete cascade,
    auth_time timestamptz not null,
    amr text[] not null,
    user_agent text,
    ip text,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    check (user_id is not null or kind = 'admin')
);
create index idx_sessions_user_id on _ayb_sessions (user_id);
