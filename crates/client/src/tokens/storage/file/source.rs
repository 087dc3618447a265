//! Where the key of the files comes from.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::error::StorageError;

/// Where the key of the files comes from.
#[derive(Clone)]
#[non_exhaustive]
pub enum KeySource {
    /// 32 random bytes that the caller keeps: in a key ring, in the environment, in a vault.
    Raw(Zeroizing<[u8; 32]>),
    /// A passphrase, by Argon2id with 64 MiB, three passes, one lane. The salt is in the file `key.json` of the folder.
    #[cfg(feature = "passphrase")]
    Passphrase(SecretString),
    /// 32 random bytes that are drawn at the first use and kept by the key ring of the system: Keychain, Credential Manager, Secret
    /// Service. Nothing else is kept there. Ask [`KeySource::probe_keyring`] before somebody signs in.
    #[cfg(feature = "keyring")]
    Keyring {
        /// The name of the program.
        service: String,
        /// The name of the key.
        account: String,
    },
}

impl KeySource {
    /// 32 bytes.
    pub fn raw(key: [u8; 32]) -> Self {
        Self::Raw(Zeroizing::new(key))
    }

    /// 32 bytes as text: 64 hex digits, or base64url.
    ///
    /// # Errors
    /// [`StorageError::ReadFailed`] when it is anything else.
    pub fn from_text(text: &SecretString) -> Result<Self, StorageError> {
        let text = text.expose_secret().trim();
        let bytes = ayb_protocol::hex::decode(text).ok();
        let bytes = bytes.or_else(|| ayb_protocol::jose::base64url::decode(text).ok());
        let key = bytes.map(Zeroizing::new).and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        key.map(Self::raw).ok_or_else(|| StorageError::ReadFailed("the key is not 32 bytes".to_owned()))
    }

    /// A key in the key ring of the system.
    #[cfg(feature = "keyring")]
    pub fn keyring(service: impl Into<String>, account: impl Into<String>) -> Self {
        Self::Keyring { service: service.into(), account: account.into() }
    }

    /// Writes something into the key ring of the system, reads it, and removes it. It may wait for a person to unlock it.
    ///
    /// # Errors
    /// [`StorageError::KeyringUnavailable`] when it cannot be used. Nothing else is chosen instead: that is for the caller.
    #[cfg(feature = "keyring")]
    pub fn probe_keyring(service: &str) -> Result<(), StorageError> {
        super::keyring::probe(&super::keyring::System { service, account: "probe" })
    }

    pub(super) fn load(self, folder: &Path) -> Result<Zeroizing<[u8; 32]>, StorageError> {
        match self {
            Self::Raw(key) => {
                let _unused = folder;
                Ok(key)
            }
            #[cfg(feature = "passphrase")]
            Self::Passphrase(passphrase) => passphrase::derive(folder, &passphrase),
            #[cfg(feature = "keyring")]
            Self::Keyring { service, account } => {
                let ring = super::keyring::System { service: &service, account: &account };
                super::keyring::load(&ring, folder)
            }
        }
    }
}

#[cfg(feature = "passphrase")]
mod passphrase {
    use super::super::disk;
    use super::{Path, SecretString, StorageError, Zeroizing};
    use argon2::{Algorithm, Argon2, Params, Version};
    use ayb_primitives::types::{RandomProvider as _, SystemRandom};
    use ayb_protocol::jose::base64url;
    use secrecy::ExposeSecret as _;
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    /// What else goes into the key, beside the passphrase.
    #[derive(Serialize, Deserialize)]
    struct Derivation {
        algorithm: String,
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        salt: String,
    }

    pub(super) fn derive(
        folder: &Path,
        passphrase: &SecretString,
    ) -> Result<Zeroizing<[u8; 32]>, StorageError> {
        let broken = || StorageError::ReadFailed("key.json cannot be read".to_owned());
        let how = derivation(folder)?;
        // What a changed file could weaken is refused.
        if how.algorithm != "argon2id" || how.memory_kib < 19 * 1024 || how.passes < 2 {
            return Err(StorageError::ReadFailed("key.json asks for too little work".to_owned()));
        }
        let salt = base64url::decode(&how.salt).map_err(|_| broken())?;
        let params = Params::new(how.memory_kib, how.passes, how.lanes, Some(32)).map_err(|_| broken())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), &salt, &mut *key)
            .map_err(|_| broken())?;
        Ok(key)
    }

    /// Two processes that begin at once agree on one salt: the lock is held from looking to writing.
    fn derivation(folder: &Path) -> Result<Derivation, StorageError> {
        let path = folder.join("key.json");
        let _making = disk::lock(&folder.join("key.lock"), Duration::from_secs(10))?;
        if let Some(text) = disk::read(&path)? {
            let broken = |_| StorageError::ReadFailed("key.json cannot be read".to_owned());
            return serde_json::from_slice(&text).map_err(broken);
        }
        let mut salt = [0; 16];
        SystemRandom.fill(&mut salt);
        let how = Derivation {
            algorithm: "argon2id".to_owned(),
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 1,
            salt: base64url::encode(salt),
        };
        let text = serde_json::to_vec(&how).map_err(|_| StorageError::EncryptionFailed)?;
        disk::replace(&path, &text, "first")?;
        Ok(how)
    }
}
