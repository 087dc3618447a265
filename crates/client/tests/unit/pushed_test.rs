//! Pushed authorization requests (RFC 9126).

use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{CallbackParams, Endpoint, Recovery};

use crate::kit::{pair, params};

#[tokio::test]
async fn the_browser_carries_a_name_and_the_provider_gets_the_rest() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let start = client.start_pushed(params(&["openid"])).await.unwrap();
    let names: Vec<_> = start.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let pushed = &idp.requests(Endpoint::PushedAuthorization)[0];
    assert!(pushed.authorization.is_some(), "the client proves itself");
    assert_eq!(pushed.form["client_id"], "app", "it is a parameter of what is asked too");
    assert_eq!(
        (pushed.form["state"].as_str(), pushed.form["code_challenge_method"].as_str()),
        (start.state.as_str(), "S256")
    );
    let back = idp.approve(&start.url);
    assert_eq!(pair(&back, "state").as_deref(), Some(start.state.as_str()));
    client.finish(start.pending, CallbackParams::parse(back.as_str()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_told_and_a_provider_that_does_not_take_it_too() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    idp.next(Endpoint::PushedAuthorization, Fault::Error("invalid_request"));
    let error = client.start_pushed(params(&["a"])).await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::AdjustRequest, "{error}");
    let without =
        idp.confidential("app").configure(|c| c.provider.pushed_authorization_request_endpoint = None);
    let error = without.build().unwrap().start_pushed(params(&["a"])).await.unwrap_err();
    assert_eq!(error.endpoint(), Some(Endpoint::PushedAuthorization));
}
