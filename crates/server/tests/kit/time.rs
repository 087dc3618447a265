//! Distances in time, and when tests begin.

use ayb_protocol::time::{Seconds, Timestamp};

/// When every test begins: 2027-01-15T08:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) const fn seconds(count: u64) -> Seconds {
    Seconds(count)
}

pub(crate) const fn minutes(count: u64) -> Seconds {
    Seconds(count * 60)
}

pub(crate) const fn hours(count: u64) -> Seconds {
    Seconds(count * 3600)
}

pub(crate) const fn days(count: u64) -> Seconds {
    Seconds(count * 86_400)
}
