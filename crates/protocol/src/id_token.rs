//! The ID token (OpenID Connect Core §2).

use crate::jose::{Algorithm, base64url};
use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::{Map, Value};

/// The claims of an ID token.
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The person.
    pub sub: String,
    /// The client.
    pub aud: &'a str,
    /// Expiry, seconds since the epoch.
    pub exp: i64,
    /// Time of issue, seconds since the epoch.
    pub iat: i64,
    /// When the person signed in, seconds since the epoch.
    pub auth_time: i64,
    /// Copied from the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// How the person signed in (RFC 8176).
    pub amr: &'a [String],
    /// Binds the access token (OpenID Connect Core §3.1.3.6).
    pub at_hash: String,
    /// The browser session, for logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Claims about the person.
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

/// `at_hash`: base64url of the left half of the access token's hash, with the hash function of the signature
/// (OpenID Connect Core §3.1.3.6). Ed25519 hashes with SHA-512, so its half is 32 bytes.
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash_function = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 | Algorithm::HS256 => &digest::SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 | Algorithm::HS384 => &digest::SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::HS512 | Algorithm::EdDSA => &digest::SHA512,
    };
    let hash = digest::digest(hash_function, access_token.as_bytes());
    let hash = hash.as_ref();
    base64url::encode(&hash[..hash.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_of_the_example_in_openid_connect_core_matches() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(Algorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(Algorithm::ES256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(base64url::decode(at_hash(Algorithm::EdDSA, token)).expect("base64url").len(), 32);
    }
}
