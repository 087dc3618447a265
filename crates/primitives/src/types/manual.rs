//! Time and randomness for tests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{RandomProvider, TimeProvider};

/// A clock that stands still until it is moved. Clones share it.
#[derive(Clone, Debug)]
pub struct ManualTime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clocks: watch::Sender<Clocks>,
    skips: bool,
}

#[derive(Clone, Copy, Debug)]
struct Clocks {
    wall: Duration,
    monotonic: Duration,
}

impl ManualTime {
    /// A clock that shows `unix_time`; who sleeps waits until [`ManualTime::advance`] has gone far enough.
    pub fn at(unix_time: Duration) -> Self {
        Self::make(unix_time, false)
    }

    /// A clock that every sleep moves on at once: loops that wait run through, and what they waited can be read.
    pub fn skipping(unix_time: Duration) -> Self {
        Self::make(unix_time, true)
    }

    fn make(wall: Duration, skips: bool) -> Self {
        let (clocks, _) = watch::channel(Clocks { wall, monotonic: Duration::ZERO });
        Self(Arc::new(Shared { clocks, skips }))
    }

    /// Both clocks go on.
    pub fn advance(&self, time: Duration) {
        self.0.clocks.send_modify(|clocks| {
            clocks.wall += time;
            clocks.monotonic += time;
        });
    }

    /// Somebody sets the wall clock. The other one does not notice.
    pub fn set_wall(&self, unix_time: Duration) {
        self.0.clocks.send_modify(|clocks| clocks.wall = unix_time);
    }
}

#[async_trait]
impl TimeProvider for ManualTime {
    fn unix_time(&self) -> Duration {
        self.0.clocks.borrow().wall
    }

    fn monotonic(&self) -> Duration {
        self.0.clocks.borrow().monotonic
    }

    async fn sleep(&self, time: Duration) {
        let until = self.monotonic() + time;
        if self.0.skips {
            self.advance(time);
            tokio::task::yield_now().await;
            return;
        }
        let mut clocks = self.0.clocks.subscribe();
        // The sender is ours, so it outlives this wait.
        let _reached = clocks.wait_for(|clocks| clocks.monotonic >= until).await;
    }
}

/// Randomness that repeats: the bytes count up from a seed. Never for anything but tests.
#[derive(Debug)]
pub struct SequenceRandom(Mutex<u64>);

impl SequenceRandom {
    /// Starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl RandomProvider for SequenceRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in buffer {
            // SplitMix64: every step differs from the last.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sleeps_wakes_when_the_clock_has_moved_far_enough() {
        let clock = ManualTime::at(Duration::from_secs(100));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        assert_eq!(clock.unix_time(), Duration::from_secs(110));
    }

    #[tokio::test]
    async fn a_skipping_clock_moves_with_every_sleep() {
        let clock = ManualTime::skipping(Duration::ZERO);
        clock.sleep(Duration::from_secs(5)).await;
        clock.set_wall(Duration::from_secs(1));
        assert_eq!((clock.unix_time(), clock.monotonic()), (Duration::from_secs(1), Duration::from_secs(5)));
    }

    #[test]
    fn sequences_repeat_and_do_not_stand_still() {
        let draw = |random: &SequenceRandom| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            bytes
        };
        let (a, b) = (SequenceRandom::new(1), SequenceRandom::new(1));
        assert_eq!(draw(&a), draw(&b));
        assert_ne!(draw(&a), draw(&SequenceRandom::new(1)));
    }
}
