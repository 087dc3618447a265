//! How every request leaves: past the rate limit and the breaker, again where the table allows it, measured and traced, and
//! never past the deadline of its operation.

mod call;
mod table;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::circuit_breaker::{CircuitBreaker, CircuitState, WindowBreaker};
use ayb_primitives::rate_limits::{RateLimiter, TokenBucket};
use ayb_primitives::types::TimeProvider;

pub(crate) use call::{AsyncRequest, Call, Plain};
pub(crate) use table::Kind;

use crate::Endpoint;
use crate::config::OAuth2Config;
use crate::error::{NetworkError, OAuth2Error};

/// Decides about retries, within what the table allows: a hook can have less, never more.
#[async_trait]
pub trait RetryHook: Send + Sync + 'static {
    /// Called before every retry. `attempt` is the number of the attempt that failed, from 1.
    async fn on_retry(&self, attempt: u32, error: &OAuth2Error, next_delay: Duration) -> RetryDecision;

    /// Called when nothing is tried any more, though the error could be retried.
    async fn on_exhausted(&self, error: &OAuth2Error, attempts: u32);
}

/// What a [`RetryHook`] decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetryDecision {
    /// Try again after this time.
    Retry(Duration),
    /// Do not try again.
    Abort,
    /// As it would be without the hook.
    Default,
}

/// Breakers and buckets of one client.
pub(crate) struct Resilience {
    time: Arc<dyn TimeProvider>,
    config: OAuth2Config,
    breakers: Mutex<HashMap<Endpoint, Arc<WindowBreaker>>>,
    buckets: Mutex<HashMap<Endpoint, Arc<TokenBucket>>>,
}

impl Resilience {
    pub(crate) fn new(config: &OAuth2Config, time: Arc<dyn TimeProvider>) -> Self {
        Self { time, config: config.clone(), breakers: Mutex::default(), buckets: Mutex::default() }
    }

    fn breaker(&self, endpoint: Endpoint) -> Arc<WindowBreaker> {
        let key = if self.config.circuit_breaker.per_endpoint { endpoint } else { Endpoint::Token };
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let make =
            || Arc::new(WindowBreaker::new(self.config.circuit_breaker.policy(), Arc::clone(&self.time)));
        Arc::clone(breakers.entry(key).or_insert_with(make))
    }

    /// What the breaker of an endpoint does.
    pub(crate) fn state(&self, endpoint: Endpoint) -> CircuitState {
        self.breaker(endpoint).state()
    }

    fn bucket(&self, endpoint: Endpoint) -> Arc<TokenBucket> {
        let limits = &self.config.rate_limits;
        let per_minute = match endpoint {
            Endpoint::Token => limits.token_endpoint_rpm,
            Endpoint::Authorization => limits.authorization_endpoint_rpm,
            _ => limits.other_endpoints_rpm,
        };
        // Without a limit of ours, the server's wish to be left alone still counts.
        let per_minute = per_minute.unwrap_or(u32::MAX);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(TokenBucket::per_minute(per_minute, Arc::clone(&self.time)));
        Arc::clone(buckets.entry(endpoint).or_insert_with(make))
    }

    /// Takes one request from the bucket, without waiting.
    pub(crate) fn take(&self, endpoint: Endpoint) -> Result<(), NetworkError> {
        let limited = self.bucket(endpoint).try_acquire();
        limited.map_err(|limited| NetworkError::RateLimited { endpoint, retry_after: limited.retry_after })
    }

    /// The server asked for peace.
    fn adjust(&self, endpoint: Endpoint, retry_after: Duration) {
        if self.config.rate_limits.auto_adjust {
            self.bucket(endpoint).pause(retry_after);
        }
    }
}
