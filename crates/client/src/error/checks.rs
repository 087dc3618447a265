//! Errors of what is checked: tokens, documents, signed answers.

use super::Answered;

/// A token or a document is not what it has to be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// Not even the form is right.
    #[error("the token is malformed")]
    InvalidTokenFormat,
    /// A JWT that breaks a rule.
    #[error("the JWT is not valid: {reason}")]
    InvalidJwt {
        /// Which rule.
        reason: String,
    },
    /// The signature is not the issuer's.
    #[error("the signature of the JWT does not verify")]
    JwtSignatureInvalid,
    /// It has expired.
    #[error("the JWT has expired")]
    JwtExpired,
    /// It comes from somebody else.
    #[error("the issuer is another one")]
    InvalidIssuer,
    /// It is for somebody else.
    #[error("the audience is another one")]
    InvalidAudience,
    /// It belongs to another sign-in (OpenID Connect Core §3.1.3.7, rule 11).
    #[error("the nonce is another one")]
    NonceMismatch,
    /// It belongs to another access token or code (OpenID Connect Core §3.1.3.6).
    #[error("`{0}` belongs to another token")]
    HashMismatch(&'static str),
    /// The sign-in is longer ago than `max_age` allows.
    #[error("the sign-in is too long ago")]
    AuthenticationTooOld,
    /// `openid` was asked for and there is no ID token.
    #[error("there is no ID token")]
    MissingIdToken,
    /// A [`crate::TokenValidator`] does not want it, and says why.
    #[error("the token was refused: {0}")]
    Refused(String),
    /// UserInfo is about somebody else than the ID token (OpenID Connect Core §5.3.4).
    #[error("the subject is another one")]
    SubjectMismatch,
}

/// Introspection did not work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The provider has no such endpoint.
    #[error("the provider has no introspection endpoint")]
    EndpointNotSupported,
    /// The token does not count; only for those who ask for this with `require_active`.
    #[error("the token is not active")]
    TokenInactive,
    /// A signed answer was asked for, and one came that is not signed (RFC 9701 §4).
    #[error("the answer is not signed")]
    NotSigned,
    /// The answer is encrypted (RFC 9701 §5), which this crate does not read. The client is registered with
    /// `introspection_encrypted_response_alg`.
    #[error("the answer is encrypted, which is not supported")]
    Encrypted,
    /// The server refused.
    #[error("introspection failed: {message}")]
    IntrospectionFailed {
        /// Its code.
        message: String,
        /// What the server said.
        answer: Answered,
    },
}
