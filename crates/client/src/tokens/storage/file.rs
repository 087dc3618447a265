//! Tokens in encrypted files, one for each name.
//!
//! A file is a JSON object: `format` (`ayb-tokens`), `version` (1), `key_id`, `line`, `generation`, `nonce_and_ciphertext`. The
//! last is base64url of the 12-byte nonce and the AES-256-GCM ciphertext with its tag; bound to it is
//! `ayb-tokens 1 <key_id> <line> <generation> <name>`, so a file does not open under another name or another key, and does not
//! pass for a later write. Inside is a [`StoredTokenSet`]. The file is called after the SHA-256 of the name.
//! It is written beside its place, synchronised, and moved there: a full disk or a killed process leaves the old one whole.
//! Locks are taken on a file beside it, by the operating system: a process that dies lets go.

mod disk;
mod generation;
#[cfg(feature = "keyring")]
mod keyring;
mod source;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::tracing::Span;
use ayb_primitives::types::{RandomProvider, SystemRandom};
use ayb_protocol::jose::base64url;
use ayb_protocol::{hex, jose};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use source::KeySource;

use generation::{Generation, Seen};

use super::{StorageCapabilities, StorageGuard, StoredTokenSet, TokenStorage};
use crate::error::{OAuth2Error, StorageError};
use crate::sealed;
use crate::types::{Fingerprint, TokenSet};

const FORMAT: &str = "ayb-tokens";
const ENDING: &str = "tokens";

/// Keeps tokens in encrypted files that several processes can share.
#[derive(Clone)]
pub struct FileTokenStorage {
    inner: Arc<Inner>,
    steps: Steps,
}

/// Where steps are shown, if anywhere.
#[derive(Clone, Default)]
struct Steps(Option<Arc<dyn Span>>);

impl Steps {
    fn begin(&self, name: &'static str) -> Option<Box<dyn Span>> {
        self.0.as_ref().map(|span| span.child(name))
    }
}

struct Inner {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    key_id: String,
    random: SystemRandom,
    seen: Seen,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: String,
    version: u8,
    key_id: String,
    #[serde(flatten)]
    generation: Generation,
    nonce_and_ciphertext: String,
}

impl FileTokenStorage {
    /// Opens a folder, and makes it if it is not there, for its owner only.
    ///
    /// # Errors
    /// [`StorageError::WriteFailed`] when it cannot be made, [`StorageError::ReadFailed`] when the key cannot be had.
    pub fn open(folder: impl AsRef<Path>, key: KeySource) -> Result<Self, OAuth2Error> {
        let folder = folder.as_ref().to_owned();
        disk::make_folder(&folder)?;
        let key = key.load(&folder)?;
        // What a key is called tells nothing about it.
        let key_id = hex::encode(&jose::hmac_sha256(*key, b"ayb-tokens key id")[..8]);
        let inner = Arc::new(Inner { folder, key, key_id, random: SystemRandom, seen: Seen::default() });
        Ok(Self { inner, steps: Steps::default() })
    }

    /// Runs on a thread for work that may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Steps) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, OAuth2Error> {
        let Self { inner, steps } = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner, &steps)).await;
        Ok(done.map_err(|_| StorageError::WriteFailed("the thread ended".to_owned()))??)
    }
}

impl Inner {
    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", hex::encode(jose::sha256(name))))
    }

    /// A lock of its own, held for the time of one write: the long one is held by whoever renews.
    fn writing(&self, name: &str) -> Result<File, StorageError> {
        disk::lock(&self.path(name, disk::WRITE_LOCK), disk::WRITE_PATIENCE)
    }

    fn bound(key_id: &str, generation: &Generation, name: &str) -> String {
        let Generation { line, generation } = generation;
        format!("{FORMAT} 1 {key_id} {line} {generation} {name}")
    }

    /// The write that follows what is in the place of the name. Whoever calls it has the lock.
    fn next(&self, name: &str) -> Generation {
        // One that cannot be read is replaced like none.
        let there = disk::read(&self.path(name, ENDING)).ok().flatten();
        let there = there.and_then(|text| serde_json::from_slice::<Envelope>(&text).ok());
        let there = there.map(|envelope| envelope.generation);
        Generation::after(there, self.seen.latest(name), &self.random)
    }

    fn read(&self, name: &str, steps: &Steps) -> Result<Option<TokenSet>, StorageError> {
        let reading = steps.begin("oauth2.read");
        let latest = self.seen.latest(name);
        let text = disk::read(&self.path(name, ENDING))?;
        drop(reading);
        let Some(text) = text else { return Ok(None) };
        let _decrypting = steps.begin("oauth2.decrypt");
        let failed = StorageError::DecryptionFailed;
        let envelope: Envelope = serde_json::from_slice(&text).map_err(|_| failed.clone())?;
        if envelope.format != FORMAT || envelope.version != 1 {
            return Err(StorageError::ReadFailed("the file has another format".to_owned()));
        }
        let sealed = base64url::decode(&envelope.nonce_and_ciphertext).map_err(|_| failed.clone())?;
        let bound = Self::bound(&envelope.key_id, &envelope.generation, name);
        let plain = sealed::open(&self.key, bound.as_bytes(), &sealed).map_err(|_| failed.clone())?;
        self.seen.accept(name, latest.as_ref(), envelope.generation)?;
        let stored: StoredTokenSet = serde_json::from_slice(&plain).map_err(|_| failed)?;
        let newer = || StorageError::ReadFailed("a later version wrote it".to_owned());
        TokenSet::from_stored(stored).ok_or_else(newer).map(Some)
    }

    fn write(&self, name: &str, stored: &StoredTokenSet, steps: &Steps) -> Result<(), StorageError> {
        let generation = self.next(name);
        let encrypting = steps.begin("oauth2.encrypt");
        let failed = |_| StorageError::EncryptionFailed;
        let plain = Zeroizing::new(serde_json::to_vec(stored).map_err(|_| StorageError::EncryptionFailed)?);
        let bound = Self::bound(&self.key_id, &generation, name);
        let sealed = sealed::seal(&self.key, bound.as_bytes(), &plain, &self.random).map_err(failed)?;
        let envelope = Envelope {
            format: FORMAT.to_owned(),
            version: 1,
            key_id: self.key_id.clone(),
            generation: generation.clone(),
            nonce_and_ciphertext: base64url::encode(sealed),
        };
        let text = serde_json::to_vec(&envelope).map_err(|_| StorageError::EncryptionFailed)?;
        drop(encrypting);
        let _writing = steps.begin("oauth2.write");
        let mut tag = [0; 8];
        self.random.fill(&mut tag);
        disk::replace(&self.path(name, ENDING), &text, &hex::encode(tag))?;
        self.seen.remember(name, generation);
        Ok(())
    }
}

#[async_trait]
impl TokenStorage for FileTokenStorage {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        let (key, stored) = (key.to_owned(), tokens.to_stored());
        self.on_disk(move |inner, steps| {
            let _writing = inner.writing(&key)?;
            inner.write(&key, &stored, steps)
        })
        .await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        let key = key.to_owned();
        self.on_disk(move |inner, steps| inner.read(&key, steps)).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        let key = key.to_owned();
        self.on_disk(move |inner, _| {
            let _writing = inner.writing(&key)?;
            disk::remove(&inner.path(&key, ENDING))
        })
        .await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.on_disk(|inner, _| disk::remove_all(&inner.folder, ENDING)).await
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        let (key, stored) = (key.to_owned(), tokens.to_stored());
        self.on_disk(move |inner, steps| {
            let _writing = inner.writing(&key)?;
            if inner.read(&key, &Steps::default())?.map(|set| set.fingerprint()) != expected {
                return Err(StorageError::Conflict);
            }
            inner.write(&key, &stored, steps)
        })
        .await
    }

    async fn compare_and_delete(&self, key: &str, expected: Fingerprint) -> Result<(), OAuth2Error> {
        let key = key.to_owned();
        self.on_disk(move |inner, _| {
            let _writing = inner.writing(&key)?;
            if inner.read(&key, &Steps::default())?.is_some_and(|set| set.fingerprint() != expected) {
                return Err(StorageError::Conflict);
            }
            disk::remove(&inner.path(&key, ENDING))
        })
        .await
    }

    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        let key = key.to_owned();
        let held = self.on_disk(move |inner, _| disk::lock(&inner.path(&key, "lock"), patience)).await?;
        Ok(StorageGuard::holding(held))
    }

    fn traced(&self, span: &Arc<dyn Span>) -> Option<Arc<dyn TokenStorage>> {
        Some(Arc::new(Self { steps: Steps(Some(Arc::clone(span))), ..self.clone() }))
    }

    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { locks_across_processes: true, compares_atomically: true }
    }
}
