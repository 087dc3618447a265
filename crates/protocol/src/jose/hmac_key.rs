//! Secrets that both sides share, for HS256, HS384 and HS512 (RFC 7518 §3.2).

use std::fmt;

use aws_lc_rs::hmac;

use super::{Algorithm, KeyError};

/// A shared secret bound to one algorithm. No public key becomes one: that is what alg confusion needs
/// (RFC 8725 §2.1).
pub struct HmacKey {
    algorithm: Algorithm,
    key: hmac::Key,
}

impl HmacKey {
    /// Takes the bytes of a secret.
    ///
    /// # Errors
    /// [`KeyError::Algorithm`] when the algorithm is not an HMAC, [`KeyError::Weak`] when the secret is shorter than
    /// the hash (RFC 7518 §3.2).
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let hash = match algorithm {
            Algorithm::HS256 => hmac::HMAC_SHA256,
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => return Err(KeyError::Algorithm),
        };
        if secret.len() < hash.tag_len() {
            return Err(KeyError::Weak);
        }
        Ok(Self { algorithm, key: hmac::Key::new(hash, secret) })
    }

    /// The algorithm that the key is bound to.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Authenticates `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, message).as_ref().to_vec()
    }

    /// Whether `tag` authenticates `message` under `algorithm`, in constant time. False when the algorithm is not the
    /// key's.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], tag: &[u8]) -> bool {
        algorithm == self.algorithm && hmac::verify(&self.key, message, tag).is_ok()
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacKey").field("alg", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_shorter_than_the_hash_are_refused() {
        for (algorithm, least) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
            assert_eq!(HmacKey::from_secret(algorithm, &vec![7; least - 1]).err(), Some(KeyError::Weak));
            assert!(HmacKey::from_secret(algorithm, &vec![7; least]).is_ok());
        }
    }

    #[test]
    fn only_hmac_algorithms_take_a_secret() {
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_hmac()) {
            assert_eq!(HmacKey::from_secret(algorithm, &[7; 64]).err(), Some(KeyError::Algorithm));
        }
    }

    #[test]
    fn the_algorithm_is_part_of_the_key() {
        let key = HmacKey::from_secret(Algorithm::HS256, &[7; 64]).unwrap();
        let tag = key.sign(b"message");
        assert!(key.verify(Algorithm::HS256, b"message", &tag));
        assert!(!key.verify(Algorithm::HS512, b"message", &tag));
        assert!(!key.verify(Algorithm::HS256, b"massage", &tag));
        assert!(!key.verify(Algorithm::HS256, b"message", &tag[..31]));
        assert!(!key.verify(Algorithm::HS256, b"message", &[]));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = HmacKey::from_secret(Algorithm::HS256, b"0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "HmacKey { alg: HS256, .. }");
    }
}
