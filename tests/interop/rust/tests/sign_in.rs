//! What works.

use openidconnect::core::{CoreErrorResponseType, CoreRevocableToken};
use openidconnect::{
    AsyncHttpClient as _, HttpRequest, OAuth2TokenResponse as _, PostLogoutRedirectUrl, RevocationUrl,
    reqwest,
};
use serde_json::json;

use crate::desk::{BYE, METHODS, Method, Party, approve, code, issuer};

#[tokio::test]
async fn discovery_names_issuer_and_endpoints() {
    let party = Party::new(Method::Basic, json!({})).await;
    let (metadata, issuer) = (&party.relying_party.metadata, issuer("plain").await);
    assert_eq!(metadata.issuer().as_str(), issuer);
    assert_eq!(metadata.token_endpoint().unwrap().as_str(), format!("{issuer}/oauth/token"));
    assert_eq!(metadata.jwks_uri().as_str(), format!("{issuer}/jwks.json"));
    assert_eq!(metadata.jwks().keys().len(), 3, "each of the three keys is one that the crate can read");
}

#[tokio::test]
async fn every_method_and_algorithm_signs_in() {
    for method in METHODS {
        for alg in ["RS256", "ES256", "EdDSA"] {
            let party = Party::new(method, json!({"signingAlg": alg})).await;
            let (tokens, claims) =
                party.sign_in().await.unwrap_or_else(|error| panic!("{method:?} {alg}: {error:?}"));
            assert_eq!(claims.audiences()[0].as_str(), party.client_id);
            assert_eq!(claims.email().unwrap().as_str(), "ada@example.com");
            assert!(claims.access_token_hash().is_some());
            let person = party.relying_party.user_info(tokens.access_token(), claims.subject().clone());
            assert_eq!(person.await.unwrap().email(), claims.email());
        }
    }
}

#[tokio::test]
async fn both_forms_of_access_token_are_taken() {
    for form in ["opaque", "jwt"] {
        let party = Party::new(Method::Basic, json!({"tokenFormat": form})).await;
        let (tokens, claims) = party.sign_in().await.unwrap();
        let is_jwt = tokens.access_token().secret().split('.').count() == 3;
        assert_eq!(is_jwt, form == "jwt");
        party.relying_party.user_info(tokens.access_token(), claims.subject().clone()).await.unwrap();
    }
}

#[tokio::test]
async fn refresh_rotates_and_the_old_token_is_refused() {
    for method in METHODS {
        let party = Party::new(method, json!({})).await;
        let (first, claims) = party.sign_in().await.unwrap();
        let second = party.relying_party.refresh(first.refresh_token().unwrap()).await.unwrap();
        assert_ne!(second.access_token().secret(), first.access_token().secret());
        for dead in [&first, &second] {
            let refused = party.relying_party.refresh(dead.refresh_token().unwrap()).await.unwrap_err();
            assert_eq!(code(&refused), Some(&CoreErrorResponseType::InvalidGrant), "{method:?}: {refused:?}");
        }
        let refused = party.relying_party.user_info(second.access_token(), claims.subject().clone()).await;
        assert!(refused.is_err(), "a replay ends the whole grant");
    }
}

#[tokio::test]
async fn revoked_tokens_die() {
    for method in METHODS {
        for by_refresh in [true, false] {
            let party = Party::new(method, json!({})).await;
            let (tokens, claims) = party.sign_in().await.unwrap();
            let token: CoreRevocableToken = match tokens.refresh_token().filter(|_| by_refresh) {
                Some(refresh) => refresh.into(),
                None => tokens.access_token().into(),
            };
            revoke(&party, token).await;
            let refused = party.relying_party.user_info(tokens.access_token(), claims.subject().clone());
            assert!(refused.await.is_err());
        }
    }
}

/// The crate revokes at https addresses only, so it is given one, and what it sends goes to the server without TLS.
async fn revoke(party: &Party, token: CoreRevocableToken) {
    let address = party.relying_party.client.revocation_url().to_string().replacen("http://", "https://", 1);
    let client = party.relying_party.client.clone().set_revocation_url(RevocationUrl::new(address).unwrap());
    let http = reqwest::Client::new();
    let plain = |mut request: HttpRequest| {
        let http = http.clone();
        *request.uri_mut() = request.uri().to_string().replacen("https://", "http://", 1).parse().unwrap();
        async move { http.call(request).await }
    };
    client.revoke_token(token).unwrap().request_async(&plain).await.unwrap();
}

#[tokio::test]
async fn a_person_signs_out_at_the_provider() {
    let party = Party::new(Method::Basic, json!({})).await;
    let (tokens, _) = party.sign_in_as("stranger").await.unwrap();
    let back = PostLogoutRedirectUrl::new(BYE.to_owned()).unwrap();
    let arrived = approve(&party.relying_party.sign_out(&tokens, back), BYE, "stranger").await;
    assert_eq!(arrived.as_str(), BYE);
}

#[tokio::test]
async fn machines_get_tokens() {
    for method in [Method::Basic, Method::Post] {
        for form in ["opaque", "jwt"] {
            let party = Party::new(method, json!({"tokenFormat": form, "scopes": ["readonly"]})).await;
            let tokens = party.relying_party.machine("readonly").await.unwrap();
            assert_eq!(tokens.scopes().unwrap()[0].as_str(), "readonly");
            assert!(tokens.refresh_token().is_none());
        }
    }
}
