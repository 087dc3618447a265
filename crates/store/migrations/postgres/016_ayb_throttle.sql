-- How far limits are used, by a key that does not show an address or a name: the last part of a window that one server
-- took, how many requests it was taken for, and until when the limit counts anything. Not logged: a write costs no
-- flush, and a crash forgets the windows under way. The spare room keeps the many updates of one row in its page.
create unlogged table _ayb_throttle (
    key text primary key,
    count integer not null,
    window_start timestamptz not null,
    blocked_until timestamptz
) with (fillfactor = 50);
