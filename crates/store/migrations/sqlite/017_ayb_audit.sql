-- Security events. No foreign keys: the trail outlives what it speaks of.
create table _ayb_audit (
    id blob primary key,
    at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    event text not null,
    actor text,
    client_id text,
    user_id blob,
    ip text,
    detail text
) strict, without rowid;
create index idx_audit_at on _ayb_audit (at);
