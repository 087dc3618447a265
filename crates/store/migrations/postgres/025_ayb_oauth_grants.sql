-- One row for each authorization. Revoking it kills every token of the grant at once, and its row lock settles who
-- comes first when a token is rotated and the grant revoked at the same moment.
create table _ayb_oauth_grants (
    id uuid primary key,
    client_id varchar not null references _ayb_oauth_clients (client_id),
    user_id uuid not null references _ayb_users (id) on delete cascade,
    session_id uuid,
    scope varchar not null,
    allowed_tables text[],
    claims jsonb,
    auth_time timestamptz not null,
    amr text[] not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    revoked_reason varchar
);
create index idx_oauth_grants_user_id on _ayb_oauth_grants (user_id);
create index idx_oauth_grants_client_id on _ayb_oauth_grants (client_id);
