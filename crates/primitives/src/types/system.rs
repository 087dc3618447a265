//! The machine's clock and randomness. This is the only file of the crate that touches them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::{RandomProvider, TimeProvider};

/// The clocks of the machine; waiting is tokio's.
#[derive(Clone, Copy, Debug)]
pub struct SystemTimeProvider {
    started: Instant,
}

impl Default for SystemTimeProvider {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the system's clocks")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

#[async_trait]
impl TimeProvider for SystemTimeProvider {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the system's clocks")]
    fn unix_time(&self) -> Duration {
        // A clock before 1970 is as good as one in 1970.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomProvider for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Going on without randomness would make secrets that can be guessed.
            std::process::abort();
        }
    }
}
