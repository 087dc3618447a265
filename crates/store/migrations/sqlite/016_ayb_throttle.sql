-- How far limits are used, where several servers keep them together. Here there is one, and the table stays empty.
create table _ayb_throttle (
    key text primary key,
    count integer not null,
    window_start integer not null,
    blocked_until integer
) strict, without rowid;
