//! JWT access tokens (RFC 9068): what they say, who can check them, and that ours still dies at once.

use serde_json::json;

use super::jwt::{ALGORITHMS, header, key_set, verify};
use crate::kit::client::Client;
use crate::kit::time::START;
use crate::kit::{TestApp, Tokens};

async fn jwt_client(app: &TestApp, alg: &str) -> Client {
    let change = |draft: &mut ayb_provider::register::ClientDraft| {
        draft.token_format = Some("jwt".to_owned());
        draft.signing_alg = Some(alg.to_owned());
    };
    app.confidential_client().with(change).await
}

#[tokio::test]
async fn the_claims_are_those_of_rfc_9068_and_verify_with_another_library() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let keys = key_set(&app).await;
        for (name, alg) in ALGORITHMS {
            let client = jwt_client(&app, name).await;
            let code = app
                .authorize_code_with(&client, &ada, "openid readonly", &[("allowed_tables", "notes")])
                .await;
            let tokens = Tokens::of(&app.redeem(&client, &code).await);
            let refreshed = Tokens::of(&app.refresh(&client, tokens.refresh()).await);
            for token in [&tokens.access, &refreshed.access] {
                let head = header(token);
                assert_eq!((&head["typ"], &head["alg"]), (&"at+jwt".into(), &name.into()));
                let mut claims = verify(&keys, token, alg, &client.client_id).unwrap();
                let jti = claims["jti"].take();
                assert!(jti.as_str().is_some_and(|jti| jti.len() == 36), "{jti}");
                let now = START.as_seconds();
                assert_eq!(
                    claims,
                    json!({
                        "iss": "https://id.test",
                        "sub": ada.id.to_string(),
                        "aud": client.client_id,
                        "client_id": client.client_id,
                        "scope": "openid readonly",
                        "iat": now,
                        "exp": now + 3600,
                        "jti": null,
                        "auth_time": now,
                        "allowed_tables": ["notes"],
                    })
                );
                assert_eq!(app.userinfo(token).await, 200, "{name}");
            }
            assert!(tokens.refresh().starts_with("ayb_rt_"), "refresh tokens are always opaque");
        }
    }
}

#[tokio::test]
async fn a_client_names_the_audience_of_its_tokens() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app
        .confidential_client()
        .with(|draft| {
            draft.token_format = Some("jwt".to_owned());
            draft.audience = Some("https://api.example".to_owned());
        })
        .await;
    let tokens = app.tokens(&client, &ada, "openid readonly").await;
    let keys = key_set(&app).await;
    let alg = jsonwebtoken::Algorithm::RS256;
    assert!(verify(&keys, &tokens.access, alg, "https://api.example").is_ok());
    assert!(verify(&keys, &tokens.access, alg, &client.client_id).is_err());
    let id_token = tokens.id_token.unwrap();
    assert!(
        verify(&keys, &id_token, alg, &client.client_id).is_ok(),
        "the ID token is for the client itself"
    );
}

#[tokio::test]
async fn a_machine_is_its_own_subject() {
    let app = TestApp::start().await;
    for (name, alg) in ALGORITHMS {
        let client = jwt_client(&app, name).await;
        let pairs = [("grant_type", "client_credentials"), ("scope", "readonly")];
        let token = app.token_request(&client, &pairs).await.member("access_token");
        let claims = verify(&key_set(&app).await, &token, alg, &client.client_id).unwrap();
        assert_eq!(
            (&claims["sub"], &claims["client_id"]),
            (&client.client_id.clone().into(), &client.client_id.clone().into())
        );
        assert!(claims.get("auth_time").is_none());
    }
}

#[tokio::test]
async fn a_revoked_jwt_is_dead_here_and_verifies_elsewhere_until_it_expires() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for (name, alg) in ALGORITHMS {
            let client = jwt_client(&app, name).await;
            let tokens = app.tokens(&client, &ada, "openid").await;
            assert_eq!(app.revoke(&client, &tokens.access).await.status, 200);
            assert_eq!(app.userinfo(&tokens.access).await, 401);
            assert!(verify(&key_set(&app).await, &tokens.access, alg, &client.client_id).is_ok());
        }
    }
}

#[tokio::test]
async fn a_jwt_of_our_own_keys_that_we_did_not_store_opens_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = jwt_client(&app, "ES256").await;
    let tokens = app.tokens(&client, &ada, "openid").await;
    let mut claims =
        verify(&key_set(&app).await, &tokens.access, jsonwebtoken::Algorithm::ES256, &client.client_id)
            .unwrap();
    let sign = |claims: &serde_json::Value| {
        let ring = app.app.keys.ring();
        let key = ring.active(ayb_provider::client::SigningAlg::ES256).unwrap();
        ayb_protocol::jose::jwt::sign(key, "at+jwt", claims).unwrap()
    };
    assert_eq!(app.userinfo(&sign(&claims)).await, 401, "the same claims signed again are another token");
    claims["jti"] = uuid::Uuid::nil().to_string().into();
    assert_eq!(app.userinfo(&sign(&claims)).await, 401);
    assert_eq!(app.userinfo(&tokens.access).await, 200);
}
