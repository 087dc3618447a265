//! Bounds: what is just within is taken, what is just beyond is refused or cut.

use std::time::Duration;

use ayb_client::error::DeviceFlowError;
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    AuthorizationParams, CallbackParams, Endpoint, OAuth2Client as _, OAuth2Config, OAuth2Error,
    TokenExchange,
};
use url::Url;

use crate::kit::{minutes, params, sign_in};

type Change = fn(&mut OAuth2Config);

/// What a configuration with this change says.
fn built(change: Change) -> Result<(), OAuth2Error> {
    TestAuthServer::start().client("app").configure(change).build().map(drop)
}

fn words(count: usize) -> Vec<String> {
    vec!["a".to_owned(); count]
}

async fn asked(scopes: &[String]) -> [bool; 4] {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let url = client.start(AuthorizationParams::new(crate::kit::redirect_uri()).scopes(scopes.to_vec()));
    let own = client.client_credentials().request_token(Some(scopes)).await;
    let device = client.device_authorization().request_device_authorization(Some(scopes)).await;
    let mut exchange = TokenExchange::access_token("at");
    exchange.scopes = Some(scopes.to_vec());
    let exchange = client.exchange_token(&exchange).await;
    let is_configuration = |error: Option<OAuth2Error>| matches!(error, Some(OAuth2Error::Configuration(_)));
    [url.err(), own.err(), device.err(), exchange.err()].map(is_configuration)
}

/// What a code of this length leads to.
async fn code_of(length: usize) -> OAuth2Error {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let start = client.start(params(&["a"])).unwrap();
    let callback = CallbackParams {
        code: Some("c".repeat(length)),
        state: start.state.clone(),
        iss: Some(idp.issuer().to_owned()),
        ..CallbackParams::default()
    };
    let error = client.finish(start.pending, callback).await.unwrap_err();
    assert_eq!(idp.requests(Endpoint::Token).len(), usize::from(length <= 4096), "{error}");
    error
}

async fn lifetime(said: u64) -> Option<u64> {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let body = format!(r#"{{"access_token":"at","token_type":"Bearer","expires_in":{said}}}"#);
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    client.client_credentials().request_token(None).await.unwrap().expires_in
}

/// Whether an answer of this many bytes is read.
async fn reads(bytes: usize) -> bool {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let mut body = r#"{"access_token":"at","token_type":"Bearer"}"#.to_owned();
    body.push_str(&" ".repeat(bytes - body.len()));
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    let answer = client.client_credentials().request_token(None).await;
    answer.is_ok_and(|answer| answer.expires_in.is_none())
}

#[tokio::test]
async fn each_bound_holds_on_both_sides() {
    let table: [(&str, Change, Change); 8] = [
        ("timeout", |c| c.timeout = Duration::from_secs(1), |c| c.timeout = Duration::from_millis(999)),
        ("timeout", |c| c.timeout = Duration::from_secs(300), |c| c.timeout = Duration::from_millis(300_001)),
        ("refresh threshold", |c| c.refresh_threshold_secs = 10, |c| c.refresh_threshold_secs = 9),
        ("refresh threshold", |c| c.refresh_threshold_secs = 3600, |c| c.refresh_threshold_secs = 3601),
        (
            "client_id",
            |c| c.credentials.client_id = "a".repeat(256),
            |c| c.credentials.client_id = "a".repeat(257),
        ),
        (
            "client_id",
            |c| c.credentials.client_id = "a".to_owned(),
            |c| c.credentials.client_id = String::new(),
        ),
        ("scopes", |c| c.default_scopes = words(50), |c| c.default_scopes = words(51)),
        (
            "scopes",
            |c| c.default_scopes = vec!["a".repeat(1000)],
            |c| c.default_scopes = vec!["a".repeat(1001)],
        ),
    ];
    for (name, within, beyond) in table {
        assert!(built(within).is_ok(), "{name}");
        let error = built(beyond).unwrap_err();
        assert!(matches!(error, OAuth2Error::Configuration(_)), "{name}");
        let text = error.to_string().to_lowercase();
        assert!(text.contains(name) || text.contains("client id"), "{name}: {error}");
    }
    for (scopes, is_refused) in [
        (words(50), false),
        (words(51), true),
        (vec!["a ".repeat(50) + "a"], true),
        (vec!["a".repeat(1000)], false),
        (vec!["a".repeat(1001)], true),
    ] {
        assert_eq!(asked(&scopes).await, [is_refused; 4], "{} {}", scopes.len(), scopes[0].len());
    }
    let client = TestAuthServer::start().client("app").build().unwrap();
    for (length, is_taken) in [(2000, true), (2001, false)] {
        let address = format!("{:a<length$}", "https://app.example/");
        let asked = AuthorizationParams::new(Url::parse(&address).unwrap()).scopes(["a"]);
        assert_eq!(client.start(asked).is_ok(), is_taken, "redirect URI of {length}");
    }
    assert!(!code_of(4096).await.to_string().contains("invalid_response"));
    assert!(code_of(4097).await.to_string().contains("invalid_response"));
    let days = 90 * 86_400;
    assert_eq!([lifetime(days).await, lifetime(days + 1).await, lifetime(u64::MAX).await], [Some(days); 3]);
    assert!(reads(1024 * 1024).await && !reads(1024 * 1024 + 1).await);
}

#[tokio::test]
async fn a_device_waits_a_quarter_of_an_hour_and_five_failures_in_a_row() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let flow = client.device_authorization();
    let codes = flow.request_device_authorization(None).await.unwrap();
    let poll = || flow.poll_token("any code", Duration::from_secs(5), Duration::MAX);
    for failures in [4, 5] {
        for _ in 0..failures {
            idp.next(Endpoint::Token, Fault::DropBeforeProcessing);
        }
        idp.next(Endpoint::Token, Fault::Error("access_denied"));
        let error = poll().await.unwrap_err();
        assert_eq!(matches!(error, OAuth2Error::Network(_)), failures == 5, "{error}");
        while idp.pending_faults(Endpoint::Token) > 0 {
            let _denied = poll().await;
        }
    }
    for _ in 0..500 {
        idp.next(Endpoint::Token, Fault::Error("authorization_pending"));
    }
    let ended = poll().await.unwrap_err();
    let OAuth2Error::DeviceFlow(DeviceFlowError::PollingTimeout { elapsed }) = ended else {
        panic!("{ended}")
    };
    assert!(elapsed <= minutes(15) && elapsed > minutes(14), "{elapsed:?}");
    assert_eq!(codes.expires_in, 900);
}

#[tokio::test]
async fn keys_are_used_for_an_hour() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let fetches = || idp.requests(Endpoint::Jwks).len();
    sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    idp.clock().advance(minutes(59));
    sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    assert_eq!(fetches(), 1);
    idp.clock().advance(minutes(1));
    sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    assert_eq!(fetches(), 2);
}
