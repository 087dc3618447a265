//! Tokens that others check by themselves, checked as they would: with another library and the published keys.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::kit::TestApp;

/// Every algorithm and its name at registration.
pub(super) const ALGORITHMS: [(&str, Algorithm); 3] =
    [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)];

/// The published keys.
pub(super) async fn key_set(app: &TestApp) -> JwkSet {
    serde_json::from_value(app.get("/jwks.json").await.json()).unwrap()
}

/// Verifies as a stranger does: key by `kid`, algorithm pinned, issuer and audience compared. The tests' clock stands
/// still, so `exp` is compared by the tests themselves.
pub(super) fn verify(keys: &JwkSet, token: &str, alg: Algorithm, audience: &str) -> Result<Value, String> {
    let header = decode_header(token).map_err(|error| error.to_string())?;
    let kid = header.kid.ok_or("no kid")?;
    let key = keys.find(&kid).ok_or("unknown kid")?;
    let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(alg);
    validation.validate_exp = false;
    validation.set_audience(&[audience]);
    validation.set_issuer(&["https://id.test"]);
    let verified = decode::<Value>(token, &key, &validation).map_err(|error| error.to_string())?;
    Ok(verified.claims)
}

/// The header, unverified.
pub(super) fn header(token: &str) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}
