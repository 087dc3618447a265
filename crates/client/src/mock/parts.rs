//! Parts that do as they are told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{OAuth2Error, StorageError};
use crate::http::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use crate::tokens::{InMemoryTokenStorage, StorageCapabilities, StorageGuard, TokenStorage};
use crate::types::{Fingerprint, TokenSet};

/// Gives answers that were put in, one after the other, and fails when there are none left.
#[derive(Default)]
pub struct ScriptedTransport {
    answers: Mutex<VecDeque<Result<HttpResponse, TransportError>>>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl ScriptedTransport {
    /// Puts an answer in.
    pub fn answer(&self, answer: Result<HttpResponse, TransportError>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// What was sent.
    pub fn sent(&self) -> Vec<HttpRequest> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HttpTransport for ScriptedTransport {
    async fn send(&self, request: HttpRequest, _: Duration) -> Result<HttpResponse, TransportError> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let next = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or(Err(TransportError::Connect))
    }
}

/// A storage in memory whose writes fail as often as it is told: a disk that is full. Clones share everything.
#[derive(Clone, Default)]
pub struct FailingStorage {
    inner: Arc<InMemoryTokenStorage>,
    failures: Arc<AtomicU32>,
}

impl FailingStorage {
    /// The next writes fail, so many of them.
    pub fn fail_writes(&self, times: u32) {
        self.failures.store(times, Ordering::SeqCst);
    }

    fn write(&self) -> Result<(), OAuth2Error> {
        let fewer = |left: u32| left.checked_sub(1);
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer) {
            Ok(_) => Err(StorageError::WriteFailed("no space left on device".to_owned()).into()),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl TokenStorage for FailingStorage {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.write()?;
        self.inner.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        self.inner.retrieve(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.write()?;
        self.inner.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.write()?;
        self.inner.clear_all().await
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        self.write()?;
        self.inner.compare_and_store(key, expected, tokens).await
    }

    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        self.inner.lock(key, patience).await
    }

    fn capabilities(&self) -> StorageCapabilities {
        self.inner.capabilities()
    }
}
