//! How often and how long: retries, rates, breakers.

use std::time::Duration;

use ayb_primitives::circuit_breaker::BreakerPolicy;
use ayb_primitives::retry::RetryPolicy;

use crate::error::OAuth2ErrorKind;

/// Pauses and number of retries. Whether a request may be repeated at all is not a setting.
#[derive(Clone, Debug, PartialEq)]
pub struct OAuth2RetryConfig {
    /// Attempts after the first one. 3.
    pub max_retries: u32,
    /// The pause before the first retry. 500 ms.
    pub initial_backoff: Duration,
    /// The longest pause. 30 s.
    pub max_backoff: Duration,
    /// By how much the pause grows. 2.
    pub backoff_multiplier: f64,
    /// The random part of the pause, from 0 to 1. 0.1.
    pub jitter: f64,
    /// After which errors something is tried again.
    pub retryable_errors: Vec<OAuth2ErrorKind>,
}

/// The other name of the specification for the same thing.
pub type RetryConfig = OAuth2RetryConfig;

impl Default for OAuth2RetryConfig {
    fn default() -> Self {
        let policy = RetryPolicy::default();
        Self {
            max_retries: policy.max_retries,
            initial_backoff: policy.initial_backoff,
            max_backoff: policy.max_backoff,
            backoff_multiplier: policy.backoff_multiplier,
            jitter: policy.jitter,
            retryable_errors: vec![OAuth2ErrorKind::Network, OAuth2ErrorKind::TemporarilyUnavailable],
        }
    }
}

impl OAuth2RetryConfig {
    pub(crate) const fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            max_retries: self.max_retries,
            initial_backoff: self.initial_backoff,
            max_backoff: self.max_backoff,
            backoff_multiplier: self.backoff_multiplier,
            jitter: self.jitter,
        }
    }
}

/// How many requests go out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OAuth2RateLimitConfig {
    /// Requests to the token endpoint a minute. 60.
    pub token_endpoint_rpm: Option<u32>,
    /// Authorization addresses that are made a minute: the browser asks that endpoint, not we. 30.
    pub authorization_endpoint_rpm: Option<u32>,
    /// Requests to each of the other endpoints a minute. No limit.
    pub other_endpoints_rpm: Option<u32>,
    /// The least pause between two polls of the device flow. 5 s.
    pub device_polling_interval: Duration,
    /// Whether a `Retry-After` of the server holds back every request to that endpoint.
    pub auto_adjust: bool,
}

impl Default for OAuth2RateLimitConfig {
    fn default() -> Self {
        Self {
            token_endpoint_rpm: Some(60),
            authorization_endpoint_rpm: Some(30),
            other_endpoints_rpm: None,
            device_polling_interval: Duration::from_secs(5),
            auto_adjust: true,
        }
    }
}

/// When a provider is left alone. Failures are: no answer, 5xx, and 429 without `Retry-After`; never a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OAuth2CircuitBreakerConfig {
    /// Failures within the window that open a breaker. 5.
    pub failure_threshold: u32,
    /// Successes that close it again. 3.
    pub success_threshold: u32,
    /// How long a failure counts. 60 s.
    pub failure_window: Duration,
    /// How long it stays open. 30 s.
    pub recovery_timeout: Duration,
    /// One breaker for each endpoint, or one for the provider.
    pub per_endpoint: bool,
}

impl Default for OAuth2CircuitBreakerConfig {
    fn default() -> Self {
        let policy = BreakerPolicy::default();
        Self {
            failure_threshold: policy.failure_threshold,
            success_threshold: policy.success_threshold,
            failure_window: policy.failure_window,
            recovery_timeout: policy.recovery_timeout,
            per_endpoint: true,
        }
    }
}

impl OAuth2CircuitBreakerConfig {
    pub(crate) const fn policy(&self) -> BreakerPolicy {
        BreakerPolicy {
            failure_threshold: self.failure_threshold,
            success_threshold: self.success_threshold,
            failure_window: self.failure_window,
            recovery_timeout: self.recovery_timeout,
        }
    }
}
