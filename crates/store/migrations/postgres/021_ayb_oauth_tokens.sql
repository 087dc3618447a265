-- Access and refresh tokens. A token says by itself which row is its own, and ids grow with time, so rows are written
-- side by side. token_hash is compared after the row was found and is therefore not indexed: an index over random
-- values would cost half of all inserts, and more with every row. That no two rows share a hash follows from the id
-- being part of what is hashed. user_id has no index for the same reason. A refresh row says which access token was
-- issued beside it, and which refresh token replaced it. So the tokens of a grant are a chain, and only its head, to
-- which no other row leads, is found by grant_id: a rotation adds to the chain without touching an index somewhere in
-- the file. A token without a person is alone in its grant, found by its own id, and no head.
--
-- A refresh token is changed once, when it is replaced. The room for one more row in each page keeps that change in the
-- page, where it needs no new entries in the indexes and leaves nothing for the vacuum. PostgreSQL reads the text of a
-- check anew for each statement; with its values in one array it is short.
create table _ayb_oauth_tokens (
    id uuid primary key,
    token_hash varchar not null,
    token_type varchar not null check (token_type::text = any ('{access,refresh}'::text[])),
    client_id varchar not null references _ayb_oauth_clients (client_id),
    user_id uuid references _ayb_users (id) on delete cascade,
    scope varchar not null,
    allowed_tables text[],
    grant_id uuid not null,
    is_head boolean not null default false,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    access_id uuid,
    successor_id uuid,
    used_at timestamptz
) with (fillfactor = 95);
create index idx_oauth_tokens_grant_id on _ayb_oauth_tokens (grant_id) where is_head;
create index idx_oauth_tokens_client_id on _ayb_oauth_tokens (client_id);
