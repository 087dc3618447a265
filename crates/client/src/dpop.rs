//! Proofs of possession (RFC 9449): the key of a client or of a session, the nonces that servers gave, and the proofs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use ayb_protocol::dpop::{Proof, USE_NONCE, access_token_hash, target};
use ayb_protocol::jose::{Algorithm, SigningKey, base64url};
use url::Url;
use zeroize::Zeroizing;

use crate::core::Core;
use crate::error::{ConfigurationError, OAuth2Error, TokenError};

/// The header of a proof.
pub(crate) const HEADER: &str = "dpop";

/// The header with which a server gives a nonce.
pub(crate) const NONCE_HEADER: &str = "dpop-nonce";

/// The longest nonce that is remembered, and from how many origins.
const LONGEST_NONCE: usize = 1024;
const MOST_ORIGINS: usize = 256;

/// A key that tokens are bound to: of a client, or of one session. Clones are the same key.
///
/// Tokens are of no use without it, and a refresh token of a public client neither. So keep it as long as the tokens, and as safely:
/// [`DpopKey::to_pkcs8`] writes it, [`DpopKey::from_pkcs8`] reads it. Stored tokens remember its thumbprint and are never used
/// with another one.
#[derive(Clone)]
pub struct DpopKey(Arc<Inner>);

struct Inner {
    key: SigningKey,
    pkcs8: Zeroizing<Vec<u8>>,
    thumbprint: String,
}

impl DpopKey {
    /// A new key for ES256, which every server with DPoP takes.
    ///
    /// # Errors
    /// As [`DpopKey::generate_for`].
    pub fn generate() -> Result<Self, OAuth2Error> {
        Self::generate_for(Algorithm::ES256)
    }

    /// A new key for ES256, EdDSA or RS256.
    ///
    /// # Errors
    /// [`ConfigurationError::Invalid`] for another algorithm, and when the library makes no key.
    pub fn generate_for(algorithm: Algorithm) -> Result<Self, OAuth2Error> {
        let failed = |_| ConfigurationError::Invalid("no key for DPoP could be made");
        let der = match algorithm {
            Algorithm::ES256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|pair| pair.to_pkcs8v1())
            }
            Algorithm::EdDSA => Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()),
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                return Self::from_pkcs8(algorithm, der.as_ref());
            }
            _ => return Err(ConfigurationError::Invalid("keys for DPoP are of ES256, EdDSA or RS256").into()),
        };
        Self::from_pkcs8(algorithm, der.map_err(failed)?.as_ref())
    }

    /// A key that was kept, from unencrypted PKCS#8 (RFC 5958).
    ///
    /// # Errors
    /// [`ConfigurationError::Invalid`] when it is none for this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, OAuth2Error> {
        let unfit = |_| ConfigurationError::Invalid("the key for DPoP is none for this algorithm");
        let key = SigningKey::from_pkcs8(algorithm, der).map_err(unfit)?;
        let thumbprint = key.public_jwk().thumbprint();
        Ok(Self(Arc::new(Inner { key, pkcs8: Zeroizing::new(der.to_vec()), thumbprint })))
    }

    /// The private key in unencrypted PKCS#8, to be kept. Encrypt it before it goes anywhere.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.0.pkcs8.clone()
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.0.key.algorithm()
    }

    /// The name under which tokens are bound to it: the SHA-256 thumbprint (RFC 7638), `jkt` and `dpop_jkt` on the wire.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey").field("thumbprint", &self.0.thumbprint).finish_non_exhaustive()
    }
}

/// The newest nonce of each origin (RFC 9449 §8.2).
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, String>>);

impl Nonces {
    fn get(&self, url: &Url) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&origin(url)).cloned()
    }

    /// Remembers a nonce, if it is one (RFC 9449 §8.1).
    pub(crate) fn remember(&self, url: &Url, nonce: &str) {
        let is_one =
            (1..=LONGEST_NONCE).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_one {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is forgotten asks for its nonce once more.
        if kept.len() >= MOST_ORIGINS && !kept.contains_key(&origin(url)) {
            kept.clear();
        }
        kept.insert(origin(url), nonce.to_owned());
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether the header `WWW-Authenticate` of a 401 asks for a proof with a nonce (RFC 9449 §9).
pub(crate) fn asks_for_nonce(www_authenticate: &str) -> bool {
    let challenges = www_authenticate.to_ascii_lowercase();
    let wanted = format!("error=\"{USE_NONCE}\"");
    let mut is_dpop = false;
    // A scheme stands before the first parameter of its own; the parameters that follow are parted by commas (RFC 9110 §11.6.1).
    challenges.split(',').any(|part| {
        let part = part.trim();
        let (scheme, parameter) =
            part.split_once(' ').filter(|(word, _)| !word.contains('=')).unwrap_or(("", part));
        if !scheme.is_empty() {
            is_dpop = scheme == "dpop";
        }
        is_dpop && parameter.trim() == wanted
    })
}

impl Core {
    /// The thumbprint of the key, if there is one.
    pub(crate) fn thumbprint(&self) -> Option<&str> {
        self.config.dpop.as_ref().map(DpopKey::thumbprint)
    }

    /// A proof for one request, new for every attempt; nothing for a client without a key.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &Url,
        access_token: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, OAuth2Error> {
        let Some(key) = &self.config.dpop else { return Ok(None) };
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let hash = access_token.map(access_token_hash);
        let nonce = self.nonces.get(url);
        let proof = Proof {
            id: &base64url::encode(id),
            method,
            target: &target(url),
            issued_at: self.now().as_seconds(),
            access_token_hash: hash.as_deref(),
            nonce: nonce.as_deref(),
        };
        let failed = |_| ConfigurationError::Invalid("the key for DPoP could not sign");
        Ok(Some(Zeroizing::new(proof.sign(&key.0.key).map_err(failed)?)))
    }

    /// Whether tokens that are bound to the key of this thumbprint may be used here.
    pub(crate) fn holds_key(&self, thumbprint: Option<&str>) -> Result<(), TokenError> {
        match thumbprint {
            Some(bound) if self.thumbprint() != Some(bound) => Err(TokenError::OtherKey),
            _ => Ok(()),
        }
    }

    /// The headers with which a resource is asked: the token, and the proof that goes with it if it is bound to a key
    /// (RFC 9449 §7.1).
    pub(crate) fn authorization(
        &self,
        method: &str,
        url: &Url,
        token: &str,
        thumbprint: Option<&str>,
    ) -> Result<Vec<(&'static str, Zeroizing<String>)>, OAuth2Error> {
        self.holds_key(thumbprint)?;
        let plain = || vec![("authorization", Zeroizing::new(format!("Bearer {token}")))];
        if thumbprint.is_none() {
            return Ok(plain());
        }
        Ok(match self.proof(method, url, Some(token))? {
            Some(proof) => {
                vec![("authorization", Zeroizing::new(format!("DPoP {token}"))), (HEADER, proof)]
            }
            None => plain(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_each_kind_is_kept_and_read_again_and_shows_nothing() {
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
            let key = DpopKey::generate_for(algorithm).unwrap();
            let again = DpopKey::from_pkcs8(algorithm, &key.to_pkcs8()).unwrap();
            assert_eq!((again.thumbprint(), again.algorithm()), (key.thumbprint(), algorithm));
            assert_eq!(format!("{key:?}"), format!("DpopKey {{ thumbprint: \"{}\", .. }}", key.thumbprint()));
        }
        assert!(DpopKey::generate_for(Algorithm::HS256).is_err());
        assert!(DpopKey::from_pkcs8(Algorithm::EdDSA, &DpopKey::generate().unwrap().to_pkcs8()).is_err());
    }

    #[test]
    fn each_origin_has_its_own_nonce_and_what_is_none_is_not_kept() {
        let nonces = Nonces::default();
        let url = |text: &str| Url::parse(text).unwrap();
        nonces.remember(&url("https://a.example/token"), "one");
        nonces.remember(&url("https://a.example:8443/"), "two");
        for bad in ["", "with space", "line\nbreak", &"x".repeat(LONGEST_NONCE + 1)] {
            nonces.remember(&url("https://a.example/"), bad);
        }
        assert_eq!(nonces.get(&url("https://a.example/api?x=1")).as_deref(), Some("one"));
        assert_eq!(nonces.get(&url("https://a.example:8443/b")).as_deref(), Some("two"));
        assert_eq!(nonces.get(&url("http://a.example/")), None);
        for number in 0..2 * MOST_ORIGINS {
            nonces.remember(&url(&format!("https://{number}.example/")), "n");
        }
        assert!(nonces.0.lock().unwrap().len() <= MOST_ORIGINS, "it does not grow without end");
    }

    #[test]
    fn only_a_challenge_of_its_own_scheme_asks_for_a_nonce() {
        assert!(asks_for_nonce(r#"DPoP error="use_dpop_nonce", error_description="again""#));
        assert!(asks_for_nonce(r#"Bearer, dpop realm="a", error="use_dpop_nonce""#));
        assert!(!asks_for_nonce(r#"DPoP error="invalid_token""#));
        assert!(
            !asks_for_nonce(r#"Bearer error="use_dpop_nonce""#),
            "not for its scheme, hence not for a proof"
        );
    }
}
