-- What an installation remembers about itself.
create table _ayb_settings (
    key text primary key,
    value text not null,
    updated_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
