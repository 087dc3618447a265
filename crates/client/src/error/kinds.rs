//! The kinds of error, one for each stage.

use std::time::Duration;

use super::{Answered, OAuthErrorResponse};
use crate::Endpoint;

/// The client is set up wrongly.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// There is no `client_id`.
    #[error("client_id is missing")]
    MissingClientId,
    /// The method of client authentication needs a secret, and there is none.
    #[error("client_secret is missing")]
    MissingClientSecret,
    /// `private_key_jwt` without a key.
    #[error("the private key for private_key_jwt is missing")]
    MissingPrivateKey,
    /// An address that is none, or that is not https and not on this machine.
    #[error("the address of the {endpoint} endpoint may not be used: {reason}")]
    InvalidEndpointUrl {
        /// Which.
        endpoint: Endpoint,
        /// Why.
        reason: &'static str,
    },
    /// A redirect URI that no server would take.
    #[error("the redirect URI may not be used: {reason}")]
    InvalidRedirectUri {
        /// Why.
        reason: &'static str,
    },
    /// The metadata could not be had, or are not those of the issuer.
    #[error("discovery failed: {reason}")]
    DiscoveryFailed {
        /// Why.
        reason: String,
    },
    /// The endpoint is not known.
    #[error("the provider has no {0} endpoint")]
    MissingEndpoint(Endpoint),
    /// The provider does not register this client (RFC 7591 §3.2.2).
    #[error("the registration was refused: {code}")]
    RegistrationRefused {
        /// The provider's code: `invalid_redirect_uri`, `invalid_client_metadata`, `invalid_software_statement`,
        /// `unapproved_software_statement`.
        code: String,
        /// What the server said.
        answer: Answered,
    },
    /// Something else that is out of its bounds.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The authorization endpoint refused, or its answer is not the one to our request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// The person, or the server for them, said no.
    #[error("access denied by the user")]
    AccessDenied {
        /// What the server said.
        answer: Answered,
    },
    /// The scope is not one that the server gives.
    #[error("invalid scope")]
    InvalidScope {
        /// What was asked for, if known.
        scope: String,
        /// What the server said.
        answer: Answered,
    },
    /// This client may not ask so.
    #[error("unauthorized client")]
    UnauthorizedClient {
        /// What the server said.
        answer: Answered,
    },
    /// The server does not do this.
    #[error("unsupported response type: {response_type}")]
    UnsupportedResponseType {
        /// What was asked for.
        response_type: String,
        /// What the server said.
        answer: Answered,
    },
    /// The server is in trouble.
    #[error("authorization server error: {message}")]
    ServerError {
        /// Its words.
        message: String,
        /// What the server said.
        answer: Answered,
    },
    /// The server is busy.
    #[error("server temporarily unavailable")]
    TemporarilyUnavailable {
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
        /// What the server said.
        answer: Answered,
    },
    /// The answer belongs to no request of ours, or to one that was answered or is too old. The fields are fingerprints: the
    /// values themselves protect against forged answers.
    #[error("state parameter mismatch (possible CSRF attack)")]
    StateMismatch {
        /// Fingerprint of what was expected; empty when nothing was.
        expected: String,
        /// Fingerprint of what came.
        received: String,
    },
    /// The answer names another issuer, or none where one is announced (RFC 9207 §2.4).
    #[error("the answer comes from another issuer (possible mix-up attack)")]
    IssuerMismatch,
    /// There is neither a code nor an error.
    #[error("the answer has no code")]
    MissingCode,
    /// Any other code: `login_required`, `interaction_required`, one of the server's own.
    #[error("authorization error: {error}")]
    ProtocolError {
        /// The code.
        error: String,
        /// A text for developers.
        description: Option<String>,
        /// A page about it.
        uri: Option<String>,
        /// What the server said.
        answer: Answered,
    },
}

impl AuthorizationError {
    pub(super) fn answered(&self) -> Option<&OAuthErrorResponse> {
        match self {
            Self::AccessDenied { answer }
            | Self::InvalidScope { answer, .. }
            | Self::UnauthorizedClient { answer }
            | Self::UnsupportedResponseType { answer, .. }
            | Self::ServerError { answer, .. }
            | Self::TemporarilyUnavailable { answer, .. }
            | Self::ProtocolError { answer, .. } => answer.as_deref(),
            Self::StateMismatch { .. } | Self::IssuerMismatch | Self::MissingCode => None,
        }
    }
}

/// The token endpoint refused, or there is no token that counts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The code or the refresh token is spent, expired, revoked or somebody else's.
    #[error("invalid grant: {message}")]
    InvalidGrant {
        /// The server's words.
        message: String,
        /// What the server said.
        answer: Answered,
    },
    /// The client did not prove itself.
    #[error("invalid client credentials")]
    InvalidClient {
        /// What the server said.
        answer: Answered,
    },
    /// The request is malformed.
    #[error("invalid request: {message}")]
    InvalidRequest {
        /// The server's words.
        message: String,
        /// What the server said.
        answer: Answered,
    },
    /// The scope is wider than it may be.
    #[error("invalid scope")]
    InvalidScope {
        /// What was asked for, if known.
        scope: String,
        /// What the server said.
        answer: Answered,
    },
    /// This client may not use this grant.
    #[error("unauthorized client for this grant type")]
    UnauthorizedClient {
        /// What the server said.
        answer: Answered,
    },
    /// The server does not know the grant.
    #[error("unsupported grant type: {grant_type}")]
    UnsupportedGrantType {
        /// Which.
        grant_type: String,
        /// What the server said.
        answer: Answered,
    },
    /// The access token has expired and cannot be renewed.
    #[error("access token expired")]
    ExpiredToken,
    /// We revoked it ourselves.
    #[error("token has been revoked")]
    RevokedToken,
    /// The resource refused the access token (RFC 6750 §3.1).
    #[error("the token was refused as invalid")]
    InvalidToken {
        /// What the server said.
        answer: Answered,
    },
    /// No tokens are stored: somebody has to sign in first.
    #[error("there are no tokens")]
    NoTokens,
    /// A proof of possession was sent, and the token is not bound to its key (RFC 9449 §5). It was thrown away: anybody who gets
    /// hold of it could use it.
    #[error("the token is not bound to the key of the proof")]
    NotBound,
    /// The token is bound to a key, and this client has none (RFC 9449 §5).
    #[error("the token is bound to a key, and the client has none")]
    BoundWithoutKey,
    /// The tokens are bound to another key than this client has.
    #[error("the tokens are bound to another key")]
    OtherKey,
    /// Any other code.
    #[error("token exchange failed: {error}")]
    ExchangeFailed {
        /// The code.
        error: String,
        /// A text for developers.
        description: Option<String>,
        /// What the server said.
        answer: Answered,
    },
}

impl TokenError {
    pub(super) fn answered(&self) -> Option<&OAuthErrorResponse> {
        match self {
            Self::InvalidGrant { answer, .. }
            | Self::InvalidClient { answer }
            | Self::InvalidRequest { answer, .. }
            | Self::InvalidScope { answer, .. }
            | Self::UnauthorizedClient { answer }
            | Self::UnsupportedGrantType { answer, .. }
            | Self::InvalidToken { answer }
            | Self::ExchangeFailed { answer, .. } => answer.as_deref(),
            Self::ExpiredToken
            | Self::RevokedToken
            | Self::NoTokens
            | Self::NotBound
            | Self::BoundWithoutKey
            | Self::OtherKey => None,
        }
    }
}

/// The device flow did not end with tokens.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceFlowError {
    /// The person has not decided yet. Only polling sees it.
    #[error("authorization pending - user has not yet completed authorization")]
    AuthorizationPending,
    /// The server wants to be asked less often. Only polling sees it.
    #[error("slow down - increase polling interval to {interval} seconds")]
    SlowDown {
        /// The new pause, in seconds.
        interval: u32,
    },
    /// The person said no.
    #[error("access denied by user")]
    AccessDenied {
        /// What the server said.
        answer: Answered,
    },
    /// The codes are too old.
    #[error("device code expired")]
    ExpiredToken {
        /// What the server said; nothing when our own clock says so.
        answer: Answered,
    },
    /// The caller did not want to wait longer.
    #[error("polling timeout after {elapsed:?}")]
    PollingTimeout {
        /// How long it was.
        elapsed: Duration,
    },
}

impl DeviceFlowError {
    pub(super) fn answered(&self) -> Option<&OAuthErrorResponse> {
        match self {
            Self::AccessDenied { answer } | Self::ExpiredToken { answer } => answer.as_deref(),
            _ => None,
        }
    }
}

/// No answer, or none that can be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No connection, or it broke.
    #[error("the connection to the {endpoint} endpoint failed")]
    ConnectionFailed {
        /// Whose.
        endpoint: Endpoint,
        /// Whether bytes of the request may have arrived.
        sent: bool,
    },
    /// It took too long.
    #[error("the {endpoint} endpoint took too long")]
    Timeout {
        /// Whose.
        endpoint: Endpoint,
        /// Whether bytes of the request may have arrived.
        sent: bool,
    },
    /// The name of the host is not known.
    #[error("the host of the {endpoint} endpoint was not found")]
    DnsResolutionFailed {
        /// Whose.
        endpoint: Endpoint,
    },
    /// No TLS: no common version, or a certificate that is not to be trusted.
    #[error("no secure connection to the {endpoint} endpoint")]
    TlsError {
        /// Whose.
        endpoint: Endpoint,
    },
    /// The request was on its way and must not be repeated: the code may be spent, the token rotated.
    #[error("nobody knows whether the {endpoint} endpoint acted on the request")]
    OutcomeUnknown {
        /// Whose.
        endpoint: Endpoint,
    },
    /// The endpoint did not answer several times, so it is being left alone.
    #[error("the {endpoint} endpoint is being left alone")]
    CircuitOpen {
        /// Whose.
        endpoint: Endpoint,
        /// For how long.
        retry_after: Duration,
    },
    /// Too many requests by our own count.
    #[error("too many requests to the {endpoint} endpoint")]
    RateLimited {
        /// Whose.
        endpoint: Endpoint,
        /// When the next may go out.
        retry_after: Duration,
    },
    /// 5xx or 429.
    #[error("the {endpoint} endpoint failed with status {status}")]
    ServerFailed {
        /// Whose.
        endpoint: Endpoint,
        /// The status.
        status: u16,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
        /// What the server said, if anything.
        answer: Answered,
    },
    /// An answer that is none: a redirect, another status without an error, too large, unreadable.
    #[error("the answer of the {endpoint} endpoint cannot be used: {reason}")]
    UnusableAnswer {
        /// Whose.
        endpoint: Endpoint,
        /// Why, without anything of what it says.
        reason: String,
    },
}

impl NetworkError {
    /// Whose.
    pub const fn endpoint(&self) -> Endpoint {
        match self {
            Self::ConnectionFailed { endpoint, .. }
            | Self::Timeout { endpoint, .. }
            | Self::DnsResolutionFailed { endpoint }
            | Self::TlsError { endpoint }
            | Self::OutcomeUnknown { endpoint }
            | Self::CircuitOpen { endpoint, .. }
            | Self::RateLimited { endpoint, .. }
            | Self::ServerFailed { endpoint, .. }
            | Self::UnusableAnswer { endpoint, .. } => *endpoint,
        }
    }

    /// Whether the same may work later.
    pub(super) const fn is_passing(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown { .. } | Self::UnusableAnswer { .. } | Self::TlsError { .. })
    }
}

/// Tokens could not be read or kept. No text of it holds any of them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Reading failed.
    #[error("reading stored tokens failed: {0}")]
    ReadFailed(String),
    /// Writing failed; what was there before is still there.
    #[error("storing tokens failed: {0}")]
    WriteFailed(String),
    /// The library refused to encrypt.
    #[error("encrypting tokens failed")]
    EncryptionFailed,
    /// The key is another one, or the file was changed.
    #[error("stored tokens cannot be decrypted: another key, or a changed file")]
    DecryptionFailed,
    /// There is nothing where something has to be.
    #[error("no tokens are stored")]
    NotFound,
    /// Somebody else stored tokens meanwhile.
    #[error("the stored tokens have changed meanwhile")]
    Conflict,
    /// Another process holds the lock for too long.
    #[error("the lock on the stored tokens was not to be had in time")]
    LockTimeout,
    /// The key ring of the system cannot be used: there is none without a desktop, or it is locked.
    #[error("the key ring of the system cannot be used: {0}; keep the key yourself, or use a passphrase")]
    KeyringUnavailable(&'static str),
}

/// The kinds of error that a retry policy may be asked to bear.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum OAuth2ErrorKind {
    /// No connection, no answer in time.
    Network,
    /// 5xx and 429.
    TemporarilyUnavailable,
}
