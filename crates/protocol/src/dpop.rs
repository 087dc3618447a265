//! Proofs of possession (RFC 9449): what a client signs for every request, so that a token that was stolen is of no use without
//! the client's key.

use serde::Serialize;
use url::Url;

use crate::jose::jwt::{Claims, ExpectedType, Expiry, JwtError, Verifier};
use crate::jose::{
    Algorithm, Jwk, SigningError, SigningKey, VerifyingKey, VerifyingKeys, base64url, jws, sha256,
};
use crate::time::{Seconds, Timestamp};

/// The `typ` of a proof (RFC 9449 §4.2).
pub const TYPE: &str = "dpop+jwt";

/// The type of tokens that are bound to a key (RFC 9449 §5), and the scheme under which they are presented (§7.1).
pub const TOKEN_TYPE: &str = "DPoP";

/// The error of a server that wants its nonce in the proof (RFC 9449 §8, §9).
pub const USE_NONCE: &str = "use_dpop_nonce";

/// What a proof says (RFC 9449 §4.2).
#[derive(Serialize)]
pub struct Proof<'a> {
    /// `jti`: a name that no other proof has, of at least 96 bits of randomness.
    #[serde(rename = "jti")]
    pub id: &'a str,
    /// `htm`: the HTTP method, letter by letter.
    #[serde(rename = "htm")]
    pub method: &'a str,
    /// `htu`: the address, as [`target`] writes it.
    #[serde(rename = "htu")]
    pub target: &'a str,
    /// `iat`, in seconds since the epoch.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// `ath`: the hash of the access token that goes along, as [`access_token_hash`] makes it.
    #[serde(rename = "ath", skip_serializing_if = "Option::is_none")]
    pub access_token_hash: Option<&'a str>,
    /// `nonce`: what the server gave last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
}

impl Proof<'_> {
    /// Signs it. The header carries the public key.
    ///
    /// # Errors
    /// [`SigningError::Key`] when the library fails.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SigningError> {
        let payload = serde_json::to_vec(self).map_err(|_| SigningError::Claims)?;
        jws::sign_with_public_key(key, TYPE, &payload)
    }
}

/// An address as it stands in `htu`: without query and fragment.
pub fn target(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.into()
}

/// The hash of an access token for `ath`: SHA-256 in base64url.
pub fn access_token_hash(access_token: &str) -> String {
    base64url::encode(sha256(access_token))
}

/// A proof whose signature, type, method, address and age were checked. Whether `jti` was seen before, `nonce` is the newest and
/// `ath` belongs to the access token is for whoever keeps them.
#[derive(Debug)]
pub struct CheckedProof {
    /// The thumbprint of the key (RFC 7638), to which tokens are bound as `jkt`.
    pub thumbprint: String,
    /// What it says.
    pub claims: Claims,
}

impl CheckedProof {
    /// Checks a proof for a request (RFC 9449 §4.3). `window` is how much older or newer than `now` it may be.
    ///
    /// # Errors
    /// The first reason found.
    pub fn read(
        proof: &str,
        algorithms: &[Algorithm],
        method: &str,
        url: &Url,
        now: Timestamp,
        window: Seconds,
    ) -> Result<Self, JwtError> {
        let header = jws::Header::parse(jws::split(proof, jws::MAX_LENGTH)?.header)?;
        let named = header.member("jwk").ok_or(JwtError::UnknownKey)?;
        let mut jwk = Jwk::parse(named.to_string()).map_err(|_| JwtError::UnknownKey)?;
        let thumbprint = jwk.thumbprint();
        if let Some(kid) = header.kid {
            jwk = jwk.with_kid(kid);
        }
        let key = VerifyingKey::from_jwk(&jwk).map_err(|_| JwtError::UnknownKey)?;
        // A shared secret proves nothing about who signed.
        let algorithms: Vec<_> =
            algorithms.iter().copied().filter(|algorithm| !algorithm.is_hmac()).collect();
        let rules = Verifier::new(algorithms, ExpectedType::Is(TYPE.into())).with_expiry(Expiry::Optional);
        let claims = rules.verify(proof, &VerifyingKeys::new(vec![key]), now)?;
        if claims.text("htm") != Some(method) {
            return Err(JwtError::Claim("htm"));
        }
        let is_here = |text: &str| Url::parse(text).is_ok_and(|named| target(&named) == target(url));
        if !claims.text("htu").is_some_and(is_here) {
            return Err(JwtError::Claim("htu"));
        }
        if claims.token_id().is_none_or(str::is_empty) {
            return Err(JwtError::Claim("jti"));
        }
        let in_time = |made: Timestamp| made <= now.plus(window) && now <= made.plus(window);
        if !claims.issued_at().is_some_and(in_time) {
            return Err(JwtError::Claim("iat"));
        }
        Ok(Self { thumbprint, claims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9449 §4.1, figure 1.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    fn read(method: &str, url: &str, now: i64) -> Result<CheckedProof, JwtError> {
        let url = Url::parse(url).unwrap();
        let now = Timestamp::from_seconds(now);
        CheckedProof::read(EXAMPLE, &[Algorithm::ES256], method, &url, now, Seconds(60))
    }

    #[test]
    fn the_example_of_rfc_9449_is_taken_for_its_request_only() {
        let url = "https://server.example.com/token";
        let checked = read("POST", "https://server.example.com/token?a=b#c", 1_562_262_620).unwrap();
        assert_eq!(checked.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "§6.1");
        assert_eq!(checked.claims.token_id(), Some("-BwC3ESc6acc2lTc"));
        for (method, url, now, missing) in [
            ("GET", url, 1_562_262_620, "htm"),
            ("post", url, 1_562_262_620, "htm"),
            ("POST", "https://server.example.com/other", 1_562_262_620, "htu"),
            ("POST", "https://evil.example.com/token", 1_562_262_620, "htu"),
            ("POST", url, 1_562_262_677, "iat"),
            ("POST", url, 1_562_262_555, "iat"),
        ] {
            assert_eq!(read(method, url, now).unwrap_err(), JwtError::Claim(missing), "{method} {url} {now}");
        }
    }

    #[test]
    fn the_hash_of_a_token_is_that_of_rfc_9449() {
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(access_token_hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", "§7.1");
    }

    #[test]
    fn an_address_stands_there_without_query_and_fragment() {
        let url = Url::parse("https://api.example/a/b?secret=1#part").unwrap();
        assert_eq!(target(&url), "https://api.example/a/b");
    }
}
