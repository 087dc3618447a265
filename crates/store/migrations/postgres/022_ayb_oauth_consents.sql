-- What a person has allowed a client, so that they are asked again only for more.
create table _ayb_oauth_consents (
    id uuid primary key,
    user_id uuid not null references _ayb_users (id) on delete cascade,
    client_id varchar not null references _ayb_oauth_clients (client_id),
    scope varchar not null,
    allowed_tables text[],
    granted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, client_id)
);
