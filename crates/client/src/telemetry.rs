//! Metrics and the context of log messages. Labels come from closed sets, and nothing of a token gets near them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A label of a metric.
pub type Label<'a> = (&'static str, &'a str);

/// Takes measurements.
pub trait MetricsRecorder: Send + Sync + 'static {
    /// Something happened once more.
    fn count(&self, name: &'static str, labels: &[Label<'_>]);

    /// Something took this many seconds.
    fn observe(&self, name: &'static str, labels: &[Label<'_>], seconds: f64);

    /// Something has this value now.
    fn gauge(&self, name: &'static str, labels: &[Label<'_>], value: f64);
}

/// Takes no measurements.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl MetricsRecorder for NoMetrics {
    fn count(&self, _: &'static str, _: &[Label<'_>]) {}
    fn observe(&self, _: &'static str, _: &[Label<'_>], _: f64) {}
    fn gauge(&self, _: &'static str, _: &[Label<'_>], _: f64) {}
}

/// The metrics of the module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Metric {
    AuthorizationRequests,
    TokenExchanges,
    TokenRefreshes,
    TokenExchangeDuration,
    TokenRefreshDuration,
    DeviceFlowPolls,
    TokensActive,
    TokensExpired,
    IntrospectionRequests,
    RevocationRequests,
    Errors,
    CircuitBreakerState,
    UserInfoRequests,
    TokenCacheHits,
    RefreshLockWait,
    RefreshesShared,
}

impl Metric {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationRequests => "oauth2_authorization_requests_total",
            Self::TokenExchanges => "oauth2_token_exchanges_total",
            Self::TokenRefreshes => "oauth2_token_refreshes_total",
            Self::TokenExchangeDuration => "oauth2_token_exchange_duration_seconds",
            Self::TokenRefreshDuration => "oauth2_token_refresh_duration_seconds",
            Self::DeviceFlowPolls => "oauth2_device_flow_polls_total",
            Self::TokensActive => "oauth2_tokens_active",
            Self::TokensExpired => "oauth2_tokens_expired_total",
            Self::IntrospectionRequests => "oauth2_introspection_requests_total",
            Self::RevocationRequests => "oauth2_revocation_requests_total",
            Self::Errors => "oauth2_errors_total",
            Self::CircuitBreakerState => "oauth2_circuit_breaker_state",
            Self::UserInfoRequests => "oauth2_userinfo_requests_total",
            Self::TokenCacheHits => "oauth2_token_cache_hits_total",
            Self::RefreshLockWait => "oauth2_refresh_lock_wait_seconds",
            Self::RefreshesShared => "oauth2_refreshes_shared_total",
        }
    }
}

/// Keeps measurements, for tests.
#[derive(Debug, Default)]
pub struct MemoryMetrics(Mutex<BTreeMap<String, f64>>);

impl MemoryMetrics {
    /// What was measured: name and labels as `name{label=value}`, with the count, the number of observations, or the last value.
    pub fn all(&self) -> BTreeMap<String, f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One of them; zero if it was never measured.
    pub fn get(&self, name: &str) -> f64 {
        self.all().get(name).copied().unwrap_or_default()
    }

    fn change(&self, name: &str, labels: &[Label<'_>], change: impl FnOnce(f64) -> f64) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = all.entry(format!("{name}{{{}}}", labels.join(","))).or_default();
        *value = change(*value);
    }
}

impl MetricsRecorder for MemoryMetrics {
    fn count(&self, name: &'static str, labels: &[Label<'_>]) {
        self.change(name, labels, |value| value + 1.0);
    }

    fn observe(&self, name: &'static str, labels: &[Label<'_>], _: f64) {
        self.change(name, labels, |value| value + 1.0);
    }

    fn gauge(&self, name: &'static str, labels: &[Label<'_>], value: f64) {
        self.change(name, labels, |_| value);
    }
}

/// What a log message is about: the fields of the specification, all of them fit to be read by anybody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OAuth2LogContext {
    /// Ties the messages of one operation together.
    pub correlation_id: String,
    /// The flow.
    pub flow: String,
    /// The issuer, or the host of the token endpoint.
    pub provider: Option<String>,
    /// The client.
    pub client_id: String,
    /// The scopes that were asked for.
    pub scopes: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The code of the error.
    pub error_code: Option<String>,
}
