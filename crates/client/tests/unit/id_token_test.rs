//! ID tokens: each rule of OpenID Connect Core §3.1.3.7 is broken once, and the keys are fetched as seldom as can be.

use ayb_client::error::ValidationError as V;
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    Algorithm, DeviceAuthorizationFlowExt as _, Endpoint, Expected, ExposeSecret as _, IdTokenPolicy,
    OAuth2Client as _, OAuth2Error, Seconds, TokenSet,
};
use serde_json::{Map, Value, json};

use crate::kit::{minutes, now, params, sign_in};

fn validation(result: Result<impl Sized, OAuth2Error>) -> V {
    match result {
        Err(OAuth2Error::Validation(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

async fn with(change: impl Fn(&mut Map<String, Value>) + Send + 'static) -> Result<(), OAuth2Error> {
    let idp = TestAuthServer::start();
    idp.alter_id_tokens(change);
    let client = idp.client("app").build().unwrap();
    sign_in(&idp, &client, params(&["openid"])).await.map(drop)
}

fn set(name: &'static str, value: Value) -> impl Fn(&mut Map<String, Value>) + Send + 'static {
    move |claims| drop(claims.insert(name.to_owned(), value.clone()))
}

fn without(name: &'static str) -> impl Fn(&mut Map<String, Value>) + Send + 'static {
    move |claims| drop(claims.remove(name))
}

#[tokio::test]
async fn a_token_that_breaks_a_rule_is_refused() {
    assert!(with(|_| {}).await.is_ok());
    assert_eq!(validation(with(set("iss", json!("https://evil.test"))).await), V::InvalidIssuer);
    assert_eq!(validation(with(without("iss")).await), V::InvalidIssuer);
    assert_eq!(validation(with(set("aud", json!("other"))).await), V::InvalidAudience);
    assert_eq!(validation(with(without("aud")).await), V::InvalidAudience);
    assert_eq!(validation(with(set("aud", json!(["app", "other"]))).await), V::InvalidAudience);
    assert_eq!(validation(with(set("azp", json!("other"))).await), V::InvalidAudience);
    assert_eq!(validation(with(set("azp", json!(7))).await), V::InvalidAudience);
    assert_eq!(validation(with(set("nonce", json!("other"))).await), V::NonceMismatch);
    assert_eq!(validation(with(without("nonce")).await), V::NonceMismatch);
    assert_eq!(validation(with(set("at_hash", json!("other"))).await), V::HashMismatch("at_hash"));
    assert_eq!(validation(with(set("at_hash", json!(null))).await), V::HashMismatch("at_hash"));
    assert_eq!(validation(with(set("c_hash", json!("other"))).await), V::HashMismatch("c_hash"));
    assert_eq!(validation(with(set("exp", json!(1_767_225_600 - 31))).await), V::JwtExpired);
    for wrong in [without("sub"), without("exp"), without("iat")] {
        assert!(matches!(validation(with(wrong).await), V::InvalidJwt { .. }));
    }
    for wrong in [
        set("sub", json!("")),
        set("iat", json!(1_767_225_600 + 31)),
        set("nbf", json!(1_767_225_600 + 31)),
        set("exp", json!("9999999999")),
    ] {
        assert!(matches!(validation(with(wrong).await), V::InvalidJwt { .. }));
    }
    assert!(with(set("exp", json!(1_767_225_600 - 29))).await.is_ok(), "clocks may differ by 30 seconds");
    assert!(with(set("azp", json!("app"))).await.is_ok());
}

#[tokio::test]
async fn the_sign_in_may_not_be_longer_ago_than_was_asked_for() {
    for (auth_time, is_recent) in
        [(json!(1_767_225_600 - 89), true), (json!(1_767_225_600 - 91), false), (Value::Null, false)]
    {
        let idp = TestAuthServer::start();
        idp.alter_id_tokens(set("auth_time", auth_time.clone()));
        let client = idp.client("app").build().unwrap();
        let mut asked = params(&["openid"]);
        asked.max_age = Some(60);
        assert_eq!(sign_in(&idp, &client, asked).await.is_ok(), is_recent, "{auth_time}");
    }
}

#[tokio::test]
async fn each_exception_is_named() {
    let signs_in = async |policy: IdTokenPolicy, name: &'static str, value: Value| {
        let idp = TestAuthServer::start();
        idp.alter_id_tokens(set(name, value));
        let client = idp.client("app").configure(|config| config.id_token = policy).build().unwrap();
        sign_in(&idp, &client, params(&["openid"])).await.is_ok()
    };
    let usual = IdTokenPolicy::default;
    assert!(signs_in(usual().trusting_audience("other"), "azp", json!("app")).await);
    assert!(signs_in(usual().dangerously_ignoring_hashes(), "at_hash", json!("x")).await);
    assert!(signs_in(usual().dangerously_unchecked(), "iss", json!("x")).await);
    assert!(signs_in(usual().leeway(Seconds(300)), "exp", json!(1_767_225_600 - 299)).await);
    assert!(!signs_in(usual().leeway(Seconds(9999)), "exp", json!(1_767_225_600 - 301)).await);
    assert!(
        !signs_in(usual().algorithms([Algorithm::RS256]), "azp", json!("app")).await,
        "ES256 is not on the list"
    );
}

#[tokio::test]
async fn new_keys_are_found_with_one_fetch_for_all_and_strangers_cause_none() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let fetches = || idp.requests(Endpoint::Jwks).len();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    assert_eq!(fetches(), 1);
    let old = response.id_token.unwrap();
    client.verify_id_token(old.expose_secret(), &Expected::default()).await.unwrap();
    assert_eq!(fetches(), 1, "keys are kept");
    idp.rotate_keys();
    idp.clock().advance(minutes(1));
    let (a, b) = tokio::join!(
        sign_in(&idp, &client, params(&["openid"])),
        sign_in(&idp, &client, params(&["openid"])),
    );
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(fetches(), 2, "one fetch for both");
    for _ in 0..10 {
        assert!(client.verify_id_token(old.expose_secret(), &Expected::default()).await.is_err());
    }
    assert_eq!(fetches(), 2, "an unknown key causes no fetch until the cool-down is over");
    idp.clock().advance(minutes(1));
    assert!(client.verify_id_token(old.expose_secret(), &Expected::default()).await.is_err());
    assert_eq!(fetches(), 3);
}

#[tokio::test]
async fn old_keys_go_on_verifying_while_the_provider_is_away() {
    let idp = TestAuthServer::start().access_lifetime(9_999_999);
    idp.alter_id_tokens(|claims| drop(claims.insert("exp".to_owned(), json!(1_999_999_999))));
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    let token = response.id_token.unwrap();
    idp.clock().advance(minutes(61));
    for _ in 0..4 {
        idp.next(Endpoint::Jwks, Fault::Status(500));
    }
    client.verify_id_token(token.expose_secret(), &Expected::default()).await.unwrap();
    let tried = idp.requests(Endpoint::Jwks).len();
    assert!(tried > 1, "it was tried");
    idp.clock().advance(minutes(26 * 60));
    for _ in 0..12 {
        idp.next(Endpoint::Jwks, Fault::Status(500));
    }
    assert!(
        client.verify_id_token(token.expose_secret(), &Expected::default()).await.is_err(),
        "not for ever"
    );
    assert!(now(&idp).as_seconds() > 1_767_225_600);
}

#[tokio::test]
async fn a_token_that_was_changed_or_made_for_another_purpose_is_refused() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    let token = response.id_token.unwrap().expose_secret().to_owned();
    let (head, mac) = token.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let none = ayb_protocol::jose::base64url::encode(br#"{"alg":"none"}"#);
    for forged in [
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{}", &mac[..mac.len() - 2]),
        format!("{none}.{payload}."),
        format!("{header}.{}.{mac}", ayb_protocol::jose::base64url::encode(br#"{"sub":"eve"}"#)),
        "x".to_owned(),
        String::new(),
    ] {
        assert!(client.verify_id_token(&forged, &Expected::default()).await.is_err(), "{forged}");
    }
}

#[tokio::test]
async fn a_forged_id_token_ends_the_device_flow() {
    let idp = TestAuthServer::start();
    let client = idp.client("tv").build().unwrap();
    let sign_in = async || {
        let deciding = idp.clone();
        let openid = ["openid".to_owned()];
        let codes = client.device_authorization();
        codes.execute(Some(&openid), |codes| deciding.decide_device(&codes.user_code, true)).await
    };
    assert!(sign_in().await.unwrap().id_token.is_some(), "one that passes comes through");
    idp.alter_id_tokens(|claims| drop(claims.insert("aud".to_owned(), json!("somebody else"))));
    assert!(matches!(validation(sign_in().await), V::InvalidAudience));
}

#[tokio::test]
async fn no_flow_hands_out_an_id_token_that_does_not_pass() {
    let body = r#"{"access_token":"at","token_type":"Bearer","refresh_token":"rt","id_token":"for.ged.x"}"#;
    let forged = || Fault::Answer(200, "application/json", body.to_owned());
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, forged());
    let exchanged = client.exchange_token(&ayb_client::TokenExchange::access_token("subject")).await.unwrap();
    idp.next(Endpoint::Token, forged());
    let own = client.client_credentials().request_token(None).await.unwrap();
    idp.next(Endpoint::Token, forged());
    let code = sign_in(&idp, &client, params(&["orders"])).await.unwrap();
    // Tokens that were kept without an ID token, and get one with a refresh.
    crate::kit::signed_in(&idp, &client).await;
    idp.next(Endpoint::Token, forged());
    let renewed = client.tokens().refresh().await.unwrap();
    for (flow, response) in [("exchange", exchanged), ("own", own), ("code", code), ("refresh", renewed)] {
        assert_eq!(response.access_token.expose_secret(), "at", "{flow}");
        assert!(response.id_token.is_none(), "{flow}");
    }
}

/// Signs in, and refreshes five minutes later, with an ID token that has this claim then.
async fn refreshed_with(change: Option<(&'static str, Value)>) -> Result<bool, OAuth2Error> {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    client.tokens().store_tokens(TokenSet::from_response(&response, now(&idp))).await.unwrap();
    idp.clock().advance(minutes(5));
    if let Some((name, value)) = change {
        idp.alter_id_tokens(set(name, value));
    }
    Ok(client.tokens().refresh().await?.id_token.is_some())
}

#[tokio::test]
async fn an_id_token_of_a_refresh_has_to_follow_the_first_one() {
    for change in [None, Some(("aud", json!(["app"]))), Some(("email", json!("new@example.com")))] {
        assert!(refreshed_with(change.clone()).await.unwrap(), "{change:?}");
    }
    for change in [("auth_time", json!(1_767_225_900)), ("azp", json!("app")), ("nonce", json!("another"))] {
        assert!(!refreshed_with(Some(change.clone())).await.unwrap(), "{change:?} costs the ID token");
    }
    assert_eq!(validation(refreshed_with(Some(("sub", json!("eve")))).await), V::SubjectMismatch);
}
