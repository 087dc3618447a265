-- What a person has allowed a client, so that they are asked again only for more.
create table _ayb_oauth_consents (
    id blob primary key,
    user_id blob not null references _ayb_users (id) on delete cascade,
    client_id blob not null references _ayb_oauth_clients (client_id),
    scope text not null,
    allowed_tables text,
    granted_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    unique (user_id, client_id)
) strict, without rowid;
