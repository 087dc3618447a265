-- One row for each authorization. Revoking it kills every token of the grant at once, and its row lock settles who
-- comes first when a token is rotated and the grant revoked at the same moment.
create table _ayb_oauth_grants (
    id blob primary key,
    client_id blob not null references _ayb_oauth_clients (client_id),
    user_id blob not null references _ayb_users (id) on delete cascade,
    session_id blob,
    scope text not null,
    allowed_tables text,
    claims text,
    auth_time integer not null,
    amr text not null,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    revoked_at integer,
    revoked_reason text
) strict, without rowid;
create index idx_oauth_grants_user_id on _ayb_oauth_grants (user_id);
create index idx_oauth_grants_client_id on _ayb_oauth_grants (client_id);
