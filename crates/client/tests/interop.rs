//! Against the real server. `tests/interop/ayb-client.test.mjs` starts it, and says where clients and people are to be had.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "outside/desk.rs"]
mod desk;

use ayb_client::error::{TokenError, ValidationError};
use ayb_client::{
    AuthorizationParams, CallbackParams, ClientAuthMethod, ClientCredentials, Expected, ExposeSecret as _,
    LogoutRequest, OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig, Recovery, Timestamp,
    TokenResponse, TokenSet,
};
use serde_json::{Value, json};

use desk::{ask, now};

const CALLBACK: &str = "http://localhost:9/callback";

async fn client(method: ClientAuthMethod, settings: Value) -> OAuth2 {
    let issuer = ask("issuers", json!({})).await["plain"].as_str().unwrap().to_owned();
    let kind = if method == ClientAuthMethod::None { "public" } else { "confidential" };
    let mut words = json!({"issuer": issuer, "type": kind, "redirectUris": [CALLBACK]});
    words.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let registered = ask("client", words).await;
    let id = registered["id"].as_str().unwrap();
    let credentials = match registered["secret"].as_str() {
        Some(secret) => ClientCredentials::with_secret(id, secret),
        None => ClientCredentials::public(id),
    };
    let config = OAuth2Config::new(ProviderConfig::default(), credentials.method(method));
    OAuth2::builder(config).discover(&issuer).await.unwrap().build().unwrap()
}

async fn sign_in(client: &OAuth2) -> Result<TokenResponse, OAuth2Error> {
    let scopes = ["openid", "profile", "email", "offline_access", "readonly"];
    let mut params = AuthorizationParams::new(CALLBACK.parse().unwrap()).scopes(scopes);
    params.max_age = Some(600);
    let start = client.start(params).unwrap();
    let words = json!({"address": start.url.as_str(), "redirectUri": CALLBACK, "who": "stranger"});
    let arrived = ask("approve", words).await;
    client.finish(start.pending, CallbackParams::parse(arrived.as_str().unwrap()).unwrap()).await
}

#[tokio::test]
#[ignore = "needs the server that the interop suite starts"]
async fn every_method_and_algorithm_signs_in_and_the_answers_deviate_in_nothing() {
    for method in [ClientAuthMethod::Auto, ClientAuthMethod::ClientSecretPost, ClientAuthMethod::None] {
        for algorithm in ["RS256", "ES256", "EdDSA"] {
            let client = client(method, json!({"signingAlg": algorithm})).await;
            assert!(client.provider().iss_parameter_supported);
            let response =
                sign_in(&client).await.unwrap_or_else(|error| panic!("{method:?} {algorithm}: {error:?}"));
            assert_eq!(response.deviations, [], "{method:?} {algorithm}");
            let id_token = response.id_token.as_ref().unwrap().expose_secret();
            let claims = client.verify_id_token(id_token, &Expected::default()).await.unwrap();
            assert_eq!(claims.email(), Some("ada@example.com"));
            let info =
                client.user_info(response.access_token.expose_secret(), claims.subject()).await.unwrap();
            assert_eq!(info.text("email"), Some("ada@example.com"));
            let error =
                client.user_info(response.access_token.expose_secret(), "somebody").await.unwrap_err();
            assert!(matches!(error, OAuth2Error::Validation(ValidationError::SubjectMismatch)), "{error}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the server that the interop suite starts"]
async fn tokens_are_renewed_by_one_request_however_many_ask_and_are_ended() {
    let client = client(ClientAuthMethod::Auto, json!({})).await;
    let response = sign_in(&client).await.unwrap();
    // As if the hour was over.
    let mut set = TokenSet::from_response(&response, now());
    set.expires_at = Some(Timestamp::from_seconds(now().as_seconds() - 1));
    client.tokens().store_tokens(set).await.unwrap();
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.tokens().get_access_token().await })
        })
        .collect();
    let mut tokens = Vec::new();
    for caller in callers {
        // A second use of the refresh token would have revoked everything.
        tokens.push(caller.await.unwrap().unwrap().secret().to_owned());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    client.tokens().refresh().await.unwrap();
    let last = client.tokens().get_access_token().await.unwrap();
    client.revocation().revoke_all().await.unwrap();
    let error = client.user_info(last.secret(), "anybody").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidToken { .. })), "{error}");
    assert_eq!(error.recovery(), Recovery::Reauthenticate);
}

#[tokio::test]
#[ignore = "needs the server that the interop suite starts"]
async fn a_program_gets_its_token_and_refusals_are_told() {
    let client = client(ClientAuthMethod::Auto, json!({})).await;
    let token = client.client_credentials().request_token(Some(&["readonly".to_owned()])).await.unwrap();
    assert_eq!((token.token_type.as_str(), token.scope.as_deref()), ("Bearer", Some("readonly")));
    let error = client.client_credentials().request_token(Some(&["*".to_owned()])).await.unwrap_err();
    assert!(
        matches!(&error, OAuth2Error::Token(TokenError::InvalidScope { scope, .. }) if scope == "*"),
        "{error:?}"
    );
    client.revocation().revoke_access_token(token.access_token.expose_secret()).await.unwrap();
    let url = client.logout_url(LogoutRequest::default()).unwrap();
    assert!(url.as_str().starts_with(client.provider().issuer.as_ref().unwrap()));
}
