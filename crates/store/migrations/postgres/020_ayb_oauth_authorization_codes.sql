-- Authorization codes: used once, gone after an hour. The code itself is nowhere, and its hash, which says what row it is
-- of like that of a token, has no index.
-- Half of each page is left free: every code is changed once, and a row that stays on its page needs no new entries in
-- the indexes.
create table _ayb_oauth_authorization_codes (
    id uuid primary key,
    code_hash varchar not null,
    client_id varchar not null references _ayb_oauth_clients (client_id),
    user_id uuid not null references _ayb_users (id) on delete cascade,
    redirect_uri text not null,
    scope varchar not null,
    allowed_tables text[],
    code_challenge varchar not null,
    code_challenge_method varchar not null default 'S256' check (code_challenge_method = 'S256'),
    state varchar not null,
    nonce varchar,
    claims jsonb,
    auth_time timestamptz not null,
    amr text[] not null,
    session_id uuid,
    grant_id uuid not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now()
) with (fillfactor = 50);
create index idx_oauth_authorization_codes_user_id on _ayb_oauth_authorization_codes (user_id);
