//! The state: new for every request, long, good for one answer, for ten minutes.

use std::collections::HashSet;

use ayb_client::error::AuthorizationError;
use ayb_client::mock::TestAuthServer;
use ayb_client::{CallbackParams, Endpoint, OAuth2Client as _, OAuth2Error};

use crate::kit::{minutes, pair, params, redirect_uri};

fn is_mismatch<T>(result: &Result<T, OAuth2Error>) -> bool {
    matches!(result, Err(OAuth2Error::Authorization(AuthorizationError::StateMismatch { .. })))
}

#[tokio::test]
async fn every_request_has_a_new_state_of_256_bits() {
    let idp = TestAuthServer::start();
    let client = idp
        .client("app")
        .configure(|config| config.rate_limits.authorization_endpoint_rpm = None)
        .build()
        .unwrap();
    let states: HashSet<String> = (0..500).map(|_| client.start(params(&["a"])).unwrap().state).collect();
    assert_eq!(states.len(), 500);
    assert!(states.iter().all(|state| state.len() == 43));
}

#[tokio::test]
async fn a_state_that_was_not_given_out_or_is_spent_or_too_old_exchanges_nothing() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let code = client.authorization_code();
    let to = code.authorization_url(params(&["a"])).unwrap();
    let back = CallbackParams::parse(idp.approve(&to.url).as_str()).unwrap();
    let forged = CallbackParams { state: "0".repeat(43), ..back.clone() };
    assert!(is_mismatch(&code.handle_callback(forged).await));
    code.handle_callback(back.clone()).await.unwrap();
    assert!(is_mismatch(&code.handle_callback(back).await), "a second time");
    let to = code.authorization_url(params(&["a"])).unwrap();
    let back = idp.approve(&to.url);
    idp.clock().advance(minutes(10));
    assert!(is_mismatch(
        &code.exchange_code(&pair(&back, "code").unwrap(), &to.state, &redirect_uri()).await
    ));
    assert_eq!(idp.requests(Endpoint::Token).len(), 1);
}

#[tokio::test]
async fn the_state_of_another_browser_is_refused() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let (mine, theirs) = (client.start(params(&["a"])).unwrap(), client.start(params(&["a"])).unwrap());
    let back = CallbackParams::parse(idp.approve(&theirs.url).as_str()).unwrap();
    let error = client.finish(mine.pending, back).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&mine.state) && !shown.contains(&theirs.state), "{shown}");
    let OAuth2Error::Authorization(AuthorizationError::StateMismatch { expected, received }) = error else {
        panic!("{error}")
    };
    assert!(expected.len() == 8 && received.len() == 8 && expected != received, "{expected} {received}");
}
