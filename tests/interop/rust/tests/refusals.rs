//! What the server refuses, in words that openidconnect understands.

use ayb_interop::RelyingParty;
use openidconnect::RefreshToken;
use openidconnect::core::CoreErrorResponseType;
use serde_json::json;

use crate::desk::{CALLBACK, Method, Party, SCOPES, approve, code, issuer, parameter, registration, with};

#[tokio::test]
async fn a_denied_consent_comes_back_as_an_error() {
    let party = Party::new(Method::Basic, json!({})).await;
    let refused = party.sign_in_as("denying").await.unwrap_err();
    assert_eq!(refused.to_string(), "the provider refused: access_denied");
}

#[tokio::test]
async fn a_wrong_secret_is_invalid_client() {
    for method in [Method::Basic, Method::Post] {
        let party = Party::new(method, json!({})).await;
        let impostor = registration(&party.client_id, Some("ayb_cs_wrong".to_owned()), method);
        let impostor = RelyingParty::discover(&issuer("plain").await, impostor).await.unwrap();
        let refused = impostor.machine("readonly").await.unwrap_err();
        assert_eq!(code(&refused), Some(&CoreErrorResponseType::InvalidClient), "{refused:?}");
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_with_another_verifier() {
    let party = Party::new(Method::Public, json!({})).await;
    let pending = party.relying_party.begin(&SCOPES);
    let arrived = approve(&pending.address, CALLBACK, "ada").await;
    let thief = party.relying_party.begin(&SCOPES);
    let stolen = with(&arrived, "state", Some(&parameter(&thief.address, "state")));
    let refused = party.relying_party.finish(thief, &stolen).await.unwrap_err();
    assert_eq!(code(&refused), Some(&CoreErrorResponseType::InvalidGrant), "{refused:?}");
}

#[tokio::test]
async fn a_refresh_token_that_never_was_is_invalid_grant() {
    let party = Party::new(Method::Basic, json!({})).await;
    let refused = party.relying_party.refresh(&RefreshToken::new("ayb_rt_0".to_owned())).await.unwrap_err();
    assert_eq!(code(&refused), Some(&CoreErrorResponseType::InvalidGrant), "{refused:?}");
}

#[tokio::test]
async fn a_scope_that_is_not_registered_is_invalid_scope() {
    let party = Party::new(Method::Basic, json!({"scopes": ["readonly"]})).await;
    let refused = party.relying_party.machine("readwrite").await.unwrap_err();
    assert_eq!(code(&refused), Some(&CoreErrorResponseType::InvalidScope), "{refused:?}");
}

#[tokio::test]
async fn a_public_client_is_no_machine() {
    let party = Party::new(Method::Public, json!({})).await;
    let refused = party.relying_party.machine("readonly").await.unwrap_err();
    assert_eq!(code(&refused), Some(&CoreErrorResponseType::UnauthorizedClient), "{refused:?}");
}
