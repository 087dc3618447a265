//! Points in time and lifetimes. Nothing here reads a clock: the server's `clock.rs` does, once per request.

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, UTC.
///
/// Tokens speak in whole seconds ([`Timestamp::as_seconds`]); rows keep milliseconds, so that two events in one
/// second keep their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch (the `NumericDate` of RFC 7519 §2).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down (the `NumericDate` of RFC 7519 §2).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The point in time `lifetime` later; stops at the end of the representable range.
    #[must_use]
    pub const fn plus(self, lifetime: Seconds) -> Self {
        Self(self.0.saturating_add(lifetime.as_millis()))
    }

    /// The point in time `lifetime` earlier; stops at the start of the representable range.
    #[must_use]
    pub const fn minus(self, lifetime: Seconds) -> Self {
        Self(self.0.saturating_sub(lifetime.as_millis()))
    }

    /// Whole seconds from `earlier` to `self`, zero when `earlier` is later.
    pub const fn seconds_since(self, earlier: Timestamp) -> Seconds {
        let gap = self.0.saturating_sub(earlier.0);
        if gap <= 0 { Seconds(0) } else { Seconds((gap / 1000) as u64) }
    }
}

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Seconds {
    /// The same length in milliseconds; stops at the largest representable value.
    pub const fn as_millis(self) -> i64 {
        let millis = self.0.saturating_mul(1000);
        if millis > i64::MAX as u64 { i64::MAX } else { millis as i64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_millis(1999).as_seconds(), 1);
        assert_eq!(Timestamp::from_millis(-1).as_seconds(), -1);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_instead_of_wrapping() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Seconds(u64::MAX)), end);
        assert_eq!(Timestamp::from_millis(i64::MIN).minus(Seconds(1)).as_millis(), i64::MIN);
        assert_eq!(Timestamp::from_seconds(5).seconds_since(Timestamp::from_seconds(9)), Seconds(0));
    }
}
