//! The keys of one party, parsed once: what a hot path keeps instead of a [`KeySet`].

use super::{Algorithm, KeySet, VerifyingKey};

/// The public keys of one party, ready to verify.
#[derive(Debug, Default)]
pub struct VerifyingKeys {
    keys: Vec<VerifyingKey>,
}

impl VerifyingKeys {
    /// These keys.
    pub const fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys }
    }

    /// Prepares every key of the set that may verify and leaves out the rest.
    pub fn from_key_set(set: &KeySet) -> Self {
        Self { keys: set.keys().iter().filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok()).collect() }
    }

    /// The one key with this `kid` that verifies `algorithm`; without a `kid`, the one key that does. `None` also when
    /// more than one key would do.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| kid.is_none_or(|kid| key.kid() == Some(kid)))
            .filter(|key| key.fits(algorithm));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }
}
