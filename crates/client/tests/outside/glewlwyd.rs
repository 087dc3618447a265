//! Debian's glewlwyd.

use ayb_client::error::TokenError;
use ayb_client::{
    AuthorizationParams, ClientAuthMethod, ClientCredentials, Expected, ExposeSecret as _, OAuth2,
    OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig, Recovery, TokenSet,
};
use serde_json::json;

use crate::desk::{ask, now};
use crate::people::{ask_text, decide, ended, renewed_for_twenty, sign_in};

const CALLBACK: &str = "https://app.example/callback";
/// Without signs that the header writes in another way (RFC 6749 §2.3.1): this server does not read them back.
const SECRET: &str = "a-secret-of-more-than-thirty-two-characters";

/// A client with a name of its own, at the issuer that signs with this algorithm.
async fn client(name: &str, algorithm: &str, method: ClientAuthMethod) -> OAuth2 {
    let is_public = method == ClientAuthMethod::None;
    let mut settings = json!({
        "client_id": name, "confidential": !is_public, "redirect_uri": [CALLBACK],
        "authorization_type": ["code", "refresh_token", "client_credentials", "device_authorization"],
    });
    if !is_public {
        settings["client_secret"] = SECRET.into();
        settings["password"] = SECRET.into();
        settings["token_endpoint_auth_method"] = json!([method.as_str().unwrap()]);
    }
    ask("client", settings).await;
    let credentials = if is_public {
        ClientCredentials::public(name)
    } else {
        ClientCredentials::with_secret(name, SECRET).method(method)
    };
    let issuer = ask_text("issuer", json!({"algorithm": algorithm})).await;
    let builder = OAuth2::builder(OAuth2Config::new(ProviderConfig::default(), credentials));
    builder.discover(&issuer).await.unwrap().build().unwrap()
}

fn params() -> AuthorizationParams {
    AuthorizationParams::new(CALLBACK.parse().unwrap()).scopes(["openid", "orders"])
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn every_method_and_algorithm_signs_in() {
    // Not with an assertion: it wants the address of the token endpoint as its audience, which another server could ask for
    // (RFC 7523bis), and ours is the issuer.
    let methods =
        [ClientAuthMethod::ClientSecretBasic, ClientAuthMethod::ClientSecretPost, ClientAuthMethod::None];
    for (number, method) in methods.into_iter().enumerate() {
        for algorithm in ["ES256", "RS256"] {
            let client = client(&format!("signs-in-{algorithm}-{number}"), algorithm, method).await;
            let response = sign_in(&client, params()).await;
            let response = response.unwrap_or_else(|error| panic!("{method:?} {algorithm}: {error:?}"));
            assert_eq!(response.deviations, [], "{method:?} {algorithm}");
            let id_token = response.id_token.as_ref().unwrap().expose_secret();
            let claims = client.verify_id_token(id_token, &Expected::default()).await.unwrap();
            assert_eq!(claims.email(), Some("ada@example.com"));
            client.user_info(response.access_token.expose_secret(), claims.subject()).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn refresh_tokens_of_one_use_are_used_once_and_a_refusal_without_a_reason_wipes_nothing() {
    let client = client("refreshing", "ES256", ClientAuthMethod::ClientSecretBasic).await;
    let response = sign_in(&client, params()).await.unwrap();
    let first = TokenSet::from_response(&response, now());
    client.tokens().store_tokens(ended(&response)).await.unwrap();
    assert_ne!(renewed_for_twenty(&client).await, first.access_token.expose_secret());
    client.tokens().refresh().await.unwrap();
    client.tokens().store_tokens(first).await.unwrap();
    let error = client.tokens().refresh().await.unwrap_err();
    // It says so with status 400 and nothing else, which is no `invalid_grant`: nothing that is stored is given up for it.
    assert_eq!(error.recovery(), Recovery::Fatal, "{error:?}");
    assert!(client.tokens().has_tokens().await.unwrap());
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn tokens_are_introspected_and_ended_and_what_is_asked_is_pushed() {
    let client = client("asking", "ES256", ClientAuthMethod::ClientSecretBasic).await;
    let start = client.start_pushed(params()).await.unwrap();
    let arrived = decide("approve", &start.url, &params()).await;
    let response = client.finish(start.pending, arrived).await.unwrap();
    client.tokens().store_tokens(TokenSet::from_response(&response, now())).await.unwrap();
    let token = response.access_token.expose_secret();
    assert!(client.introspection().introspect_access_token(token).await.unwrap().active);
    client.revocation().revoke_all().await.unwrap();
    assert!(!client.introspection().introspect_access_token(token).await.unwrap().active);
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_program_gets_its_token_a_device_its_codes_and_refusals_are_told() {
    let client = client("program", "RS256", ClientAuthMethod::ClientSecretPost).await;
    let token = client.client_credentials().request_token(Some(&["orders".to_owned()])).await.unwrap();
    assert_eq!(token.scope.as_deref(), Some("orders"));
    let openid = ["openid".to_owned()];
    let codes = client.device_authorization().request_device_authorization(Some(&openid)).await;
    assert!(codes.is_ok(), "{codes:?}");
    let error = client.client_credentials().request_token(Some(&["nothing".to_owned()])).await.unwrap_err();
    // Not one of the names of RFC 6749 §5.2, and told as it is.
    let is_told = matches!(&error, OAuth2Error::Token(TokenError::ExchangeFailed { error, .. }) if error == "scope_invalid");
    assert!(is_told, "{error:?}");
}
