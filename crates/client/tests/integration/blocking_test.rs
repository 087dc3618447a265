//! The same client without async.

use std::sync::Arc;
use std::time::Duration;

use ayb_client::blocking::BlockingOAuth2;
use ayb_client::mock::TestAuthServer;
use ayb_client::{CallbackParams, InMemoryTokenStorage, OAuth2Client as _, TokenSet, TokenStorageConfig};

use crate::kit::before::Before;
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

#[test]
fn a_program_that_ends_during_a_refresh_loses_nothing() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let takes_its_time = || Box::pin(tokio::time::sleep(Duration::from_millis(300))) as _;
    let storage = Arc::new(Before { inner: InMemoryTokenStorage::default(), first: takes_its_time });
    let open = || {
        let builder = idp.confidential("app");
        let config = TokenStorageConfig::Custom(storage.clone());
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
