-- What an installation remembers about itself.
create table _ayb_settings (
    key text primary key,
    value text not null,
    updated_at timestamptz not null default now()
);
