//! What a client is told before it begins: the provider, itself, and how careful to be.

mod bounds;
mod credentials;
mod limits;
mod provider;
mod signer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ayb_protocol::answer::Strictness;

pub(crate) use bounds::{DEVICE_WAIT, LIFETIME, check_code, check_scopes};
pub use credentials::{ClientAuthMethod, ClientAuthenticator, ClientCredentials, OAuth2Credentials};
pub use limits::{OAuth2CircuitBreakerConfig, OAuth2RateLimitConfig, OAuth2RetryConfig, RetryConfig};
pub(crate) use provider::may_be_led_to;
pub use provider::{ProviderConfig, may_be_asked};
pub use signer::JwsSigner;
pub(crate) use signer::sign_jwt;

use crate::dpop::DpopKey;
use crate::error::ConfigurationError;
use crate::id_token::IdTokenPolicy;
use crate::tokens::{KeySource, TokenStorage};
use crate::validate::{JwtValidator, TokenValidator};

/// Configuration of a client. [`OAuth2Config::new`] gives the defaults of each member.
#[derive(Clone)]
pub struct OAuth2Config {
    /// The provider's endpoints.
    pub provider: ProviderConfig,
    /// Who the client is, and how it proves it.
    pub credentials: ClientCredentials,
    /// Scopes that are asked for when a call names none. 50 at most, and 1000 characters.
    pub default_scopes: Vec<String>,
    /// Where tokens are kept. In memory by default.
    pub storage: TokenStorageConfig,
    /// How long one operation may take with all its attempts. 30 seconds by default, 1 to 300.
    pub timeout: Duration,
    /// How long one attempt may take. 10 seconds by default.
    pub attempt_timeout: Duration,
    /// Pauses and number of retries.
    pub retry_config: RetryConfig,
    /// Whether expiring tokens are renewed by themselves: [`RefreshStrategy::Proactive`], else [`RefreshStrategy::Manual`].
    pub auto_refresh: bool,
    /// How many seconds before their end tokens are renewed. 60 by default, 10 to 3600, up to a tenth more so that
    /// not all processes come at once, and never more than half of their life.
    pub refresh_threshold_secs: u64,
    /// When tokens are renewed, if not as `auto_refresh` says.
    pub refresh_strategy: Option<RefreshStrategy>,
    /// How many requests go out.
    pub rate_limits: OAuth2RateLimitConfig,
    /// When a provider is left alone.
    pub circuit_breaker: OAuth2CircuitBreakerConfig,
    /// How much of what servers do wrong is forgiven.
    pub strictness: Strictness,
    /// What is checked of ID tokens: everything, by default.
    pub id_token: IdTokenPolicy,
    /// For which resource tokens are asked, in every token request and in every refresh (RFC 8707).
    pub resource: Option<String>,
    /// The key that tokens are bound to (RFC 9449). With one, every token request carries a proof, and a token that is not bound to
    /// the key is refused. Keep the key as long as the tokens.
    pub dpop: Option<DpopKey>,
    /// Who else has a say in ID tokens, after everything else was checked.
    pub token_validators: Vec<Arc<dyn TokenValidator>>,
    /// Who checks ID tokens in place of this crate.
    pub jwt_validator: Option<Arc<dyn JwtValidator>>,
    /// Where UserInfo finds the access token.
    pub bearer_placement: BearerPlacement,
    /// Whether answers of introspection have to be signed (RFC 9701), so that it can be shown later what the provider said. An answer
    /// that is not signed is refused then.
    pub signed_introspection: bool,
    /// Whether PKCE may fall back to `plain`. Only for servers whose metadata list nothing else.
    pub allow_plain_pkce: bool,
}

/// When tokens are renewed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefreshStrategy {
    /// Before they expire, by the caller who first needs one after the threshold; a token that still counts is served
    /// meanwhile.
    Proactive,
    /// When they have expired.
    OnDemand,
    /// By a task of their own.
    Background,
    /// Only by [`crate::TokenManager::refresh`].
    Manual,
}

/// Where a bearer token stands in a request to UserInfo. Never in an address: those are logged (OAuth 2.1 §5.1). A token that is bound
/// to a key is always in the header (RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BearerPlacement {
    /// In the header `Authorization` (RFC 6750 §2.1), the one way that OAuth 2.1 has for all servers.
    #[default]
    Header,
    /// In the body of a `POST` (RFC 6750 §2.2), for a server behind something that removes the header.
    Body,
}

/// Where tokens are kept.
#[derive(Clone)]
pub enum TokenStorageConfig {
    /// In memory, until the program ends.
    InMemory,
    /// In encrypted files. There is no form without a key.
    File {
        /// The folder. It is made if it does not exist, for its owner only.
        path: PathBuf,
        /// Where the key comes from.
        key: KeySource,
    },
    /// Somewhere else.
    Custom(Arc<dyn TokenStorage>),
}

impl OAuth2Config {
    /// A configuration with the defaults of each member.
    pub fn new(provider: ProviderConfig, credentials: ClientCredentials) -> Self {
        Self {
            provider,
            credentials,
            default_scopes: Vec::new(),
            storage: TokenStorageConfig::InMemory,
            timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            retry_config: RetryConfig::default(),
            auto_refresh: true,
            refresh_threshold_secs: 60,
            refresh_strategy: None,
            rate_limits: OAuth2RateLimitConfig::default(),
            circuit_breaker: OAuth2CircuitBreakerConfig::default(),
            strictness: Strictness::Lenient,
            id_token: IdTokenPolicy::default(),
            resource: None,
            dpop: None,
            token_validators: Vec::new(),
            jwt_validator: None,
            bearer_placement: BearerPlacement::Header,
            signed_introspection: false,
            allow_plain_pkce: false,
        }
    }

    /// Whether the provider takes the key's algorithm, if it lists some (RFC 9449 §5.1).
    pub(crate) fn check_dpop(&self) -> Result<(), ConfigurationError> {
        match (&self.dpop, &self.provider.dpop_algorithms) {
            (Some(key), Some(listed)) if !listed.contains(&key.algorithm()) => Err(
                ConfigurationError::Invalid("the provider does not take the algorithm of the key for DPoP"),
            ),
            _ => Ok(()),
        }
    }

    /// When tokens are renewed.
    pub(crate) fn strategy(&self) -> RefreshStrategy {
        let by_switch = if self.auto_refresh { RefreshStrategy::Proactive } else { RefreshStrategy::Manual };
        self.refresh_strategy.unwrap_or(by_switch)
    }
}
