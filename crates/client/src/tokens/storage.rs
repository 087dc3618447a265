//! Where tokens are kept.

mod file;
mod locks;
mod memory;
mod stored;

use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::tracing::Span;

pub use file::{FileTokenStorage, KeySource};
pub use memory::InMemoryTokenStorage;
pub use stored::StoredTokenSet;

use locks::KeyLocks;

use crate::config::TokenStorageConfig;
use crate::error::{OAuth2Error, StorageError};
use crate::types::{Fingerprint, TokenSet};

/// For storages that have no lock of their own.
static LOCKS: LazyLock<KeyLocks> = LazyLock::new(KeyLocks::default);

/// What a storage can promise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StorageCapabilities {
    /// [`TokenStorage::lock`] excludes other processes too: one rotating refresh token can be shared by them.
    pub locks_across_processes: bool,
    /// [`TokenStorage::compare_and_store`] and [`TokenStorage::compare_and_delete`] are one step each.
    pub compares_atomically: bool,
}

/// Holds a lock until it is dropped.
#[expect(dead_code, reason = "it is there to be dropped")]
pub struct StorageGuard(Option<Box<dyn Any + Send + Sync>>);

impl StorageGuard {
    /// A guard that lets go by dropping `held`.
    pub fn holding(held: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(held)))
    }

    /// A guard that holds nothing.
    pub const fn none() -> Self {
        Self(None)
    }
}

/// Keeps sets of tokens under names.
#[async_trait]
pub trait TokenStorage: Send + Sync + 'static {
    /// Keeps a set, whatever was there.
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error>;

    /// The set under a name.
    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error>;

    /// Forgets a set. There need not be one.
    async fn delete(&self, key: &str) -> Result<(), OAuth2Error>;

    /// Whether there is one.
    async fn exists(&self, key: &str) -> Result<bool, OAuth2Error> {
        Ok(self.retrieve(key).await?.is_some())
    }

    /// Forgets all.
    async fn clear_all(&self) -> Result<(), OAuth2Error>;

    /// Keeps a set if what is there now is `expected`. Unless a storage does it in one step, somebody may write between the
    /// comparison and the writing.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when something else is there; nothing was changed then.
    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        let found = self.retrieve(key).await?.map(|set| set.fingerprint());
        if found != expected {
            return Err(StorageError::Conflict.into());
        }
        self.store(key, tokens).await
    }

    /// Forgets a set if what is there now is `expected`, or nothing is. Called by who holds [`TokenStorage::lock`]; unless a storage
    /// does it in one step, somebody without the lock may write between the comparison and the removal.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when something else is there; nothing was changed then.
    async fn compare_and_delete(&self, key: &str, expected: Fingerprint) -> Result<(), OAuth2Error> {
        match self.retrieve(key).await?.map(|set| set.fingerprint()) {
            Some(found) if found != expected => Err(StorageError::Conflict.into()),
            Some(_) => self.delete(key).await,
            None => Ok(()),
        }
    }

    /// Keeps everybody else from renewing what is under this name, until the guard is dropped. Unless a storage does it, others in
    /// this process only, of all storages together.
    ///
    /// # Errors
    /// [`StorageError::LockTimeout`] when somebody else holds it for longer than `patience`.
    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        LOCKS.lock(key, patience).await
    }

    /// The same storage, showing its steps inside `span`: `oauth2.encrypt` and `oauth2.write`, `oauth2.read` and `oauth2.decrypt`.
    /// Nothing from a storage that has no steps to show; one step stands for all that it does then.
    fn traced(&self, _span: &Arc<dyn Span>) -> Option<Arc<dyn TokenStorage>> {
        None
    }

    /// What it can promise.
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities::default()
    }
}

pub(crate) fn open_storage(config: &TokenStorageConfig) -> Result<Arc<dyn TokenStorage>, OAuth2Error> {
    Ok(match config {
        TokenStorageConfig::InMemory => Arc::new(InMemoryTokenStorage::default()),
        TokenStorageConfig::File { path, key } => Arc::new(FileTokenStorage::open(path, key.clone())?),
        TokenStorageConfig::Custom(storage) => Arc::clone(storage),
    })
}
