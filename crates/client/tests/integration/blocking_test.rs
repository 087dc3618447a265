//! The same client without async.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::blocking::BlockingOAuth2;
use ayb_client::mock::TestAuthServer;
use ayb_client::{
    CallbackParams, Fingerprint, InMemoryTokenStorage, OAuth2Client as _, OAuth2Error, TokenSet,
    TokenStorage, TokenStorageConfig,
};

use crate::kit::{minutes, now, params};

#[test]
fn a_program_without_async_does_the_same() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let client = BlockingOAuth2::build(idp.confidential("app")).unwrap();
    client.request_token(None).unwrap();
    client.device(None, |codes| idp.decide_device(&codes.user_code, true)).unwrap();
    let start = client.start(params(&["openid"])).unwrap();
    let back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    let response = client.finish(start.pending, back).unwrap();
    client.store_tokens(TokenSet::from_response(&response, now(&idp))).unwrap();
    idp.clock().advance(minutes(61));
    let token = client.get_access_token().unwrap();
    assert!(idp.accepts(token.secret()) && client.introspect_access_token(token.secret()).unwrap().active);
    assert_eq!(client.run(client.client().user_info(token.secret(), "ada")).unwrap().sub, "ada");
    client.revoke_all().unwrap();
    assert!(!idp.accepts(token.secret()) && client.get_access_token().is_err());
}

/// A storage that takes its time to store what a refresh brought.
#[derive(Clone, Default)]
struct Slow(Arc<InMemoryTokenStorage>);

#[async_trait]
impl TokenStorage for Slow {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.0.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        self.0.retrieve(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.0.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.0.clear_all().await
    }

    async fn compare_and_store(
        &self,
        key: &str,
        expected: Option<Fingerprint>,
        tokens: &TokenSet,
    ) -> Result<(), OAuth2Error> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.0.compare_and_store(key, expected, tokens).await
    }
}

#[test]
fn a_program_that_ends_during_a_refresh_loses_nothing() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let storage = Slow::default();
    let open = || {
        let builder = idp.confidential("app");
        let config = TokenStorageConfig::Custom(Arc::new(storage.clone()));
        BlockingOAuth2::build(builder.configure(|all| all.storage = config)).unwrap()
    };
    let client = open();
    let start = client.start(params(&["orders"])).unwrap();
    let back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    let first = TokenSet::from_response(&client.finish(start.pending, back).unwrap(), now(&idp));
    client.store_tokens(first.clone()).unwrap();
    idp.clock().advance(minutes(59) + Duration::from_secs(30));
    client.get_access_token().unwrap();
    while idp.refreshes() == 0 {
        std::thread::yield_now();
    }
    drop(client);
    let next = open();
    let stored = next.run(next.client().tokens().get_current_tokens()).unwrap().unwrap();
    assert_ne!(stored.fingerprint(), first.fingerprint(), "what the provider answered is stored");
}
