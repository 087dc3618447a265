//! Providers that are correct and differ: each behaves as one that is out there, and the same program works with all.

use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{ClientAuthMethod, Endpoint, ExposeSecret as _, OAuth2Client as _, OAuth2Error, TokenSet};
use serde_json::json;

use crate::kit::{minutes, now, params, sign_in};

/// One that rotates, announces everything, and wants the secret in the body.
#[tokio::test]
async fn one_that_rotates_and_wants_the_secret_in_the_body() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    idp.alter_metadata("token_endpoint_auth_methods_supported", json!(["client_secret_post"]));
    let client = idp.confidential("app").discover(idp.issuer()).await.unwrap().build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    client.tokens().store_tokens(TokenSet::from_response(&response, now(&idp))).await.unwrap();
    for _ in 0..3 {
        idp.clock().advance(minutes(61));
        client.tokens().get_access_token().await.unwrap();
    }
    assert!(idp.requests(Endpoint::Token).iter().all(|request| request.form.contains_key("client_secret")));
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (3, 0));
}

/// One that says nothing about itself, gives no end of tokens, and answers with a form.
#[tokio::test]
async fn one_without_metadata_that_answers_with_a_form() {
    let idp = TestAuthServer::start();
    let client = idp
        .confidential("app")
        .configure(|config| {
            config.provider.issuer = None;
            config.provider.jwks_uri = None;
            config.provider.iss_parameter_supported = false;
            config.credentials.auth_method = ClientAuthMethod::ClientSecretPost;
        })
        .build()
        .unwrap();
    let body = "access_token=at&scope=repo%2Cuser&token_type=bearer".to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/x-www-form-urlencoded; charset=utf-8", body));
    let response = sign_in(&idp, &client, params(&["repo"])).await.unwrap();
    let set = TokenSet::from_response(&response, now(&idp));
    client.tokens().store_tokens(set).await.unwrap();
    idp.clock().advance(minutes(60 * 24 * 300));
    let token = client.tokens().get_access_token().await.unwrap();
    assert_eq!((token.secret(), token.expires_at, token.is_expired()), ("at", None, false));
    assert_eq!(token.authorization_header(), "Bearer at", "the type as resources know it");
}

/// One whose errors have status 200, whose numbers are texts and whose scopes are lists.
#[tokio::test]
async fn one_that_is_careless_about_types() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let body = r#"{"error":"bad_verification_code","error_description":"The code is incorrect or expired."}"#;
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body.to_owned()));
    let refused = sign_in(&idp, &client, params(&["a"])).await.unwrap_err();
    assert!(matches!(refused, OAuth2Error::Token(_)) && refused.response().unwrap().http_status == Some(200));
    let body = r#"{"access_token":"at","token_type":"bearer","expires_in":"14400","scope":["a","b"],"refresh_token":""}"#;
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body.to_owned()));
    let response = sign_in(&idp, &client, params(&["a"])).await.unwrap();
    assert_eq!((response.expires_in, response.scope.as_deref()), (Some(14_400), Some("a b")));
    assert!(response.refresh_token.is_none());
}

/// One that is not OpenID Connect at all.
#[tokio::test]
async fn one_that_knows_no_people() {
    let idp = TestAuthServer::start();
    let document = json!({ "issuer": "https://id.test", "token_endpoint": "https://id.test/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"] });
    idp.next(Endpoint::Discovery, Fault::Status(404));
    idp.next(Endpoint::Discovery, Fault::Answer(200, "application/json", document.to_string()));
    let client = idp.with_key("machine").discover(idp.issuer()).await.unwrap().build().unwrap();
    let response = client.client_credentials().request_token(None).await.unwrap();
    assert!(idp.accepts(response.access_token.expose_secret()));
    assert!(client.revocation().revoke_access_token("x").await.is_err(), "it has no such endpoint");
}
