-- People. An address is stored in lowercase, so that uniqueness means what people think it means.
create table _ayb_users (
    id blob primary key,
    email text not null unique,
    password_hash text,
    email_verified integer not null default 0 check (email_verified in (0, 1)),
    name text,
    picture text,
    disabled_at integer,
    password_changed_at integer,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
