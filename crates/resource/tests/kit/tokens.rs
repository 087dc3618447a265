//! Keys and tokens, good ones and forged ones.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use ayb_protocol::jose::{Algorithm, Jwk, SigningKey, base64url};
use serde_json::{Value, json};

use super::AUDIENCE;

/// A key pair of the issuer, or of somebody who would like to be it.
pub(crate) struct Key(SigningKey);

impl Key {
    /// A new one with this `kid`.
    pub(crate) fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self(SigningKey::from_pkcs8(Algorithm::ES256, der.as_ref()).unwrap().with_kid(kid))
    }

    pub(crate) fn jwk(&self) -> Jwk {
        self.0.public_jwk()
    }

    /// A token with these claims and the header of an access token.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(
            &json!({"alg": "ES256", "typ": "at+jwt", "kid": self.0.kid()}).to_string(),
            &claims.to_string(),
        )
    }

    /// A token with this header and payload, letter by letter.
    pub(crate) fn signed(&self, header: &str, payload: &str) -> String {
        forged(header, payload, |input| self.0.sign(input).unwrap())
    }
}

/// A token with whatever signature.
pub(crate) fn forged(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = base64url::encode(sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// The claims of a good token that was made at `now` and lives for an hour.
pub(crate) fn claims(issuer: &str, now: i64) -> Value {
    json!({
        "iss": issuer,
        "sub": "ada",
        "aud": AUDIENCE,
        "client_id": "client-1",
        "scope": "openid readonly",
        "iat": now,
        "exp": now + 3600,
        "jti": "token-1",
    })
}
