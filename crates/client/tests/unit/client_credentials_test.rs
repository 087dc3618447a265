//! Client credentials (RFC 6749 §4.4), introspection (RFC 7662), revocation (RFC 7009).

use ayb_client::error::{ConfigurationError, IntrospectionError, NetworkError, TokenError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{Endpoint, ExposeSecret as _, OAuth2Client as _, OAuth2Error, Recovery};

use crate::kit::{minutes, signed_in};

#[tokio::test]
async fn a_program_gets_a_token_for_itself() {
    let idp = TestAuthServer::start();
    let client = idp
        .confidential("svc")
        .configure(|config| config.default_scopes = vec!["orders".to_owned()])
        .build()
        .unwrap();
    let response = client.client_credentials().request_token(None).await.unwrap();
    assert!(idp.accepts(response.access_token.expose_secret()));
    let scopes = ["a".to_owned(), "b".to_owned()];
    client.client_credentials().request_token(Some(&scopes)).await.unwrap();
    let requests = idp.requests(Endpoint::Token);
    assert_eq!(
        (requests[0].form["grant_type"].as_str(), requests[0].form["scope"].as_str()),
        ("client_credentials", "orders")
    );
    assert_eq!(requests[1].form["scope"], "a b");
    assert!(!requests[0].form.contains_key("client_secret"), "the secret is in the header");
}

#[tokio::test]
async fn the_resource_goes_into_every_request() {
    let idp = TestAuthServer::start();
    let client = idp
        .confidential("svc")
        .configure(|config| config.resource = Some("https://api.test".to_owned()))
        .build()
        .unwrap();
    client.client_credentials().request_token(None).await.unwrap();
    assert_eq!(idp.requests(Endpoint::Token)[0].form["resource"], "https://api.test");
}

#[tokio::test]
async fn a_public_client_has_no_token_for_itself_and_a_wrong_secret_is_told() {
    let idp = TestAuthServer::start();
    let public = idp.client("app").build().unwrap();
    let error = public.client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Configuration(ConfigurationError::MissingClientSecret)));
    let wrong = idp
        .confidential("svc")
        .configure(|config| config.credentials.client_secret = Some("wrong".into()))
        .build()
        .unwrap();
    let error = wrong.client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidClient { .. })), "{error}");
    assert_eq!(error.recovery(), Recovery::FixConfiguration);
}

#[tokio::test]
async fn a_token_is_asked_about_and_revoked() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    let response = client.client_credentials().request_token(Some(&["orders".to_owned()])).await.unwrap();
    let token = response.access_token.expose_secret();
    let known = client.introspection().introspect_access_token(token).await.unwrap();
    assert!(known.active);
    assert_eq!((known.client_id.as_deref(), known.scope.as_deref()), (Some("svc"), Some("orders")));
    assert_eq!((known.aud.as_deref(), known.audience.len()), (Some("api"), 1));
    client.revocation().revoke_access_token(token).await.unwrap();
    assert!(!idp.accepts(token));
    let dead = client.introspection().introspect_access_token(token).await.unwrap();
    assert!(!dead.active, "an answer, not an error");
    let error = dead.require_active().unwrap_err();
    assert!(matches!(error, OAuth2Error::Introspection(IntrospectionError::TokenInactive)));
    client.revocation().revoke_access_token("never issued").await.unwrap();
    let hints: Vec<_> =
        idp.requests(Endpoint::Revocation).iter().map(|r| r.form["token_type_hint"].clone()).collect();
    assert_eq!(hints, ["access_token", "access_token"]);
}

#[tokio::test]
async fn a_revocation_that_did_not_happen_is_not_claimed() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    for _ in 0..4 {
        idp.next(Endpoint::Revocation, Fault::Status(503));
    }
    let error = client.revocation().revoke_refresh_token("x").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::ServerFailed { status: 503, .. })), "{error}");
    idp.clock().advance(minutes(2));
    idp.next(Endpoint::Revocation, Fault::Status(503));
    client.revocation().revoke_refresh_token("x").await.unwrap();
    idp.next(Endpoint::Revocation, Fault::Error("invalid_request"));
    let error = client.revocation().revoke_refresh_token("x").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidRequest { .. })), "{error}");
}

#[tokio::test]
async fn revoking_all_ends_the_session_and_forgets_it_even_if_the_server_is_away() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let set = signed_in(&idp, &client).await;
    client.revocation().revoke_all().await.unwrap();
    assert!(!idp.accepts(set.access_token.expose_secret()));
    assert!(!client.tokens().has_tokens().await.unwrap());
    let order: Vec<_> =
        idp.requests(Endpoint::Revocation).iter().map(|r| r.form["token_type_hint"].clone()).collect();
    assert_eq!(order, ["refresh_token", "access_token"]);
    signed_in(&idp, &client).await;
    for _ in 0..8 {
        idp.next(Endpoint::Revocation, Fault::Unreachable);
    }
    assert!(client.revocation().revoke_all().await.is_err(), "it is told");
    assert!(!client.tokens().has_tokens().await.unwrap(), "and forgotten all the same");
    idp.clock().advance(minutes(1));
    client.revocation().revoke_all().await.unwrap();
}

#[tokio::test]
async fn a_provider_without_introspection_says_so() {
    let idp = TestAuthServer::start();
    let client = idp
        .confidential("svc")
        .configure(|config| config.provider.introspection_endpoint = None)
        .build()
        .unwrap();
    let error = client.introspection().introspect_refresh_token("x").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Introspection(IntrospectionError::EndpointNotSupported)));
}
