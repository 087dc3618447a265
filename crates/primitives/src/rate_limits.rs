//! No more than so many requests a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::types::TimeProvider;

/// Too many requests; the next one may go out after this time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limited {
    /// How long to wait.
    pub retry_after: Duration,
}

/// Decides whether a request may go out now.
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes one request from what is left.
    ///
    /// # Errors
    /// [`Limited`] when nothing is left.
    fn try_acquire(&self) -> Result<(), Limited>;

    /// The peer said that it is too much: nothing goes out for this long.
    fn pause(&self, time: Duration);
}

/// A bucket that holds a minute's worth of requests and fills evenly.
pub struct TokenBucket {
    per_minute: u32,
    time: Arc<dyn TimeProvider>,
    state: Mutex<State>,
}

struct State {
    left: f64,
    filled_at: Duration,
    paused_until: Duration,
}

impl TokenBucket {
    /// A full bucket. Zero requests a minute is one: a limit that lets nothing through would be a switch.
    pub fn per_minute(per_minute: u32, time: Arc<dyn TimeProvider>) -> Self {
        let per_minute = per_minute.max(1);
        let now = time.monotonic();
        let state = State { left: f64::from(per_minute), filled_at: now, paused_until: now };
        Self { per_minute, time, state: Mutex::new(state) }
    }
}

impl RateLimiter for TokenBucket {
    fn try_acquire(&self) -> Result<(), Limited> {
        let now = self.time.monotonic();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.paused_until {
            return Err(Limited { retry_after: state.paused_until - now });
        }
        let a_second = f64::from(self.per_minute) / 60.0;
        let gained = now.saturating_sub(state.filled_at).as_secs_f64() * a_second;
        state.left = (state.left + gained).min(f64::from(self.per_minute));
        state.filled_at = now;
        if state.left < 1.0 {
            return Err(Limited { retry_after: Duration::from_secs_f64((1.0 - state.left) / a_second) });
        }
        state.left -= 1.0;
        Ok(())
    }

    fn pause(&self, time: Duration) {
        let until = self.time.monotonic() + time;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until = state.paused_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ManualTime;

    fn bucket() -> (TokenBucket, ManualTime) {
        let time = ManualTime::at(Duration::ZERO);
        (TokenBucket::per_minute(60, Arc::new(time.clone())), time)
    }

    #[test]
    fn a_minutes_worth_goes_out_at_once_and_then_one_a_second() {
        let (bucket, time) = bucket();
        assert_eq!((0..100).filter(|_| bucket.try_acquire().is_ok()).count(), 60);
        let limited = bucket.try_acquire().unwrap_err();
        assert_eq!(limited.retry_after, Duration::from_secs(1));
        time.advance(limited.retry_after);
        assert!(bucket.try_acquire().is_ok());
        assert!(bucket.try_acquire().is_err());
    }

    #[test]
    fn it_never_holds_more_than_a_minutes_worth() {
        let (bucket, time) = bucket();
        time.advance(Duration::from_secs(3600));
        assert_eq!((0..100).filter(|_| bucket.try_acquire().is_ok()).count(), 60);
    }

    #[test]
    fn a_peer_that_asks_for_peace_gets_it() {
        let (bucket, time) = bucket();
        bucket.pause(Duration::from_secs(5));
        bucket.pause(Duration::from_secs(1));
        assert_eq!(bucket.try_acquire(), Err(Limited { retry_after: Duration::from_secs(5) }));
        time.advance(Duration::from_secs(5));
        assert!(bucket.try_acquire().is_ok());
    }
}
