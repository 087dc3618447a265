//! Why a token is not accepted: one variant for each reason, for logs and tests. The texts are fixed.

use crate::jose::jws::JwsError;

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum JwtError {
    /// Not a compact JWS whose header and payload are JSON objects with each member once.
    #[error("the token is malformed")]
    Malformed,
    /// Longer than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// `alg` is `none`, unknown, or not on the list of the verifier.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// `typ` is not the expected one.
    #[error("the token has another type")]
    Type,
    /// `crit`, `b64` or `zip` ask for something that this crate does not do.
    #[error("the token uses an unsupported extension")]
    Critical,
    /// No key, or more than one, has this `kid` and fits the algorithm.
    #[error("no key for the token")]
    UnknownKey,
    /// The key did not make this signature.
    #[error("the signature does not verify")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is missing or another.
    #[error("the issuer does not match")]
    Issuer,
    /// `aud` is missing or names others.
    #[error("the audience does not match")]
    Audience,
    /// This claim is missing or has the wrong type or an impossible value.
    #[error("the claim {0} is missing or invalid")]
    Claim(&'static str),
}

impl From<JwsError> for JwtError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::TooLarge => Self::TooLarge,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Critical => Self::Critical,
            JwsError::Signature => Self::Signature,
        }
    }
}
