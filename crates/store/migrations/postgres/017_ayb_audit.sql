-- Security events. No foreign keys: the trail outlives what it speaks of.
create table _ayb_audit (
    id uuid primary key,
    at timestamptz not null default now(),
    event text not null,
    actor text,
    client_id text,
    user_id uuid,
    ip text,
    detail jsonb
);
create index idx_audit_at on _ayb_audit (at);
