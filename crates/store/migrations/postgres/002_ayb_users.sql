-- People. An address is stored in lowercase, so that uniqueness means what people think it means.
create table _ayb_users (
    id uuid primary key,
    email text not null unique,
    password_hash text,
    email_verified boolean not null default false,
    name text,
    picture text,
    disabled_at timestamptz,
    password_changed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
