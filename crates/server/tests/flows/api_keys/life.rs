//! A key is alive or dead, and whatever ends it ends it at once.

use http::Method;
use serde_json::Value;

use super::ME;
use crate::kit::time::seconds;
use crate::kit::{Key, TestApp};

async fn status(app: &TestApp, key: &Key) -> u16 {
    app.get(ME).bearer(&key.text).await.status.as_u16()
}

#[tokio::test]
async fn a_key_speaks_for_its_owner_within_its_scope() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let whole = app.get(ME).bearer(&app.api_key(&ada, |_| {}).await.text).await;
        assert_eq!((whole.member("id"), whole.member("email")), (ada.id.to_string(), ada.email.clone()));
        let narrow = app.api_key(&ada, |key| key.scope = ayb_protocol::scope::ResourceScope::Readwrite).await;
        let narrow = app.get(ME).bearer(&narrow.text).await;
        assert_eq!((narrow.member("id"), narrow.json().get("email")), (ada.id.to_string(), None::<&Value>));
    }
}

#[tokio::test]
async fn a_key_dies_at_once_with_whatever_it_lives_by() {
    for app in TestApp::everywhere().await {
        let store = &app.app.store;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let end = app.clock.now().plus(seconds(60));
        let expiring = app.api_key(&ada, |key| key.expires_at = Some(end)).await;
        let (revoked, lasting) = (app.api_key(&ada, |_| {}).await, app.api_key(&ada, |_| {}).await);
        let foreign = app.api_key(&bob, |_| {}).await;
        for key in [&expiring, &revoked, &lasting, &foreign] {
            assert_eq!(status(&app, key).await, 200, "{}", app.kind);
        }
        assert!(store.revoke_api_key(revoked.id, None, app.clock.now()).await.unwrap());
        app.travel(seconds(60));
        for (key, expected) in [(&expiring, 401), (&revoked, 401), (&lasting, 200), (&foreign, 200)] {
            assert_eq!(status(&app, key).await, expected, "{}", app.kind);
        }
        let disabled_at = app.clock.now();
        store.set_user_disabled(ada.id, Some(disabled_at), disabled_at).await.unwrap();
        assert_eq!((status(&app, &lasting).await, status(&app, &foreign).await), (401, 200));
        store.set_user_disabled(ada.id, None, disabled_at).await.unwrap();
        assert_eq!(status(&app, &lasting).await, 200, "and is back with its owner");
        store.delete_user(ada.id).await.unwrap();
        assert_eq!((status(&app, &lasting).await, status(&app, &foreign).await), (401, 200));
    }
}

#[tokio::test]
async fn every_digit_of_a_key_counts_and_all_dead_keys_are_answered_alike() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let key = app.api_key(&ada, |_| {}).await.text;
        let unknown = app.get(ME).bearer(&format!("ayb_{}", "0".repeat(48))).await;
        assert_eq!((unknown.status.as_u16(), unknown.json()["code"].as_u64()), (401, Some(401)));
        assert!(unknown.header("www-authenticate").contains("error=\"invalid_token\""), "{unknown}");
        for index in 4..key.len() {
            let other = if key.as_bytes()[index] == b'0' { "1" } else { "0" };
            let changed = format!("{}{other}{}", &key[..index], &key[index + 1..]);
            let reply = app.request(Method::GET, ME).bearer(&changed).await;
            assert_eq!((reply.status, &reply.body), (unknown.status, &unknown.body), "digit {index}");
        }
        assert_eq!(app.get(ME).bearer(&key).await.status, 200);
    }
}

#[tokio::test]
async fn a_session_a_token_and_a_key_of_one_person_work_side_by_side() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let opaque = app.confidential_client().await;
        let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        let token = app.tokens(&opaque, &ada, "openid").await.access;
        let signed = app.tokens(&jwt, &ada, "openid").await.access;
        let key = app.api_key(&ada, |_| {}).await;
        let session = app.session_token(&ada).await;
        let all = [("session", &session), ("opaque token", &token), ("JWT", &signed), ("API key", &key.text)];
        let check = async |dead: &[&str]| {
            for (kind, credential) in all {
                let reply = app.get(ME).bearer(credential).await;
                let expected = if dead.contains(&kind) { 401 } else { 200 };
                assert_eq!(reply.status, expected, "{}: {kind} while dead are {dead:?}: {reply}", app.kind);
                if expected == 200 {
                    assert_eq!(reply.member("id"), ada.id.to_string(), "{kind}");
                }
            }
        };
        let (store, now) = (&app.app.store, app.clock.now());
        check(&[]).await;
        assert!(store.revoke_api_key(key.id, None, now).await.unwrap());
        check(&["API key"]).await;
        assert!(store.revoke_client(&opaque.id, now).await.unwrap());
        check(&["API key", "opaque token"]).await;
        store.end_sessions(ada.id, None, now).await.unwrap();
        check(&["API key", "opaque token", "session"]).await;
    }
}
