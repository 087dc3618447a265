//! What comes from outside and is injected: time and randomness; and a wrapper for what must not be printed.

mod manual;
mod system;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use manual::{ManualTime, SequenceRandom};
pub use system::{SystemRandom, SystemTimeProvider};

/// Tells the time and waits.
#[async_trait]
pub trait TimeProvider: Send + Sync + 'static {
    /// Time since the Unix epoch, as the wall clock says. It may jump, in both directions.
    fn unix_time(&self) -> Duration;

    /// Time since some moment of the past. It never goes back; whether it counts while the machine sleeps is open.
    fn monotonic(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// A cryptographic source of randomness.
pub trait RandomProvider: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A number from 0 up to and without 1, for jitter.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// A value that is compared and kept but never printed.
#[derive(Clone, Copy, Default, Eq, PartialEq, Hash)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_value_is_not_printed() {
        assert_eq!(format!("{:?} {}", Redacted("canary"), Redacted("canary")), "[REDACTED] [REDACTED]");
    }

    #[test]
    fn the_system_draws_differently_every_time_and_fractions_stay_below_one() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut a);
        SystemRandom.fill(&mut b);
        assert_ne!(a, b);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&SystemRandom.fraction())));
    }

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_goes_on() {
        let clock = SystemTimeProvider::default();
        assert!(clock.unix_time() > Duration::from_secs(1_700_000_000));
        let before = clock.monotonic();
        clock.sleep(Duration::from_secs(3600)).await;
        assert!(clock.monotonic() >= before);
    }
}
