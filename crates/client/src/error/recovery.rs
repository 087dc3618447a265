//! What the application should do next.

use std::time::Duration;

use ayb_primitives::errors::IntegrationError as _;

use super::{
    AuthorizationError, IntrospectionError, NetworkError, OAuth2Error, StorageError, TokenError,
    ValidationError,
};

/// What the application should do after an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recovery {
    /// The same again, after this long if it is said.
    Retry {
        /// How long to wait at least.
        after: Option<Duration>,
    },
    /// Ask for something else: the scope, the parameters.
    AdjustRequest,
    /// Somebody has to sign in again.
    Reauthenticate,
    /// Somebody has to change the configuration.
    FixConfiguration,
    /// Nothing will help: the answer is forged, or the server is broken.
    Fatal,
}

impl OAuth2Error {
    /// What the application should do next.
    pub fn recovery(&self) -> Recovery {
        if self.is_retryable() {
            return Recovery::Retry { after: self.retry_after() };
        }
        match self {
            Self::Configuration(_) => Recovery::FixConfiguration,
            Self::Authorization(error) => authorization(error),
            Self::Token(error) => token(error),
            Self::DeviceFlow(_) => Recovery::Reauthenticate,
            // A code that may be spent cannot be used again, so the sign-in begins again.
            Self::Network(NetworkError::OutcomeUnknown { .. }) => Recovery::Reauthenticate,
            Self::Network(NetworkError::TlsError { .. }) => Recovery::FixConfiguration,
            Self::Network(_) => Recovery::Fatal,
            Self::Storage(StorageError::DecryptionFailed | StorageError::KeyringUnavailable(_)) => {
                Recovery::FixConfiguration
            }
            Self::Storage(StorageError::NotFound) => Recovery::Reauthenticate,
            Self::Storage(_) => Recovery::Retry { after: None },
            Self::Validation(ValidationError::AuthenticationTooOld | ValidationError::JwtExpired) => {
                Recovery::Reauthenticate
            }
            Self::Validation(_) => Recovery::Fatal,
            Self::Introspection(
                IntrospectionError::EndpointNotSupported
                | IntrospectionError::NotSigned
                | IntrospectionError::Encrypted,
            ) => Recovery::FixConfiguration,
            Self::Introspection(IntrospectionError::TokenInactive) => Recovery::Reauthenticate,
            Self::Introspection(_) => Recovery::Fatal,
        }
    }

    /// What happened and what to do about it, in one sentence for people.
    pub fn explain(&self) -> String {
        let next = match self.recovery() {
            Recovery::Retry { after: Some(after) } => {
                format!("try again in {} seconds", after.as_secs().max(1))
            }
            Recovery::Retry { after: None } => "try again".to_owned(),
            Recovery::AdjustRequest => "change what is asked for".to_owned(),
            Recovery::Reauthenticate => "sign in again".to_owned(),
            Recovery::FixConfiguration => "correct the configuration".to_owned(),
            Recovery::Fatal => "report it: nothing can be done here".to_owned(),
        };
        format!("{self}; {next}")
    }
}

/// Whether a code says that the request itself is wrong (RFC 6749 §4.1.2.1, RFC 8707 §2, RFC 9101 §6.1, OpenID Connect Core Error Code
/// unmet_authentication_requirements 1.0): signing in again would bring the same.
fn is_about_the_request(code: &str) -> bool {
    const CODES: [&str; 5] = [
        "invalid_request",
        "invalid_request_uri",
        "invalid_request_object",
        "invalid_target",
        "unmet_authentication_requirements",
    ];
    CODES.contains(&code)
}

fn authorization(error: &AuthorizationError) -> Recovery {
    match error {
        AuthorizationError::ProtocolError { error, .. } if is_about_the_request(error) => {
            Recovery::AdjustRequest
        }
        AuthorizationError::InvalidScope { .. } => Recovery::AdjustRequest,
        AuthorizationError::UnauthorizedClient { .. }
        | AuthorizationError::UnsupportedResponseType { .. } => Recovery::FixConfiguration,
        AuthorizationError::IssuerMismatch | AuthorizationError::MissingCode => Recovery::Fatal,
        _ => Recovery::Reauthenticate,
    }
}

fn token(error: &TokenError) -> Recovery {
    match error {
        TokenError::ExchangeFailed { error, .. } if is_about_the_request(error) => Recovery::AdjustRequest,
        TokenError::InvalidScope { .. } | TokenError::InvalidRequest { .. } => Recovery::AdjustRequest,
        TokenError::InvalidClient { .. }
        | TokenError::UnauthorizedClient { .. }
        | TokenError::UnsupportedGrantType { .. }
        | TokenError::NotBound
        | TokenError::BoundWithoutKey => Recovery::FixConfiguration,
        TokenError::ExchangeFailed { .. } => Recovery::Fatal,
        _ => Recovery::Reauthenticate,
    }
}
