//! A storage that does something before it stores what a refresh brought.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::{Fingerprint, OAuth2Error, StorageCapabilities, StorageGuard, TokenSet, TokenStorage};

/// The storage `inner`, with `first` before what a refresh brought is stored.
pub(crate) struct Before<S, F> {
    pub(crate) inner: S,
    pub(crate) first: F,
}

#[async_trait]
impl<S, F> TokenStorage for Before<S, F>
where
    S: TokenStorage,
    F: Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
{
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.inner.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        self.inner.retrieve(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.inner.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.inner.clear_all().await
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        (self.first)().await;
        self.inner.compare_and_store(key, expected, tokens).await
    }

    async fn compare_and_delete(&self, key: &str, expected: Fingerprint) -> Result<(), OAuth2Error> {
        self.inner.compare_and_delete(key, expected).await
    }

    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        self.inner.lock(key, patience).await
    }

    fn capabilities(&self) -> StorageCapabilities {
        self.inner.capabilities()
    }
}
