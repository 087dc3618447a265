//! Signing keys: published before they sign, kept until their last token is dead, sealed in the database.

use std::collections::BTreeSet;

use ayb_provider::keys::Rotation;
use jsonwebtoken::jwk::JwkSet;

use super::jwt::{ALGORITHMS, header, key_set, verify};
use super::logout::{AFTER, Scene, scenes};
use crate::kit::client::{Client, query};
use crate::kit::time::{days, hours, seconds};
use crate::kit::{Person, TestApp};

fn kids(keys: &JwkSet) -> BTreeSet<String> {
    keys.keys.iter().filter_map(|key| key.common.key_id.clone()).collect()
}

/// What the server's background work does every half minute.
async fn tend(app: &TestApp) {
    app.app.keys.tend(Rotation::WhenDue, app.clock.now()).await.unwrap();
}

async fn scene(alg: &str) -> (TestApp, Person, Client) {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let change = |draft: &mut ayb_provider::register::ClientDraft| {
        draft.token_format = Some("jwt".to_owned());
        draft.signing_alg = Some(alg.to_owned());
    };
    let client = app.confidential_client().with(change).await;
    (app, ada, client)
}

fn signer(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_next_key_is_published_a_day_before_it_signs_and_the_old_one_outlives_its_tokens() {
    for (name, alg) in ALGORITHMS {
        let (app, ada, client) = scene(name).await;
        let token = |scope: &'static str| app.tokens(&client, &ada, scope);
        let first = token("openid").await;
        let old = signer(&first.access);
        let before = key_set(&app).await;

        app.travel(seconds(89 * 86_400 + 1));
        tend(&app).await;
        let announced = key_set(&app).await;
        assert_eq!(announced.keys.len(), 6, "{name}: the next keys are readable");
        assert_eq!(signer(&token("openid").await.access), old, "{name}: and do not sign yet");

        app.travel(days(1));
        tend(&app).await;
        let second = token("openid").await;
        assert_ne!(signer(&second.access), old, "{name}");
        assert!(!kids(&before).contains(&signer(&second.access)));
        assert!(
            verify(&announced, &second.access, alg, &client.client_id).is_ok(),
            "a verifier of yesterday knows it"
        );
        let both = key_set(&app).await;
        assert!(
            verify(&both, &first.access, alg, &client.client_id).is_ok(),
            "{name}: old tokens still verify"
        );

        app.travel(hours(1));
        tend(&app).await;
        assert!(kids(&key_set(&app).await).contains(&old), "{name}: a token of the old key may live now");
        app.travel(hours(1));
        tend(&app).await;
        let after = key_set(&app).await;
        assert!(!kids(&after).contains(&old), "{name}: its last token is dead");
        assert!(verify(&after, &second.access, alg, &client.client_id).is_ok());
    }
}

#[tokio::test]
async fn a_rotation_at_once_keeps_the_tokens_of_the_old_key() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        let first = app.tokens(&client, &ada, "openid").await;
        app.app.keys.tend(Rotation::AtOnce, app.clock.now()).await.unwrap();
        let second = app.tokens(&client, &ada, "openid").await;
        assert_ne!(signer(&first.access), signer(&second.access));
        let keys = key_set(&app).await;
        let alg = jsonwebtoken::Algorithm::RS256;
        for token in [&first, &second] {
            assert!(verify(&keys, &token.access, alg, &client.client_id).is_ok());
            assert_eq!(app.userinfo(&token.access).await, 200);
        }
        let hint = first.id_token.unwrap();
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[("id_token_hint", &hint), ("prompt", "none")])).await;
        assert_eq!(browser.answer().get("code").len(), 64, "an ID token of the old key is still a hint");
    }
}

/// The identifiers of all keys that are stored, and the key sets that are published.
async fn known(app: &TestApp) -> (BTreeSet<String>, BTreeSet<String>) {
    let stored = app.app.store.list_keys().await.unwrap().into_iter().map(|key| key.kid).collect();
    (stored, kids(&key_set(app).await))
}

#[tokio::test]
async fn a_hint_of_an_old_key_works_as_long_as_a_session_may_live() {
    for Scene { app, client, mut browser, tokens, .. } in scenes("openid").await {
        let hint = tokens.id_token.unwrap();
        let old = signer(&hint);
        app.app.keys.tend(Rotation::AtOnce, app.clock.now()).await.unwrap();

        for distance in [hours(2), days(6)] {
            app.travel(distance);
            tend(&app).await;
            let (stored, published) = known(&app).await;
            assert!(stored.contains(&old) && !published.contains(&old), "{}", app.kind);
            let ask = client.authorize("openid", &[("id_token_hint", &hint), ("prompt", "none")]);
            browser.visit(&ask).await;
            assert_eq!(browser.answer().get("code").len(), 64, "{}", app.kind);
        }
        let goodbye = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
        let goodbye = goodbye.map(|(name, value)| (name.to_owned(), value.to_owned()));
        browser.visit(&format!("/oauth/logout?{}", query(&goodbye))).await;
        assert_eq!(browser.away.as_deref(), Some(AFTER), "{}", app.kind);
        assert!(browser.session().is_none());

        app.travel(days(1));
        tend(&app).await;
        assert!(!known(&app).await.0.contains(&old), "{}: it is forgotten", app.kind);
    }
}

#[tokio::test]
async fn two_processes_share_one_set_of_keys() {
    for app in TestApp::everywhere().await {
        let twin = app.twin(|_| {}).await;
        assert_eq!(kids(&key_set(&app).await), kids(&key_set(&twin).await));
        app.app.keys.tend(Rotation::AtOnce, app.clock.now()).await.unwrap();
        assert_ne!(kids(&key_set(&app).await), kids(&key_set(&twin).await));
        tend(&twin).await;
        assert_eq!(
            kids(&key_set(&app).await),
            kids(&key_set(&twin).await),
            "the other takes the new ones over"
        );
    }
}

#[tokio::test]
async fn private_keys_are_sealed_in_the_database() {
    for app in TestApp::everywhere().await {
        let rows = app.db_rows("select private_key_sealed, public_jwk from _ayb_signing_keys").await;
        assert_eq!(rows.len(), 3);
        for row in rows {
            let (sealed, public) = (row[0].clone().unwrap(), row[1].clone().unwrap());
            // PKCS#8 begins with a sequence, the version and an algorithm identifier.
            assert!(!sealed.contains("020100300") && !sealed.contains("06092a864886f70d010101"), "{public}");
            for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"k\""] {
                assert!(!public.contains(private), "{public}");
            }
        }
    }
}

#[tokio::test]
async fn another_master_key_is_a_clear_error_and_not_a_new_set_of_keys() {
    for app in TestApp::everywhere().await {
        let before = app.db_rows("select kid, state from _ayb_signing_keys order by kid").await;
        let Err(error) = app.reopened(|_| {}, [8; 32]).await else {
            panic!("it started under another master key")
        };
        let text = format!("{error:#}");
        assert!(text.contains("master key"), "{text}");
        assert_eq!(app.db_rows("select kid, state from _ayb_signing_keys order by kid").await, before);
        assert!(app.reopened(|_| {}, crate::kit::app::MASTER_KEY).await.is_ok());
    }
}

#[tokio::test]
async fn tokens_of_a_restarted_server_verify_and_live() {
    let (app, ada, client) = scene("EdDSA").await;
    let tokens = app.tokens(&client, &ada, "openid").await;
    let restarted = app.twin(|_| {}).await;
    assert_eq!(restarted.userinfo(&tokens.access).await, 200);
    let keys = key_set(&restarted).await;
    assert!(verify(&keys, &tokens.access, jsonwebtoken::Algorithm::EdDSA, &client.client_id).is_ok());
}
