//! Draws the secrets that the server hands out. Rules and store see only where a secret's row is, and its hash.

use ayb_protocol::ids::{ClientId, GrantId};
use ayb_protocol::jose::MacKey;
use ayb_protocol::secret::{
    Access, ApiKey, ClientSecret, Code, Kind, Located, MaskKey, Named, Refresh, RowKey, Secret, SecretHash,
};
use ayb_protocol::time::Timestamp;
use ayb_provider::authorize::FreshCode;
use ayb_provider::grant::FreshToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};

/// Draws secrets, with the mask that hides row keys in them.
#[derive(Debug)]
pub struct Mint {
    entropy: Entropy,
    mask: MaskKey,
    successor: MacKey,
}

impl Mint {
    /// A mint with the server's keys.
    pub fn new(entropy: Entropy, mask: MaskKey, successor: MacKey) -> Self {
        Self { entropy, mask, successor }
    }

    /// The mask, to find the row of a secret that comes back.
    pub fn mask(&self) -> &MaskKey {
        &self.mask
    }

    /// A fresh identifier, ordered by time.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn uuid(&self, now: Timestamp) -> Result<Uuid, EntropyError> {
        self.entropy.uuid_v7(now)
    }

    /// A fresh row key, ordered by time.
    pub fn row(&self, now: Timestamp) -> RowKey {
        RowKey(self.entropy.sequence(now))
    }

    /// A fresh identifier for the row of a JWT, which cannot be located by its hash.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn jwt_row(&self, row: RowKey) -> Result<Uuid, EntropyError> {
        Ok(row.row_id(&self.entropy.bytes()?))
    }

    /// A fresh client id.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn client_id(&self) -> Result<ClientId, EntropyError> {
        Ok(ClientId::from_bytes(&self.entropy.bytes()?))
    }

    /// A fresh client secret.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn client_secret(&self) -> Result<Secret<ClientSecret>, EntropyError> {
        let bytes = Zeroizing::new(self.entropy.bytes::<{ ClientSecret::BYTES }>()?);
        Ok(Secret::generate(|target| target.copy_from_slice(bytes.as_slice())))
    }

    /// A fresh API key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn api_key(&self) -> Result<Secret<ApiKey>, EntropyError> {
        let bytes = Zeroizing::new(self.entropy.bytes::<{ ApiKey::BYTES }>()?);
        Ok(Secret::generate(|target| target.copy_from_slice(bytes.as_slice())))
    }

    /// A fresh authorization code, and the grant that it will open.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn code(&self, now: Timestamp) -> Result<(Secret<Code>, FreshCode), EntropyError> {
        let row = self.row(now);
        let secret = self.located::<Code>(row)?;
        let (id, hash) = secret.at(row);
        Ok((secret, FreshCode { id, hash, grant_id: GrantId(self.uuid(now)?) }))
    }

    /// A fresh secret whose row is `row`.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn located<K: Located>(&self, row: RowKey) -> Result<Secret<K>, EntropyError> {
        let mut drawn = Ok(());
        let secret = Secret::generate_at(row, &self.mask, |target| drawn = self.entropy.fill(target));
        drawn.map(|()| secret)
    }

    /// A fresh secret that names the row `id`.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn named<K: Named>(&self, id: Uuid) -> Result<Secret<K>, EntropyError> {
        let mut drawn = Ok(());
        let secret = Secret::generate_for(id, &self.mask, |target| drawn = self.entropy.fill(target));
        drawn.map(|()| secret)
    }

    /// The one successor of a refresh token in row `row`: the same whenever it is asked for, so that a lost answer can
    /// be said again without keeping it. It depends on a key that is not in the database.
    pub fn successor<K: Located>(&self, old: &Secret<Refresh>, row: RowKey) -> Secret<K> {
        Secret::generate_at(row, &self.mask, |target| {
            for (block, chunk) in target.chunks_mut(32).enumerate() {
                let head = format!("{}\0{block}\0", K::NAME);
                let parts = [head.as_bytes(), old.expose().as_bytes()];
                let bytes = Zeroizing::new(self.successor.sign(parts));
                chunk.copy_from_slice(&bytes[..chunk.len()]);
            }
        })
    }

    /// The identifier of the row of an opaque token, and its hash.
    pub fn fresh<K: Located>(row: RowKey, secret: &Secret<K>) -> FreshToken<K> {
        let (id, hash) = secret.at(row);
        FreshToken { id, hash }
    }

    /// The row of a JWT whose string is not known yet.
    pub fn unsigned(id: Uuid) -> FreshToken<Access> {
        FreshToken { id, hash: SecretHash::of("") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn mint() -> Mint {
        Mint::new(Entropy::open().unwrap(), MaskKey::from_bytes(&[7; 32]), MacKey::new([9; 32]))
    }

    #[test]
    fn ten_thousand_client_ids_are_drawn_without_a_repetition() {
        let mint = mint();
        let mut seen = HashSet::new();
        // Halves too: neither is the same in two of them.
        let (mut heads, mut tails) = (HashSet::new(), HashSet::new());
        for _ in 0..10_000 {
            let id = mint.client_id().unwrap();
            heads.insert(id.as_str()[8..32].to_owned());
            tails.insert(id.as_str()[32..].to_owned());
            seen.insert(id);
        }
        assert_eq!((seen.len(), heads.len(), tails.len()), (10_000, 10_000, 10_000));
    }
}
