//! Places where somebody else has a say in ID tokens.

use async_trait::async_trait;

use crate::OAuth2Error;
use crate::id_token::{Expected, IdTokenClaims};

/// Asks more of ID tokens than OpenID Connect does: a tenant, an `acr`, an address that was verified. It is asked after every other
/// check, so it can refuse more and never allow more.
#[async_trait]
pub trait TokenValidator: Send + Sync + 'static {
    /// Looks at the claims of a token that passed so far.
    ///
    /// # Errors
    /// Why it is refused: [`crate::error::ValidationError::Refused`] is for that.
    async fn validate(&self, claims: &IdTokenClaims) -> Result<(), OAuth2Error>;
}

/// Checks ID tokens in place of this crate: signature, issuer, audience, times, nonce and hashes are its business then. For tests, and
/// for tokens that have to be unwrapped first; whoever unwraps them gives the rest to [`crate::OAuth2::verify_id_token`] of a client
/// without this.
#[async_trait]
pub trait JwtValidator: Send + Sync + 'static {
    /// Checks a token.
    ///
    /// # Errors
    /// [`crate::error::ValidationError`] for the first rule that it breaks.
    async fn validate(&self, token: &str, expected: &Expected<'_>) -> Result<IdTokenClaims, OAuth2Error>;
}
