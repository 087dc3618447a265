//! Locks of this process, one for each name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use super::StorageGuard;
use crate::error::{OAuth2Error, StorageError};

/// Locks by name. One that nobody holds or waits for goes when another name comes.
#[derive(Default)]
pub(super) struct KeyLocks(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl KeyLocks {
    pub(super) async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        match tokio::time::timeout(patience, self.of(key).lock_owned()).await {
            Ok(guard) => Ok(StorageGuard::holding(guard)),
            Err(_) => Err(StorageError::LockTimeout.into()),
        }
    }

    fn of(&self, key: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(key) {
            return Arc::clone(lock);
        }
        if locks.len() == locks.capacity() {
            // Who holds or waits for one has a share in it.
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(key.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn locks_that_nobody_holds_do_not_pile_up_and_one_that_is_held_stays() {
        let locks = KeyLocks::default();
        let _held = locks.lock("held", Duration::ZERO).await.unwrap();
        for key in 0..10_000 {
            locks.lock(&key.to_string(), Duration::ZERO).await.unwrap();
        }
        assert!(locks.0.lock().unwrap().len() < 100);
        assert!(locks.lock("held", Duration::ZERO).await.is_err());
    }
}
