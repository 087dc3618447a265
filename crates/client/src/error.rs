//! Every error of the module: one root, one kind for each stage, and for each what to do next.

mod checks;
mod kinds;
mod map;
mod recovery;

use std::time::Duration;

use ayb_primitives::errors::IntegrationError;

pub use checks::{IntrospectionError, ValidationError};
pub use kinds::{
    AuthorizationError, ConfigurationError, DeviceFlowError, NetworkError, OAuth2ErrorKind, StorageError,
    TokenError,
};
pub(crate) use map::{Failed, from_answer, from_code};
pub use recovery::Recovery;

use crate::Endpoint;

/// What an authorization server said when it refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OAuthErrorResponse {
    /// The code as it came (RFC 6749 §4.1.2.1, §5.2 and the registry).
    pub code: String,
    /// A text for developers, cut and without control characters.
    pub description: Option<String>,
    /// A page about it.
    pub uri: Option<String>,
    /// Who said it.
    pub endpoint: Endpoint,
    /// With which HTTP status; nothing when it came through the browser.
    pub http_status: Option<u16>,
    /// The name that the server gave to the request (`X-Request-Id`), for its operator.
    pub request_id: Option<String>,
}

/// What the server said, if the error comes from an answer.
pub type Answered = Option<Box<OAuthErrorResponse>>;

/// The root of all errors of the module. No text of it holds a token, a code, a secret or a state.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OAuth2Error {
    /// The client is set up wrongly.
    #[error("Configuration error: {0}")]
    Configuration(#[from] ConfigurationError),
    /// The authorization endpoint refused, or its answer is not the one to our request.
    #[error("Authorization error: {0}")]
    Authorization(#[from] AuthorizationError),
    /// The token endpoint refused, or there is no token that counts.
    #[error("Token error: {0}")]
    Token(#[from] TokenError),
    /// The device flow did not end with tokens.
    #[error("Device flow error: {0}")]
    DeviceFlow(#[from] DeviceFlowError),
    /// No answer, or none that can be read.
    #[error("Network error: {0}")]
    Network(#[from] NetworkError),
    /// Tokens could not be read or kept.
    #[error("Storage error: {0}")]
    Storage(#[from] StorageError),
    /// A token or a document is not what it has to be.
    #[error("Validation error: {0}")]
    Validation(#[from] ValidationError),
    /// Introspection did not work.
    #[error("Introspection error: {0}")]
    Introspection(#[from] IntrospectionError),
}

impl OAuth2Error {
    /// What the server said, if this comes from an answer.
    pub fn response(&self) -> Option<&OAuthErrorResponse> {
        let answered = match self {
            Self::Configuration(ConfigurationError::RegistrationRefused { answer, .. }) => answer.as_deref(),
            Self::Authorization(error) => error.answered(),
            Self::Token(error) => error.answered(),
            Self::DeviceFlow(error) => error.answered(),
            Self::Introspection(IntrospectionError::IntrospectionFailed { answer, .. }) => answer.as_deref(),
            _ => None,
        };
        answered.or(match self {
            Self::Network(NetworkError::ServerFailed { answer, .. }) => answer.as_deref(),
            _ => None,
        })
    }

    /// Which endpoint this is about, if about one.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Network(error) => Some(error.endpoint()),
            Self::Configuration(ConfigurationError::DiscoveryFailed { .. }) => Some(Endpoint::Discovery),
            Self::Configuration(ConfigurationError::MissingEndpoint(endpoint)) => Some(*endpoint),
            Self::Authorization(_) => Some(Endpoint::Authorization),
            _ => self.response().map(|response| response.endpoint),
        }
    }

    /// Whether it is certain what became of the request. False after a connection that broke once the request was on its way,
    /// after a 5xx, and after an answer that cannot be read: the server may have spent a code or rotated a refresh token.
    pub const fn outcome_known(&self) -> bool {
        match self {
            Self::Network(
                NetworkError::Timeout { sent: true, .. }
                | NetworkError::ConnectionFailed { sent: true, .. }
                | NetworkError::OutcomeUnknown { .. }
                | NetworkError::UnusableAnswer { .. },
            ) => false,
            Self::Network(NetworkError::ServerFailed { status, .. }) => *status == 429,
            _ => true,
        }
    }
}

impl IntegrationError for OAuth2Error {
    fn error_code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "OAUTH2_CONFIG",
            Self::Authorization(_) => "OAUTH2_AUTH",
            Self::Token(_) => "OAUTH2_TOKEN",
            Self::DeviceFlow(_) => "OAUTH2_DEVICE",
            Self::Network(_) => "OAUTH2_NETWORK",
            Self::Storage(_) => "OAUTH2_STORAGE",
            Self::Validation(_) => "OAUTH2_VALIDATION",
            Self::Introspection(_) => "OAUTH2_INTROSPECTION",
        }
    }

    /// By the table of the specification, where `server_error` counts too. Whether the module itself sends a request again
    /// depends on the request as well: a code is never sent twice.
    fn is_retryable(&self) -> bool {
        match self {
            Self::Network(error) => error.is_passing(),
            Self::DeviceFlow(error) => {
                matches!(error, DeviceFlowError::AuthorizationPending | DeviceFlowError::SlowDown { .. })
            }
            Self::Authorization(error) => matches!(
                error,
                AuthorizationError::TemporarilyUnavailable { .. } | AuthorizationError::ServerError { .. }
            ),
            _ => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::DeviceFlow(DeviceFlowError::SlowDown { interval }) => {
                Some(Duration::from_secs(u64::from(*interval)))
            }
            Self::Authorization(AuthorizationError::TemporarilyUnavailable { retry_after, .. }) => {
                *retry_after
            }
            Self::Network(NetworkError::ServerFailed { retry_after, .. }) => *retry_after,
            Self::Network(
                NetworkError::CircuitOpen { retry_after, .. } | NetworkError::RateLimited { retry_after, .. },
            ) => Some(*retry_after),
            _ => None,
        }
    }
}
