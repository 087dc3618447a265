//! What happens to tokens when two do something at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    Endpoint, ExposeSecret as _, Fingerprint, InMemoryTokenStorage, OAuth2, OAuth2Client as _, OAuth2Error,
    RefreshStrategy, StorageGuard, TokenSet, TokenStorage, TokenStorageConfig, TokenStorageKey,
};
use tokio::sync::Notify;

use crate::kit::{minutes, signed_in};

fn client(idp: &TestAuthServer, storage: Arc<dyn TokenStorage>) -> OAuth2 {
    idp.client("app")
        .configure(|config| config.storage = TokenStorageConfig::Custom(storage))
        .build()
        .unwrap()
}

/// A storage in which an operation stops halfway when it is told, until it is let go.
#[derive(Default)]
struct Gated {
    inner: InMemoryTokenStorage,
    stops_deleting: AtomicBool,
    stops_reading: AtomicBool,
    stops_saving: AtomicBool,
    stopped: Notify,
    go_on: Notify,
}

impl Gated {
    async fn gate(&self, stops: &AtomicBool) {
        if stops.swap(false, Ordering::SeqCst) {
            self.stopped.notify_one();
            self.go_on.notified().await;
        }
    }
}

#[async_trait]
impl TokenStorage for Gated {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.inner.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        let found = self.inner.retrieve(key).await;
        self.gate(&self.stops_reading).await;
        found
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        self.gate(&self.stops_saving).await;
        self.inner.compare_and_store(key, expected, tokens).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.gate(&self.stops_deleting).await;
        self.inner.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.inner.clear_all().await
    }

    async fn lock(&self, key: &str, patience: Duration) -> Result<StorageGuard, OAuth2Error> {
        self.inner.lock(key, patience).await
    }
}

#[tokio::test]
async fn who_asks_while_somebody_signs_out_brings_nothing_back() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage = Arc::new(Gated::default());
    let client = client(&idp, Arc::clone(&storage) as Arc<dyn TokenStorage>);
    signed_in(&idp, &client).await;
    storage.stops_deleting.store(true, Ordering::SeqCst);
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.tokens().clear_tokens().await }
    });
    storage.stopped.notified().await;
    // Still signed in, or not any more: either is an answer, as long as it leaves nothing behind.
    let _either = client.tokens().get_access_token().await;
    storage.go_on.notify_one();
    leaving.await.unwrap().unwrap();
    assert!(client.tokens().get_access_token().await.is_err(), "nothing is served after the sign-out");
}

#[tokio::test]
async fn what_was_read_before_a_sign_out_is_not_served_after_it() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage = Arc::new(Gated::default());
    signed_in(&idp, &client(&idp, Arc::clone(&storage) as Arc<dyn TokenStorage>)).await;
    // A client that has nothing in memory yet.
    let client = client(&idp, Arc::clone(&storage) as Arc<dyn TokenStorage>);
    storage.stops_reading.store(true, Ordering::SeqCst);
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.tokens().get_access_token().await.map(drop) }
    });
    storage.stopped.notified().await;
    client.tokens().clear_tokens().await.unwrap();
    storage.go_on.notify_one();
    assert!(asking.await.unwrap().is_err(), "it had read before, and answers after");
    assert!(client.tokens().get_access_token().await.is_err());
}

#[tokio::test]
async fn a_sign_out_waits_for_the_refresh_and_revokes_what_it_brought() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage = Arc::new(Gated::default());
    let client = client(&idp, Arc::clone(&storage) as Arc<dyn TokenStorage>);
    signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    storage.stops_saving.store(true, Ordering::SeqCst);
    let renewing = tokio::spawn({
        let client = client.clone();
        async move { client.tokens().get_access_token().await.map(|token| token.secret().to_owned()) }
    });
    storage.stopped.notified().await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.revocation().revoke_all().await }
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    storage.go_on.notify_one();
    leaving.await.unwrap().unwrap();
    let brought = renewing.await.unwrap().unwrap();
    let revoked = idp.requests(Endpoint::Revocation);
    let revoked: Vec<_> = revoked.iter().map(|request| request.form["token"].as_str()).collect();
    assert!(revoked.contains(&brought.as_str()), "the new token is revoked, not the old one only");
    assert!(client.tokens().get_access_token().await.is_err());
}

#[tokio::test]
async fn settling_waits_for_the_refresh_that_nobody_waits_for() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage = Arc::new(Gated::default());
    let client = client(&idp, Arc::clone(&storage) as Arc<dyn TokenStorage>);
    let key = TokenStorageKey::new("acme").user("ada");
    let first = signed_in(&idp, &client).await;
    client.tokens_for(&key).store_tokens(first.clone()).await.unwrap();
    client.settle().await;
    idp.clock().advance(minutes(59) + Duration::from_secs(30));
    storage.stops_saving.store(true, Ordering::SeqCst);
    client.tokens_for(&key).get_access_token().await.unwrap();
    storage.stopped.notified().await;
    let settling = tokio::spawn({
        let client = client.clone();
        async move { client.settle().await }
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(!settling.is_finished(), "the provider has answered, and nothing is stored");
    storage.go_on.notify_one();
    settling.await.unwrap();
    let stored = client.tokens_for(&key).get_current_tokens().await.unwrap().unwrap();
    assert_ne!(stored.fingerprint(), first.fingerprint());
}

#[tokio::test]
async fn newer_tokens_in_the_storage_are_found_before_old_ones_are_given_up() {
    let idp = TestAuthServer::start();
    let shared = Arc::new(InMemoryTokenStorage::default());
    for strategy in [RefreshStrategy::Manual, RefreshStrategy::Proactive] {
        let open = || {
            let config = TokenStorageConfig::Custom(Arc::clone(&shared) as Arc<dyn TokenStorage>);
            let client = idp.client("app").configure(|all| all.storage = config);
            client.configure(|all| all.refresh_strategy = Some(strategy)).build().unwrap()
        };
        let (one, other) = (open(), open());
        let mut first = signed_in(&idp, &one).await;
        if strategy == RefreshStrategy::Proactive {
            // Nothing to renew with, or asking would look at the storage by itself.
            first.refresh_token = None;
            one.tokens().store_tokens(first).await.unwrap();
        }
        other.tokens().get_access_token().await.unwrap();
        idp.clock().advance(minutes(61));
        let ended = other.tokens().get_access_token().await;
        assert!(ended.is_err() && other.tokens().is_access_token_expired().await.unwrap(), "{strategy:?}");
        let second = signed_in(&idp, &one).await;
        let found = other.tokens().get_access_token().await.unwrap();
        assert_eq!(found.secret(), second.access_token.expose_secret(), "{strategy:?}");
        idp.clock().advance(minutes(61));
        signed_in(&idp, &one).await;
        assert!(!other.tokens().is_access_token_expired().await.unwrap(), "{strategy:?}");
    }
}

/// A storage with nothing but what every one must have. Before one of its readings, another process stores its tokens.
#[derive(Default)]
struct Plain {
    inner: InMemoryTokenStorage,
    readings_left: AtomicU32,
    theirs: Option<TokenSet>,
}

#[async_trait]
impl TokenStorage for Plain {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.inner.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        // As a database, which is somewhere else.
        tokio::task::yield_now().await;
        if let Some(theirs) = &self.theirs
            && self.readings_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.inner.store(key, theirs).await?;
        }
        self.inner.retrieve(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.inner.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.inner.clear_all().await
    }
}

#[tokio::test]
async fn two_clients_in_one_process_share_a_storage_that_has_no_lock() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage: Arc<dyn TokenStorage> = Arc::new(Plain::default());
    let (one, other) = (client(&idp, Arc::clone(&storage)), client(&idp, storage));
    signed_in(&idp, &one).await;
    other.tokens().get_access_token().await.unwrap();
    idp.clock().advance(minutes(61));
    let (a, b) = tokio::join!(one.tokens().get_access_token(), other.tokens().get_access_token());
    assert_eq!(a.unwrap().secret(), b.unwrap().secret());
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (1, 0));
}

#[tokio::test]
async fn without_a_lock_for_all_processes_the_one_that_was_faster_has_time_to_store() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let theirs = signed_in(&idp, &idp.client("app").build().unwrap()).await;
    // One reading under the lock, and theirs comes before the second look after the refusal.
    let storage =
        Plain { readings_left: AtomicU32::new(3), theirs: Some(theirs.clone()), ..Plain::default() };
    let client = client(&idp, Arc::new(storage));
    signed_in(&idp, &client).await;
    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    let renewed = client.tokens().refresh().await.unwrap();
    assert_eq!(renewed.access_token.expose_secret(), theirs.access_token.expose_secret());
    assert!(client.tokens().has_tokens().await.unwrap(), "nothing was wiped");
}
