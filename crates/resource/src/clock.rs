//! Where the time comes from. This is the only file of the crate that reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use ayb_protocol::time::Timestamp;

/// Tells the time. Any function that returns a [`Timestamp`] is a clock, so a test can travel.
pub trait Clock: Send + Sync + 'static {
    /// The current point in time. It may jump, in both directions: whoever asks has to bear it.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the system clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is as good as one in 1970: every token is from the future then, and refused.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
