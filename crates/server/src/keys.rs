//! Signing keys in service: opened once, ready to sign, replaced as a whole when the set changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ayb_protocol::jose::{Jwk, KeySet, SigningKey, VerifyingKeys};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::SigningAlg;
use ayb_provider::keys::{KeyPolicy, KeyRecord, KeyState, Rotation, changed, needs_fresh, plan};
use ayb_store::Store;
use ayb_store::error::StoreError;
use bytes::Bytes;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError, KeyKind};

/// Why the keys are not usable.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A stored key does not open.
    #[error("the signing key {kid} cannot be opened: the master key is not the one it was sealed with")]
    Sealed {
        /// Which one.
        kid: String,
    },
    /// A stored key is damaged.
    #[error("the signing key {kid} is damaged")]
    Damaged {
        /// Which one.
        kid: String,
    },
}

/// The set of keys at one moment.
pub struct KeyRing {
    active: BTreeMap<SigningAlg, SigningKey>,
    hints: VerifyingKeys,
    jwks: Bytes,
}

impl KeyRing {
    /// The key that signs with `alg`.
    pub fn active(&self, alg: SigningAlg) -> Option<&SigningKey> {
        self.active.get(&alg)
    }

    /// All keys, those that are only remembered too, ready to verify hints. Nothing else may be verified with them: a
    /// remembered key is known longer than any of its tokens lives.
    pub fn hints(&self) -> &VerifyingKeys {
        &self.hints
    }

    /// The published key set as JSON.
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    fn open(seal: &Seal, records: &[KeyRecord], now: Timestamp) -> Result<Self, KeysError> {
        let mut active = BTreeMap::new();
        let (mut published, mut known) = (Vec::new(), Vec::new());
        // The usual algorithm first, for readers that look no further than the first key.
        let mut ordered: Vec<&KeyRecord> = records.iter().collect();
        ordered.sort_by_key(|record| (record.algorithm, record.created_at));
        for record in ordered {
            let damaged = || KeysError::Damaged { kid: record.kid.clone() };
            let public = Jwk::parse(record.public_jwk.as_bytes()).map_err(|_| damaged())?;
            if record.is_published(now) {
                published.push(public.clone());
            }
            known.push(public);
            if record.state == KeyState::Active {
                let der = seal.open(&record.kid, &record.sealed)?;
                let key =
                    SigningKey::from_pkcs8(record.algorithm.algorithm(), &der).map_err(|_| damaged())?;
                active.insert(record.algorithm, key);
            }
        }
        let jwks = Bytes::from(serde_json::to_vec(&KeySet::new(published)).unwrap_or_default());
        Ok(Self { active, hints: VerifyingKeys::from_key_set(&KeySet::new(known)), jwks })
    }
}

/// The keys of a running server.
pub struct SigningKeys {
    store: Store,
    entropy: Entropy,
    seal: Seal,
    policy: KeyPolicy,
    ring: ArcSwap<KeyRing>,
}

impl SigningKeys {
    /// Opens the keys, making the first ones when there are none.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn open(
        store: Store,
        entropy: Entropy,
        seal: Zeroizing<[u8; 32]>,
        policy: KeyPolicy,
        now: Timestamp,
    ) -> Result<Self, KeysError> {
        let seal = Seal::new(&seal)?;
        let ring = ArcSwap::from_pointee(KeyRing::open(&seal, &[], now)?);
        let keys = Self { store, entropy, seal, policy, ring };
        keys.tend(Rotation::WhenDue, now).await?;
        Ok(keys)
    }

    /// Opens the keys as they are, changing nothing.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn examine(records: &[KeyRecord], seal: &[u8; 32]) -> Result<usize, KeysError> {
        // Which of them are published makes no difference here.
        let any_time = Timestamp::from_seconds(0);
        Ok(KeyRing::open(&Seal::new(seal)?, records, any_time)?.active.len())
    }

    /// The set in use. Hold it no longer than one request.
    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Makes, hands over and removes keys as their time comes, and takes over what another process did.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn tend(&self, rotation: Rotation, now: Timestamp) -> Result<Vec<KeyRecord>, KeysError> {
        let known = self.store.list_keys().await?;
        let mut fresh = BTreeMap::new();
        for alg in SigningAlg::ALL {
            if needs_fresh(&known, alg, &self.policy, rotation, now) {
                fresh.insert(alg, self.make(alg, now).await?);
            }
        }
        let policy = self.policy;
        let rule = move |keys: &[KeyRecord]| {
            let of = |alg| plan(keys, alg, fresh.get(&alg), &policy, rotation, now);
            let changes: Vec<_> = SigningAlg::ALL.into_iter().flat_map(of).collect();
            changed(keys, &changes, now)
        };
        let records = self.store.change_keys(rule).await?;
        self.ring.store(Arc::new(KeyRing::open(&self.seal, &records, now)?));
        Ok(records)
    }

    /// Generating an RSA key takes a good part of a second, so it happens on a thread of its own.
    async fn make(&self, alg: SigningAlg, now: Timestamp) -> Result<KeyRecord, KeysError> {
        let kind = match alg {
            SigningAlg::RS256 => KeyKind::Rsa2048,
            SigningAlg::ES256 => KeyKind::P256,
            SigningAlg::EdDSA => KeyKind::Ed25519,
        };
        let entropy = self.entropy.clone();
        let der = tokio::task::spawn_blocking(move || entropy.private_key(kind))
            .await
            .unwrap_or(Err(EntropyError))?;
        let unusable = |_| KeysError::Damaged { kid: "fresh".to_owned() };
        let key = SigningKey::from_pkcs8(alg.algorithm(), &der).map_err(unusable)?;
        let kid = key.kid().to_owned();
        Ok(KeyRecord {
            sealed: self.seal.seal(&kid, &der, &self.entropy)?,
            public_jwk: serde_json::to_string(&key.public_jwk()).unwrap_or_default(),
            kid,
            algorithm: alg,
            state: KeyState::Next,
            created_at: now,
            published_at: now,
            activated_at: None,
            retired_at: None,
            expires_at: None,
        })
    }
}

/// Encrypts private keys at rest: AES-256-GCM with a random nonce in front and the key's identifier as associated
/// data, so that two rows cannot be exchanged.
struct Seal(LessSafeKey);

impl Seal {
    fn new(key: &[u8; 32]) -> Result<Self, KeysError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| EntropyError)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    fn seal(&self, kid: &str, der: &[u8], entropy: &Entropy) -> Result<Vec<u8>, EntropyError> {
        let nonce = entropy.bytes::<NONCE_LEN>()?;
        let mut sealed = der.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid), &mut sealed)
            .map_err(|_| EntropyError)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, kid: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let failed = || KeysError::Sealed { kid: kid.to_owned() };
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(kid), &mut buffer)
            .map_err(|_| failed())?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_opens_under_its_own_name_and_master_key_only() {
        let entropy = Entropy::open().expect("randomness");
        let seal = Seal::new(&[1; 32]).expect("key");
        let sealed = seal.seal("kid", b"private", &entropy).expect("sealed");
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        assert_eq!(seal.open("kid", &sealed).expect("opened").as_slice(), b"private");
        assert!(seal.open("other", &sealed).is_err());
        assert!(Seal::new(&[2; 32]).expect("key").open("kid", &sealed).is_err());
        for length in [0, 5, NONCE_LEN, sealed.len() - 1] {
            assert!(seal.open("kid", &sealed[..length]).is_err());
        }
    }
}
