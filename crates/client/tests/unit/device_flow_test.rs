//! Device authorization (RFC 8628), on a clock that every wait moves on.

use std::time::Duration;

use ayb_client::error::{DeviceFlowError, NetworkError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::primitives::types::TimeProvider as _;
use ayb_client::{
    DeviceAuthorizationFlowExt as _, Endpoint, ExposeSecret as _, OAuth2Client as _, OAuth2Error,
};

fn polls(idp: &TestAuthServer) -> usize {
    idp.requests(Endpoint::Token).len()
}

#[tokio::test]
async fn a_person_allows_it_and_the_device_gets_tokens() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    idp.next(Endpoint::Token, Fault::Error("authorization_pending"));
    let deciding = idp.clone();
    let response = client
        .device_authorization()
        .execute(Some(&["watch".to_owned()]), |codes| {
            assert!(codes.user_code.starts_with("WDJB"));
            assert_eq!(codes.verification_uri.as_str(), "https://id.test/activate");
            deciding.decide_device(&codes.user_code, true);
        })
        .await
        .unwrap();
    assert!(idp.accepts(response.access_token.expose_secret()));
    assert_eq!(response.scope.as_deref(), Some("watch"));
    assert_eq!(polls(&idp), 2);
    let poll = &idp.requests(Endpoint::Token)[1].form;
    assert_eq!(poll["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    assert!(poll.contains_key("device_code") && poll["client_id"] == "tv");
}

async fn poll_with(
    faults: &[Fault],
    decision: Option<bool>,
) -> (TestAuthServer, Duration, Result<(), OAuth2Error>) {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let codes = client.device_authorization().request_device_authorization(None).await.unwrap();
    if let Some(decision) = decision {
        idp.decide_device(&codes.user_code, decision);
    }
    for fault in faults {
        idp.next(Endpoint::Token, fault.clone());
    }
    let begin = idp.clock().monotonic();
    let result = client
        .device_authorization()
        .poll_token(&codes.device_code, Duration::from_secs(5), Duration::from_secs(900))
        .await;
    let took = idp.clock().monotonic() - begin;
    (idp, took, result.map(drop))
}

#[tokio::test]
async fn slow_down_adds_five_seconds_for_good() {
    let faults =
        [Fault::Error("slow_down"), Fault::Error("authorization_pending"), Fault::Error("slow_down")];
    let (_, took, result) = poll_with(&faults, Some(true)).await;
    result.unwrap();
    // 5, then 10, 10, then 15.
    assert_eq!(took, Duration::from_secs(40));
}

#[tokio::test]
async fn a_failure_makes_it_slower_and_several_in_a_row_end_it() {
    let (idp, took, result) = poll_with(&[Fault::DropBeforeProcessing, Fault::Status(500)], Some(true)).await;
    result.unwrap();
    assert!(took >= Duration::from_secs(5 + 10 + 20), "{took:?}");
    assert_eq!(polls(&idp), 3);
    let many = vec![Fault::Unreachable; 9];
    let (idp, _, result) = poll_with(&many, Some(true)).await;
    assert!(matches!(result, Err(OAuth2Error::Network(_))), "{result:?}");
    assert!(polls(&idp) <= 6);
}

#[tokio::test]
async fn the_wish_of_a_busy_server_is_heard() {
    let (_, took, result) = poll_with(&[Fault::RetryAfter(429, 60)], Some(true)).await;
    result.unwrap();
    assert!(took >= Duration::from_secs(65), "{took:?}");
}

#[tokio::test]
async fn no_and_too_late_are_told_apart() {
    let (_, _, denied) = poll_with(&[], Some(false)).await;
    assert!(
        matches!(denied, Err(OAuth2Error::DeviceFlow(DeviceFlowError::AccessDenied { .. }))),
        "{denied:?}"
    );
    let (_, _, expired) = poll_with(&[Fault::Error("expired_token")], None).await;
    assert!(
        matches!(expired, Err(OAuth2Error::DeviceFlow(DeviceFlowError::ExpiredToken { .. }))),
        "{expired:?}"
    );
    let (idp, took, late) = poll_with(&[], None).await;
    assert!(matches!(late, Err(OAuth2Error::DeviceFlow(DeviceFlowError::PollingTimeout { .. }))), "{late:?}");
    assert!(took < Duration::from_secs(900) && polls(&idp) > 100);
}

#[tokio::test]
async fn the_whole_flow_ends_with_the_codes() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let ended = client.device_authorization().execute(None, |_| {}).await;
    assert!(matches!(ended, Err(OAuth2Error::DeviceFlow(DeviceFlowError::ExpiredToken { .. }))), "{ended:?}");
}

#[tokio::test]
async fn without_an_interval_it_is_five_seconds_and_a_bad_address_is_refused() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let body =
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://id.test/a","expires_in":12}"#;
    idp.next(Endpoint::DeviceAuthorization, Fault::Answer(200, "application/json", body.to_owned()));
    idp.next(Endpoint::Token, Fault::Error("authorization_pending"));
    idp.next(Endpoint::Token, Fault::Error("authorization_pending"));
    let ended = client.device_authorization().execute(None, |codes| assert_eq!(codes.interval, None)).await;
    assert!(ended.is_err());
    assert_eq!(polls(&idp), 2, "at 5 and at 10 seconds");
    let body = body.replace("https://id.test/a", "javascript:alert(1)");
    idp.next(Endpoint::DeviceAuthorization, Fault::Answer(200, "application/json", body));
    let refused = client.device_authorization().request_device_authorization(None).await;
    assert!(matches!(refused, Err(OAuth2Error::Network(NetworkError::UnusableAnswer { .. }))), "{refused:?}");
}

#[tokio::test]
async fn numbers_beyond_all_sense_stop_nothing() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let (most, place) = (u64::MAX, "https://id.test/a");
    let body = format!(
        r#"{{"device_code":"d","user_code":"u","verification_uri":"{place}","expires_in":{most},"interval":{most}}}"#
    );
    idp.next(Endpoint::DeviceAuthorization, Fault::Answer(200, "application/json", body));
    assert!(client.device_authorization().execute(None, |_| {}).await.is_err());
    idp.next(Endpoint::Token, Fault::RetryAfter(429, most));
    let ended = client.device_authorization().poll_token("d", Duration::from_secs(5), Duration::MAX).await;
    assert!(ended.is_err());
    let body = format!(r#"{{"access_token":"at","token_type":"Bearer","expires_in":{most}}}"#);
    let confidential = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    let response = confidential.client_credentials().request_token(None).await.unwrap();
    confidential
        .tokens()
        .store_tokens(ayb_client::TokenSet::from_response(&response, crate::kit::now(&idp)))
        .await
        .unwrap();
    assert!(confidential.tokens().get_access_token().await.is_ok());
}
