//! JSON Web Tokens (RFC 7519) under the rules of RFC 8725.

mod claims;
mod error;
mod unverified;
mod verifier;

use serde::Serialize;

use super::{Algorithm, HmacKey, SigningError, SigningKey, jws};

pub use claims::Claims;
pub use error::JwtError;
pub use unverified::Unverified;
pub use verifier::{ExpectedType, Expiry, Verifier};

/// The header of a token, as far as it is acted on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwtHeader {
    /// The algorithm.
    pub alg: Algorithm,
    /// The kind of token.
    pub typ: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
}

impl From<jws::Header> for JwtHeader {
    fn from(header: jws::Header) -> Self {
        Self { alg: header.alg, typ: header.typ, kid: header.kid }
    }
}

/// Signs claims. `typ` says what kind of token it is (RFC 8725 §3.11); empty leaves it out.
///
/// # Errors
/// [`SigningError::Claims`] when the claims are not a JSON object, [`SigningError::Key`] when the library fails.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
    jws::sign(key, typ, &payload(claims)?)
}

/// Authenticates claims with a shared secret. `typ` as for [`sign`].
///
/// # Errors
/// [`SigningError::Claims`] when the claims are not a JSON object.
pub fn sign_hmac(key: &HmacKey, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
    Ok(jws::sign_hmac(key, typ, &payload(claims)?))
}

fn payload(claims: &impl Serialize) -> Result<Vec<u8>, SigningError> {
    let payload = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
    if payload.first() != Some(&b'{') {
        return Err(SigningError::Claims);
    }
    Ok(payload)
}
