//! Eight primitives that integrations share, so that none brings its own clock, retry loop or logger.
//!
//! | Module | Offers |
//! |---|---|
//! | [`errors`] | [`errors::IntegrationError`]: what every error of an integration can be asked |
//! | [`retry`] | [`retry::RetryPolicy`], [`retry::RetryExecutor`]: growing pauses with jitter, bounded by a deadline |
//! | [`circuit_breaker`] | [`circuit_breaker::CircuitBreaker`]: leaves a peer alone that does not answer |
//! | [`rate_limits`] | [`rate_limits::RateLimiter`]: no more than so many requests a minute |
//! | [`tracing`] | [`tracing::Tracer`], [`tracing::Span`]: what happened inside what |
//! | [`logging`] | [`logging::Logger`]: messages with fields |
//! | [`types`] | [`types::TimeProvider`], [`types::RandomProvider`], [`types::Redacted`] |
//! | [`config`] | [`config::ConfigProvider`]: settings by name, secrets apart |
//!
//! Nothing but `types/system.rs` reads a clock or draws randomness: both are injected, so tests can travel.

pub mod circuit_breaker;
pub mod config;
pub mod errors;
pub mod logging;
pub mod rate_limits;
pub mod retry;
pub mod tracing;
pub mod types;
