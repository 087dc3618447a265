-- Failed attempts, counted by a key that does not show an address or a name.
create table _ayb_throttle (
    key text primary key,
    count integer not null,
    window_start integer not null,
    blocked_until integer
) strict, without rowid;
