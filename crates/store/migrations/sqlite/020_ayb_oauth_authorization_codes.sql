-- Authorization codes: used once, gone after an hour. The code itself is nowhere, and its hash, which says what row it is
-- of like that of a token, has no index. Only codes that can still be used are ever looked for by their person.
create table _ayb_oauth_authorization_codes (
    id blob primary key,
    code_hash blob not null,
    client_id blob not null references _ayb_oauth_clients (client_id),
    user_id blob not null references _ayb_users (id) on delete cascade,
    redirect_uri text not null,
    scope text not null,
    allowed_tables text,
    code_challenge text not null,
    code_challenge_method text not null default 'S256' check (code_challenge_method = 'S256'),
    state text not null,
    nonce text,
    claims text,
    auth_time integer not null,
    amr text not null,
    session_id blob,
    grant_id blob not null,
    expires_at integer not null,
    used_at integer,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index idx_oauth_authorization_codes_user_id on _ayb_oauth_authorization_codes (user_id) where used_at is null;
