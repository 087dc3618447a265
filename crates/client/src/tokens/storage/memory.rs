//! Tokens in memory, until the program ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::locks::KeyLocks;
use super::{StorageCapabilities, StorageGuard, TokenStorage};
use crate::error::{OAuth2Error, StorageError};
use crate::types::{Fingerprint, TokenSet};

/// Keeps tokens in memory.
#[derive(Default)]
pub struct InMemoryTokenStorage {
    sets: Mutex<HashMap<String, TokenSet>>,
    locks: KeyLocks,
}

impl InMemoryTokenStorage {
    fn sets(&self) -> MutexGuard<'_, HashMap<String, TokenSet>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStorage for InMemoryTokenStorage {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.sets().insert(key.to_owned(), tokens.clone());
        Ok(())
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        Ok(self.sets().get(key).cloned())
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.sets().remove(key);
        Ok(())
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.sets().clear();
        Ok(())
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        let mut sets = self.sets();
        if sets.get(key).map(TokenSet::fingerprint) != expected {
            return Err(StorageError::Conflict.into());
        }
        sets.insert(key.to_owned(), tokens.clone());
        Ok(())
    }

    async fn compare_and_delete(&self, key: &str, expected: Fingerprint) -> Result<(), OAuth2Error> {
        let mut sets = self.sets();
        if sets.get(key).is_some_and(|found| found.fingerprint() != expected) {
            return Err(StorageError::Conflict.into());
        }
        sets.remove(key);
        Ok(())
    }

    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        self.locks.lock(key, patience).await
    }

    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { locks_across_processes: false, compares_atomically: true }
    }
}
