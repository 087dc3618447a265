//! Sending again: growing pauses with jitter, bounded by a number of attempts and by a deadline.

use std::sync::Arc;
use std::time::Duration;

use crate::types::{RandomProvider, TimeProvider};

/// How often and after which pauses something is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first one.
    pub max_retries: u32,
    /// The pause before the first retry.
    pub initial_backoff: Duration,
    /// The longest pause, however many attempts there were.
    pub max_backoff: Duration,
    /// By how much the pause grows each time.
    pub backoff_multiplier: f64,
    /// The part of the pause, from 0 to 1, by which it is made longer or shorter at random.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            backoff_multiplier: 2.0,
            jitter: 0.1,
        }
    }
}

impl RetryPolicy {
    /// The pause before retry number `retry`, which counts from 1. `fraction` is random, from 0 to 1.
    pub fn backoff(&self, retry: u32, fraction: f64) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial_backoff.as_secs_f64() * self.backoff_multiplier.max(1.0).powi(exponent);
        let bounded = grown.min(self.max_backoff.as_secs_f64());
        let jittered = bounded * (1.0 + self.jitter.clamp(0.0, 1.0) * (fraction * 2.0 - 1.0));
        Duration::try_from_secs_f64(jittered).unwrap_or(self.max_backoff).min(self.max_backoff)
    }
}

/// What is to happen after a failed attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Give up and return the error.
    Stop,
    /// Try again after the pause of the policy.
    Backoff,
    /// Try again after this time, which the peer or the caller chose.
    After(Duration),
}

/// Runs something until it succeeds, may not be tried again, or takes too long.
#[derive(Clone)]
pub struct RetryExecutor {
    policy: RetryPolicy,
    time: Arc<dyn TimeProvider>,
    random: Arc<dyn RandomProvider>,
}

impl RetryExecutor {
    /// An executor on this clock.
    pub fn new(policy: RetryPolicy, time: Arc<dyn TimeProvider>, random: Arc<dyn RandomProvider>) -> Self {
        Self { policy, time, random }
    }

    /// The pause that [`Next::Backoff`] means before retry number `retry`.
    pub fn backoff(&self, retry: u32) -> Duration {
        self.policy.backoff(retry, self.random.fraction())
    }

    /// Runs a task until it succeeds, may not be tried again, or takes too long. No attempt is begun for which the pause would end
    /// after `deadline`, a length of time that is counted from now.
    ///
    /// # Errors
    /// The last error.
    pub async fn run<T: Retried>(&self, deadline: Duration, task: &T) -> Result<T::Value, T::Error> {
        let until = self.time.monotonic() + deadline;
        let mut number = 1;
        loop {
            let error = match task.attempt(number).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause = match task.next(number, &error).await {
                Next::Stop => return Err(error),
                Next::Backoff => self.backoff(number),
                Next::After(pause) => pause,
            };
            if number > self.policy.max_retries || self.time.monotonic() + pause >= until {
                return Err(error);
            }
            self.time.sleep(pause).await;
            number += 1;
        }
    }
}

/// Something that can be tried several times. Attempts are counted from 1.
pub trait Retried: Sync {
    /// What it brings.
    type Value: Send;
    /// Why it failed.
    type Error: Send + Sync;

    /// Tries it.
    fn attempt(&self, number: u32) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;

    /// Says what happens after attempt `number` failed.
    fn next(&self, number: u32, error: &Self::Error) -> impl Future<Output = Next> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ManualTime, SequenceRandom};

    fn executor(policy: RetryPolicy) -> (RetryExecutor, ManualTime) {
        let time = ManualTime::skipping(Duration::ZERO);
        (RetryExecutor::new(policy, Arc::new(time.clone()), Arc::new(SequenceRandom::new(1))), time)
    }

    /// Fails with the number of the attempt.
    struct Fails(Next);

    impl Retried for Fails {
        type Value = ();
        type Error = u32;

        async fn attempt(&self, number: u32) -> Result<(), u32> {
            Err(number)
        }

        async fn next(&self, _: u32, _: &u32) -> Next {
            self.0
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_stays_within_its_part() {
        let policy = RetryPolicy::default();
        let pauses: Vec<_> =
            [1, 2, 3, 7, 100].iter().map(|retry| policy.backoff(*retry, 0.5).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 30_000, 30_000]);
        assert_eq!(policy.backoff(1, 0.0), Duration::from_millis(450));
        assert_eq!(policy.backoff(1, 1.0), Duration::from_millis(550));
    }

    #[tokio::test]
    async fn it_tries_again_as_often_as_it_may_and_returns_the_last_error() {
        let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        let (executor, time) = executor(policy);
        let result = executor.run(Duration::from_secs(60), &Fails(Next::Backoff)).await;
        assert_eq!(result, Err(4));
        assert_eq!(time.monotonic(), Duration::from_millis(500 + 1000 + 2000));
    }

    #[tokio::test]
    async fn what_may_not_be_repeated_is_not() {
        let (executor, time) = executor(RetryPolicy::default());
        let result = executor.run(Duration::from_secs(60), &Fails(Next::Stop)).await;
        assert_eq!((result, time.monotonic()), (Err(1), Duration::ZERO));
    }

    #[tokio::test]
    async fn no_attempt_begins_after_the_deadline() {
        let (executor, time) = executor(RetryPolicy::default());
        let pause = Duration::from_secs(20);
        let result = executor.run(Duration::from_secs(30), &Fails(Next::After(pause))).await;
        assert_eq!((result, time.monotonic()), (Err(2), pause));
    }
}
