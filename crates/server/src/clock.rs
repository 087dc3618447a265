//! The one place that reads the system clock. A request reads it once and hands the value down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ayb_protocol::time::{Seconds, Timestamp};

/// Tells the time: the system's, or one that a test moves by hand. Clones of a manual clock share their time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `start` until [`Clock::travel`] or [`Clock::set`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.as_millis()))))
    }

    /// The current point in time. Never fails: a system clock before 1970 gives a negative timestamp, and one
    /// that jumps back gives an earlier timestamp than before, which every caller has to bear.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => read_system(),
            Source::Manual(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward. The system clock is not ours to move and stays as it is.
    pub fn travel(&self, distance: Seconds) {
        if let Source::Manual(millis) = &self.0 {
            let moved = Timestamp::from_millis(millis.load(Ordering::SeqCst)).plus(distance);
            millis.store(moved.as_millis(), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, backwards too. The system clock stays as it is.
    pub fn set(&self, to: Timestamp) {
        if let Source::Manual(millis) = &self.0 {
            millis.store(to.as_millis(), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the system clock")]
fn read_system() -> Timestamp {
    let millis = |gap: Duration| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_millis(millis(since)),
        Err(before) => Timestamp::from_millis(-millis(before.duration())),
    }
}

/// Measures how long something takes. It never runs backwards, whatever the wall clock does.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring now.
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the system clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        let twin = clock.clone();
        assert_eq!(clock.now(), Timestamp::from_seconds(100));
        clock.travel(Seconds(50));
        assert_eq!(twin.now(), Timestamp::from_seconds(150));
    }

    #[test]
    fn a_backwards_jump_is_reported_as_it_is() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        clock.set(Timestamp::from_seconds(-5));
        assert_eq!(clock.now(), Timestamp::from_seconds(-5));
        clock.set(Timestamp::from_seconds(0));
        clock.travel(Seconds(u64::MAX));
        assert_eq!(clock.now(), Timestamp::from_millis(i64::MAX));
    }

    #[test]
    fn the_system_clock_is_past_the_year_2025_and_cannot_be_moved() {
        let clock = Clock::system();
        let before = clock.now();
        assert!(before > Timestamp::from_seconds(1_735_689_600));
        clock.travel(Seconds(1_000_000));
        assert!(clock.now().seconds_since(before) < Seconds(1_000));
    }
}
