//! npm's oauth2-mock-server: it says little about itself, and what is to go wrong can be ordered.

use ayb_client::error::{TokenError, ValidationError};
use ayb_client::{
    AuthorizationParams, ClientCredentials, ExposeSecret as _, LogoutRequest, OAuth2, OAuth2Client as _,
    OAuth2Config, OAuth2Error, ProviderConfig, Recovery,
};
use serde_json::{Value, json};

use crate::desk::ask;
use crate::people::{ask_text, ended, renewed_for_twenty, sign_in};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A public client of a server of its own, which signs with these algorithms in turn.
async fn client(algorithms: &[&str]) -> (OAuth2, String) {
    let issuer = ask_text("start", json!({"algorithms": algorithms})).await;
    let config = OAuth2Config::new(ProviderConfig::default(), ClientCredentials::public("app"));
    (OAuth2::builder(config).discover(&issuer).await.unwrap().build().unwrap(), issuer)
}

fn params() -> AuthorizationParams {
    AuthorizationParams::new(CALLBACK.parse().unwrap()).scopes(["openid"])
}

/// What the server does wrong in its next answer.
async fn wrong(issuer: &str, event: &str, change: Value) {
    ask("wrong", json!({"issuer": issuer, "event": event, "change": change})).await;
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_person_signs_in_and_the_tokens_are_renewed_introspected_and_ended() {
    let (client, _) = client(&["RS256"]).await;
    let response = sign_in(&client, params()).await.unwrap();
    assert_eq!(response.deviations, []);
    let token = response.access_token.expose_secret();
    client.user_info(token, "johndoe").await.unwrap();
    client.tokens().store_tokens(ended(&response)).await.unwrap();
    assert_eq!(renewed_for_twenty(&client).await.split('.').count(), 3, "it is a JWT");
    assert!(client.introspection().introspect_access_token(token).await.unwrap().active);
    client.revocation().revoke_all().await.unwrap();
    let machine = ClientCredentials::with_secret("machine", "secret");
    let machine = OAuth2Config::new(client.provider().clone(), machine);
    let machine = OAuth2::builder(machine).build().unwrap();
    let own = machine.client_credentials().request_token(Some(&["orders".to_owned()])).await.unwrap();
    assert_eq!(own.scope.as_deref(), Some("orders"));
    client.logout_url(LogoutRequest::default()).unwrap();
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn every_algorithm_is_verified_when_the_server_says_that_it_signs_with_it() {
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
        let (client, _) = client(&[algorithm]).await;
        let response = sign_in(&client, params()).await;
        assert!(response.unwrap_or_else(|error| panic!("{algorithm}: {error}")).id_token.is_some());
    }
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn an_id_token_that_is_wrong_in_one_thing_signs_nobody_in() {
    let (client, issuer) = client(&["ES256"]).await;
    let past = 1_000_000_000;
    for (change, what) in [
        (json!({"iss": "http://127.0.0.1:1"}), "another issuer"),
        (json!({"aud": "another"}), "another audience"),
        (json!({"aud": ["app", "another"]}), "an audience that is not trusted"),
        (json!({"azp": "another"}), "another party"),
        (json!({"nonce": "another"}), "another nonce"),
        (json!({"nonce": null}), "no nonce"),
        (json!({"exp": past}), "an end that is past"),
        (json!({"exp": null}), "no end"),
        (json!({"iat": 9_000_000_000_i64, "exp": 9_000_000_100_i64}), "from the future"),
        (json!({"sub": null}), "nobody"),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), "another access token"),
        (json!({"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), "another code"),
    ] {
        wrong(&issuer, "idToken", change).await;
        let error = sign_in(&client, params()).await.expect_err(what);
        assert!(matches!(error, OAuth2Error::Validation(_)), "{what}: {error}");
        sign_in(&client, params()).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn what_servers_do_wrong_is_forgiven_or_told() {
    let (client, issuer) = client(&["ES256"]).await;
    for (body, what) in [
        (json!({"expires_in": "3600"}), "a number as text"),
        (json!({"token_type": "bearer"}), "a small letter"),
        (json!({"refresh_token": ""}), "an empty refresh token"),
    ] {
        wrong(&issuer, "tokens", json!({"status": 200, "body": body})).await;
        sign_in(&client, params()).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    }
    let error = json!({"error": "invalid_grant", "access_token": null, "token_type": null});
    for status in [400, 200] {
        wrong(&issuer, "tokens", json!({"status": status, "body": error})).await;
        let error = sign_in(&client, params()).await.unwrap_err();
        assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidGrant { .. })), "{status}: {error:?}");
    }
    // A code is sent once, whatever comes back (RFC 6749 §4.1.2).
    wrong(&issuer, "tokens", json!({"status": 503, "body": {}})).await;
    let error = sign_in(&client, params()).await.unwrap_err();
    assert_ne!(error.recovery(), Recovery::AdjustRequest, "{error:?}");
    wrong(&issuer, "userinfo", json!({"status": 200, "body": {"sub": "somebody else"}})).await;
    let error = client.user_info("a token", "johndoe").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::SubjectMismatch)), "{error}");
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_new_key_is_fetched_when_a_token_names_it_and_not_again_for_a_while() {
    let (client, issuer) = client(&["ES256"]).await;
    sign_in(&client, params()).await.unwrap();
    ask("rotate", json!({"issuer": issuer})).await;
    // The keys were fetched this very minute, and strangers can name keys too: the next fetch waits.
    let error = sign_in(&client, params()).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(_)), "{error}");
    let fresh = OAuth2Config::new(client.provider().clone(), ClientCredentials::public("app"));
    sign_in(&OAuth2::builder(fresh).build().unwrap(), params()).await.unwrap();
}
