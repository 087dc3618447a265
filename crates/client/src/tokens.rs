//! Keeping tokens: where, for whom, and how they stay fresh.

mod held;
mod key;
mod manager;
mod refresh;
mod storage;

pub(crate) use key::Owner;
pub use key::TokenStorageKey;
pub use manager::{TokenManager, TokenManagerImpl};
pub(crate) use storage::open_storage;
pub use storage::{
    FileTokenStorage, InMemoryTokenStorage, KeySource, StorageCapabilities, StorageGuard, StoredTokenSet,
    TokenStorage,
};
