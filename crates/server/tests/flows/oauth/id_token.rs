//! ID tokens (OpenID Connect Core §2), checked with another library.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::jwt::{ALGORITHMS, header, key_set, verify};
use crate::kit::time::{START, minutes};
use crate::kit::{Person, TestApp, Tokens};

/// OpenID Connect Core §3.1.3.6, written down once more.
fn at_hash(alg: &str, token: &str) -> String {
    let digest = if alg == "EdDSA" { &aws_lc_rs::digest::SHA512 } else { &aws_lc_rs::digest::SHA256 };
    let hash = aws_lc_rs::digest::digest(digest, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[tokio::test]
async fn the_claims_are_right_and_verify_with_another_library() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let keys = key_set(&app).await;
        for (name, alg) in ALGORITHMS {
            let client =
                app.confidential_client().with(|draft| draft.signing_alg = Some(name.to_owned())).await;
            let mut browser = app.signed_in(&ada).await;
            let signed_in = app.clock.now();
            app.travel(minutes(2));
            let code = app.code_in(&mut browser, &client, "openid", &[("nonce", "n-0S6_WzA2Mj & ü")]).await;
            let tokens = Tokens::of(&app.redeem(&client, &code).await);
            let token = tokens.id_token.unwrap();
            assert_eq!((&header(&token)["alg"], &header(&token)["typ"]), (&name.into(), &"JWT".into()));
            let claims = verify(&keys, &token, alg, &client.client_id).unwrap();
            let now = app.clock.now().as_seconds();
            let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                (text("iss"), text("sub"), text("aud")),
                (app.issuer().into(), ada.id.to_string(), client.client_id.clone())
            );
            assert_eq!((&claims["iat"], &claims["exp"]), (&now.into(), &(now + 3600).into()));
            assert_eq!(claims["auth_time"], signed_in.as_seconds());
            assert_eq!(
                (text("nonce"), &claims["amr"]),
                ("n-0S6_WzA2Mj & ü".to_owned(), &serde_json::json!(["pwd"]))
            );
            assert_eq!(text("at_hash"), at_hash(name, &tokens.access), "{name}");
            assert_eq!(text("sid").len(), 36);
            for absent in ["email", "name", "azp", "scope", "c_hash"] {
                assert!(claims.get(absent).is_none(), "{absent}");
            }
        }
    }
}

async fn claims_of(app: &TestApp, ada: &Person, scope: &str, with: &[(&str, &str)]) -> Value {
    let client = app.confidential_client().await;
    let code = app.authorize_code_with(&client, ada, scope, with).await;
    let token = Tokens::of(&app.redeem(&client, &code).await).id_token.unwrap();
    verify(&key_set(app).await, &token, jsonwebtoken::Algorithm::RS256, &client.client_id).unwrap()
}

#[tokio::test]
async fn scopes_and_single_claims_open_what_is_known_about_a_person() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let claims = claims_of(&app, &ada, "openid email profile", &[]).await;
    assert_eq!(
        (&claims["email"], &claims["email_verified"], &claims["name"]),
        (&"ada@example.com".into(), &true.into(), &"ada".into())
    );
    let single = claims_of(&app, &ada, "openid", &[("claims", r#"{"id_token":{"email":null}}"#)]).await;
    assert_eq!((&single["email"], single.get("name")), (&"ada@example.com".into(), None));
    let elsewhere = claims_of(&app, &ada, "openid", &[("claims", r#"{"userinfo":{"email":null}}"#)]).await;
    assert!(elsewhere.get("email").is_none());
}

#[tokio::test]
async fn a_nonce_is_there_when_it_was_sent_and_not_after_a_refresh() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    assert!(claims_of(&app, &ada, "openid", &[]).await.get("nonce").is_none());
    assert_eq!(claims_of(&app, &ada, "openid", &[("nonce", "n")]).await["nonce"], "n");
    let client = app.confidential_client().await;
    let code = app.authorize_code_with(&client, &ada, "openid", &[("nonce", "n")]).await;
    let first = Tokens::of(&app.redeem(&client, &code).await);
    app.travel(minutes(30));
    let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
    let keys = key_set(&app).await;
    let read = |token: &str| verify(&keys, token, jsonwebtoken::Algorithm::RS256, &client.client_id).unwrap();
    let (first, second) = (read(&first.id_token.unwrap()), read(&second.id_token.unwrap()));
    assert!(second.get("nonce").is_none(), "OpenID Connect Core §12.2");
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert_eq!(second["iat"], START.as_seconds() + 1800);
}
