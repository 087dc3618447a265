//! Leaving a peer alone that does not answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::types::TimeProvider;

/// What a breaker does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CircuitState {
    /// Requests pass.
    Closed,
    /// Requests are refused at once.
    Open,
    /// One request at a time passes, to see whether the peer is back.
    HalfOpen,
}

/// How a request ended that a breaker let pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The peer answered, if only to refuse.
    Success,
    /// The peer did not answer, or could not.
    Failure,
    /// Nothing can be said about the peer: the request was given up.
    Unknown,
}

/// The breaker is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CircuitOpen {
    /// When it is worth asking again.
    pub retry_after: Duration,
}

/// Decides whether a request may be sent.
pub trait CircuitBreaker: Send + Sync + 'static {
    /// Asks to send one request. Whoever may must call [`CircuitBreaker::record`] once.
    ///
    /// # Errors
    /// [`CircuitOpen`] when the peer is being left alone.
    fn try_acquire(&self) -> Result<(), CircuitOpen>;

    /// Says how that request ended.
    fn record(&self, outcome: Outcome);

    /// What it does now.
    fn state(&self) -> CircuitState;
}

/// When a [`WindowBreaker`] opens and closes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerPolicy {
    /// Failures within the window that open it.
    pub failure_threshold: u32,
    /// Successes, one after the other, that close it again.
    pub success_threshold: u32,
    /// How long a failure counts.
    pub failure_window: Duration,
    /// How long it stays open before it lets a request through.
    pub recovery_timeout: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            success_threshold: 3,
            failure_window: Duration::from_secs(60),
            recovery_timeout: Duration::from_secs(30),
        }
    }
}

/// Counts failures in a sliding window.
pub struct WindowBreaker {
    policy: BreakerPolicy,
    time: Arc<dyn TimeProvider>,
    state: Mutex<State>,
}

enum State {
    Closed { failures: VecDeque<Duration> },
    Open { until: Duration },
    HalfOpen { successes: u32, probing_since: Option<Duration> },
}

impl WindowBreaker {
    /// A closed breaker.
    pub fn new(policy: BreakerPolicy, time: Arc<dyn TimeProvider>) -> Self {
        Self { policy, time, state: Mutex::new(State::closed()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, now: Duration) -> State {
        State::Open { until: now + self.policy.recovery_timeout }
    }
}

impl State {
    const fn closed() -> Self {
        Self::Closed { failures: VecDeque::new() }
    }
}

impl CircuitBreaker for WindowBreaker {
    fn try_acquire(&self) -> Result<(), CircuitOpen> {
        let now = self.time.monotonic();
        let mut state = self.lock();
        match &mut *state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if now < *until => Err(CircuitOpen { retry_after: *until - now }),
            State::Open { .. } => {
                *state = State::HalfOpen { successes: 0, probing_since: Some(now) };
                Ok(())
            }
            State::HalfOpen { probing_since, .. } => {
                // A probe whose end was never told must not keep the breaker half open for ever.
                let runs = probing_since.filter(|since| now < *since + self.policy.recovery_timeout);
                if let Some(since) = runs {
                    return Err(CircuitOpen { retry_after: since + self.policy.recovery_timeout - now });
                }
                *probing_since = Some(now);
                Ok(())
            }
        }
    }

    fn record(&self, outcome: Outcome) {
        let now = self.time.monotonic();
        let mut state = self.lock();
        match (&mut *state, outcome) {
            (State::Closed { failures }, Outcome::Failure) => {
                failures.retain(|at| now < *at + self.policy.failure_window);
                failures.push_back(now);
                if failures.len() >= self.policy.failure_threshold as usize {
                    *state = self.open(now);
                }
            }
            (State::HalfOpen { .. }, Outcome::Failure) => *state = self.open(now),
            (State::HalfOpen { successes, probing_since }, outcome) => {
                *probing_since = None;
                *successes += u32::from(outcome == Outcome::Success);
                if *successes >= self.policy.success_threshold {
                    *state = State::closed();
                }
            }
            (State::Closed { .. } | State::Open { .. }, _) => {}
        }
    }

    fn state(&self) -> CircuitState {
        match &*self.lock() {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until } if self.time.monotonic() < *until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ManualTime;

    fn breaker() -> (WindowBreaker, ManualTime) {
        let time = ManualTime::at(Duration::ZERO);
        (WindowBreaker::new(BreakerPolicy::default(), Arc::new(time.clone())), time)
    }

    fn fail(breaker: &WindowBreaker, times: u32) {
        for _ in 0..times {
            breaker.try_acquire().unwrap();
            breaker.record(Outcome::Failure);
        }
    }

    #[test]
    fn five_failures_within_a_minute_open_it_and_three_successes_close_it() {
        let (breaker, time) = breaker();
        fail(&breaker, 4);
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker, 1);
        assert_eq!(breaker.try_acquire(), Err(CircuitOpen { retry_after: Duration::from_secs(30) }));
        time.advance(Duration::from_secs(30));
        for _ in 0..3 {
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
            breaker.try_acquire().unwrap();
            breaker.record(Outcome::Success);
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
    }

    #[test]
    fn old_failures_do_not_count() {
        let (breaker, time) = breaker();
        fail(&breaker, 4);
        time.advance(Duration::from_secs(60));
        fail(&breaker, 4);
        assert_eq!(breaker.state(), CircuitState::Closed);
    }

    #[test]
    fn half_open_lets_one_through_at_a_time_and_a_failure_opens_it_again() {
        let (breaker, time) = breaker();
        fail(&breaker, 5);
        time.advance(Duration::from_secs(30));
        breaker.try_acquire().unwrap();
        assert!(breaker.try_acquire().is_err());
        breaker.record(Outcome::Failure);
        assert_eq!(breaker.state(), CircuitState::Open);
    }

    #[test]
    fn a_probe_that_was_given_up_does_not_block_for_ever() {
        let (breaker, time) = breaker();
        fail(&breaker, 5);
        time.advance(Duration::from_secs(30));
        breaker.try_acquire().unwrap();
        breaker.record(Outcome::Unknown);
        breaker.try_acquire().unwrap();
        time.advance(Duration::from_secs(30));
        assert!(breaker.try_acquire().is_ok(), "nobody told how the second probe ended");
    }
}
