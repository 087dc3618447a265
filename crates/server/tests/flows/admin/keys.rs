//! Signing keys: seen without their private parts, rotated without breaking a token.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use serde_json::{Value, json};

use super::{Desk, refusal};
use crate::kit::TestApp;
use crate::kit::time::{days, hours};

const KEYS: &str = "/api/admin/keys";
const ROTATE: &str = "/api/admin/keys/rotate";

fn states(keys: &Value) -> Vec<String> {
    let keys = keys["items"].as_array().unwrap().iter();
    let mut states: Vec<_> = keys
        .map(|key| format!("{} {}", key["algorithm"].as_str().unwrap(), key["state"].as_str().unwrap()))
        .collect();
    states.sort();
    states
}

#[tokio::test]
async fn keys_are_shown_without_their_private_parts() {
    let app = TestApp::start().await;
    let reply = Desk::at(&app).await.get(KEYS).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
    assert_eq!(states(&reply.json()), ["ES256 active", "EdDSA active", "RS256 active"]);
    let members: Vec<_> = reply.json()["items"][0].as_object().unwrap().keys().cloned().collect();
    let expected =
        ["activatedAt", "algorithm", "createdAt", "expiresAt", "kid", "publishedAt", "retiredAt", "state"];
    assert_eq!(members, expected);
}

#[tokio::test]
async fn a_rotation_publishes_the_next_keys_before_they_sign() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let reply = desk.call(http::Method::POST, ROTATE).await;
    assert_eq!(reply.status, 200, "a body is not needed: {reply}");
    assert_eq!(
        states(&reply.json()),
        ["ES256 active", "ES256 next", "EdDSA active", "EdDSA next", "RS256 active", "RS256 next"]
    );
    assert_eq!(desk.get(KEYS).await.json(), reply.json());
    let published = app.get("/jwks.json").await.json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_rotation_at_once_lets_the_next_keys_sign_and_keeps_the_old_ones_for_their_tokens() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        let old = app.tokens(&client, &ada, "openid").await;
        let reply = desk.post(ROTATE, &json!({"now": true})).await;
        assert_eq!(reply.status, 200, "{reply}");
        let expected = [
            "ES256 active",
            "ES256 retired",
            "EdDSA active",
            "EdDSA retired",
            "RS256 active",
            "RS256 retired",
        ];
        assert_eq!(states(&reply.json()), expected);
        assert_eq!(app.userinfo(&old.access).await, 200, "{}", app.kind);
        let new = app.tokens(&client, &ada, "openid").await;
        let head = |token: &str| token.split('.').next().unwrap().to_owned();
        assert_ne!(head(&old.access), head(&new.access), "another key signs");
        // The tokens are dead after two hours, and a week later no session is left that they could be a hint for.
        app.travel(days(7));
        app.travel(hours(2));
        let desk = Desk::at(&app).await;
        let after = desk.post(ROTATE, &json!({"now": false})).await.json();
        assert!(states(&after).iter().all(|state| !state.ends_with("retired")), "{after}");
    }
}

#[tokio::test]
async fn keys_that_somebody_copied_are_published_no_longer_and_sign_nothing() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        desk.post(ROTATE, &json!({"now": true})).await;
        desk.post(ROTATE, &json!({"now": false})).await;
        let kids = |set: &Value| -> BTreeSet<String> {
            let keys = set["keys"].as_array().unwrap().iter();
            keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        let old = kids(&app.get("/jwks.json").await.json());
        assert_eq!(old.len(), 9, "active, retired and next");
        let reply = desk.post(ROTATE, &json!({"withdraw": true})).await;
        assert_eq!(states(&reply.json()), ["ES256 active", "EdDSA active", "RS256 active"], "{}", app.kind);
        let new = kids(&app.get("/jwks.json").await.json());
        assert!(new.len() == 3 && new.is_disjoint(&old), "{}", app.kind);
        let token = app.tokens(&client, &ada, "openid").await.access;
        let head = BASE64_URL.decode(token.split('.').next().unwrap()).unwrap();
        let head: Value = serde_json::from_slice(&head).unwrap();
        assert!(new.contains(head["kid"].as_str().unwrap()), "{head}");
    }
}

#[tokio::test]
async fn a_rotation_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    assert_eq!(refusal(&desk.post(ROTATE, &json!({"now": "yes"})).await), (422, "now".to_owned()));
    assert_eq!(refusal(&desk.post(ROTATE, &json!({"later": true})).await).0, 422);
    assert_eq!(desk.call(http::Method::POST, ROTATE).body("text/plain", "{}").await.status, 415);
    assert_eq!(states(&desk.get(KEYS).await.json()).len(), 3, "nothing was rotated");
}
