//! A key of 32 bytes in the key ring of the system. Tokens do not go there: on Windows they would not fit.

use std::path::Path;
use std::time::Duration;

use ayb_primitives::types::{RandomProvider as _, SystemRandom};
use keyring::v1::{Entry, Error};
use zeroize::Zeroizing;

use super::disk;
use crate::error::StorageError;

/// How long another process that draws the key is waited for. A person may have to unlock the ring meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// One place of a key ring.
pub(super) trait Ring {
    fn get(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError>;
    fn set(&self, secret: &[u8]) -> Result<(), StorageError>;
    fn remove(&self) -> Result<(), StorageError>;
}

/// One place of the system's.
pub(super) struct System<'a> {
    pub(super) service: &'a str,
    pub(super) account: &'a str,
}

impl System<'_> {
    fn entry(&self) -> Result<Entry, StorageError> {
        Entry::new(self.service, self.account).map_err(|error| unavailable(&error))
    }
}

impl Ring for System<'_> {
    fn get(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        match self.entry()?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn set(&self, secret: &[u8]) -> Result<(), StorageError> {
        self.entry()?.set_secret(secret).map_err(|error| unavailable(&error))
    }

    fn remove(&self) -> Result<(), StorageError> {
        self.entry()?.delete_credential().map_err(|error| unavailable(&error))
    }
}

/// Fixed words: the library's own may hold what is in the ring.
const fn unavailable(error: &Error) -> StorageError {
    StorageError::KeyringUnavailable(match error {
        Error::NoDefaultStore => "there is none",
        Error::NoStorageAccess(_) => "it is locked, or nobody answers",
        Error::Ambiguous(_) => "it has more than one such key",
        _ => "it failed",
    })
}

/// The key; drawn when there is none. Two processes that begin at once agree on one: the lock is held from looking to writing.
pub(super) fn load(ring: &dyn Ring, folder: &Path) -> Result<Zeroizing<[u8; 32]>, StorageError> {
    let _making = disk::lock(&folder.join("key.lock"), PATIENCE)?;
    if let Some(found) = ring.get()? {
        let broken = |_| StorageError::ReadFailed("the key in the key ring is not 32 bytes".to_owned());
        return <[u8; 32]>::try_from(found.as_slice()).map(Zeroizing::new).map_err(broken);
    }
    let mut key = Zeroizing::new([0; 32]);
    SystemRandom.fill(&mut *key);
    ring.set(&*key)?;
    // A ring that forgets at once would lose every token that is encrypted from now on.
    match ring.get()? {
        Some(kept) if kept.as_slice() == key.as_slice() => Ok(key),
        _ => Err(StorageError::KeyringUnavailable("it does not keep what it is given")),
    }
}

/// Whether a key would be kept.
pub(super) fn probe(ring: &dyn Ring) -> Result<(), StorageError> {
    ring.set(b"probe")?;
    let kept = ring.get()?;
    ring.remove()?;
    match kept {
        Some(kept) if kept.as_slice() == b"probe" => Ok(()),
        _ => Err(StorageError::KeyringUnavailable("it does not keep what it is given")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Fake {
        kept: Mutex<Option<Vec<u8>>>,
        forgets: bool,
    }

    impl Ring for Fake {
        fn get(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
            Ok(self.kept.lock().unwrap().clone().map(Zeroizing::new))
        }

        fn set(&self, secret: &[u8]) -> Result<(), StorageError> {
            *self.kept.lock().unwrap() = (!self.forgets).then(|| secret.to_vec());
            Ok(())
        }

        fn remove(&self) -> Result<(), StorageError> {
            *self.kept.lock().unwrap() = None;
            Ok(())
        }
    }

    #[test]
    fn the_key_is_drawn_once_and_is_all_that_the_ring_holds() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Fake::default();
        let draw = || load(&ring, folder.path()).unwrap();
        let drawn = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(drawn.iter().all(|key| **key == *drawn[0]));
        assert_eq!(ring.kept.lock().unwrap().as_deref(), Some(drawn[0].as_slice()));
        *ring.kept.lock().unwrap() = Some(b"short".to_vec());
        assert!(matches!(load(&ring, folder.path()), Err(StorageError::ReadFailed(_))));
    }

    #[test]
    fn a_ring_that_forgets_is_noticed_before_anything_is_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Fake { forgets: true, ..Fake::default() };
        assert!(matches!(probe(&ring), Err(StorageError::KeyringUnavailable(_))));
        assert!(matches!(load(&ring, folder.path()), Err(StorageError::KeyringUnavailable(_))));
        let sound = Fake::default();
        assert_eq!((probe(&sound), sound.kept.lock().unwrap().as_deref()), (Ok(()), None));
    }
}
