//! Public keys, parsed once and ready to verify.

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;

use super::{Algorithm, Jwk, KeyError};

/// A public key ready to verify, bound to the algorithms of its type, or to the one that its `alg` names.
pub struct VerifyingKey {
    kid: Option<String>,
    ready: Box<[(Algorithm, ParsedPublicKey)]>,
}

impl VerifyingKey {
    /// Prepares a public key. This is the costly part: keep the result for a key that is used again.
    ///
    /// # Errors
    /// [`KeyError::Use`] when `use` or `key_ops` forbid verifying, [`KeyError::Invalid`] when the library refuses the key.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if !jwk.may_verify() {
            return Err(KeyError::Use);
        }
        let ready: Result<_, KeyError> = jwk
            .algorithms()
            .iter()
            .map(|algorithm| Ok((*algorithm, jwk.public_key().for_algorithm(*algorithm)?)))
            .collect();
        Ok(Self { kid: jwk.kid().map(str::to_owned), ready: ready? })
    }

    /// The `kid` of the JWK.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the key verifies this algorithm. Never true for an HMAC (RFC 8725 §2.1).
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.ready.iter().any(|(ready, _)| *ready == algorithm)
    }

    /// Whether `signature` is this key's signature of `message` under `algorithm`. False when the algorithm is not
    /// one of this key's.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.ready
            .iter()
            .find(|(ready, _)| *ready == algorithm)
            .is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.ready.iter().map(|(algorithm, _)| algorithm).collect();
        f.debug_struct("VerifyingKey").field("kid", &self.kid).field("algorithms", &algorithms).finish()
    }
}
