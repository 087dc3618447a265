-- Failed attempts, counted by a key that does not show an address or a name.
create table _ayb_throttle (
    key text primary key,
    count integer not null,
    window_start timestamptz not null,
    blocked_until timestamptz
);
