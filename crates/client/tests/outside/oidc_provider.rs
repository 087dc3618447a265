//! npm's oidc-provider.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use ayb_client::error::{AuthorizationError, TokenError, ValidationError};
use ayb_client::{
    Algorithm, AuthorizationParams, ClientAuthMethod, ClientCredentials, DpopKey, Expected,
    ExposeSecret as _, LogoutRequest, OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig,
    Recovery, SigningKey, TokenSet,
};
use serde_json::{Value, json};

use crate::desk::{ask, now};
use crate::people::{ask_text, decide, ended, renewed_for_twenty, sign_in};

const CALLBACK: &str = "https://app.example/callback";
const AFTER_LOGOUT: &str = "https://app.example/bye";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn issuer() -> String {
    ask_text("issuer", json!({})).await
}

/// A client that the server has registered so, with changes to its configuration.
async fn client(method: &str, settings: Value, change: impl FnOnce(&mut OAuth2Config) + Send) -> OAuth2 {
    let der = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let key = SigningKey::from_pkcs8(Algorithm::ES256, der.as_ref()).unwrap();
    let mut metadata = json!({
        "redirect_uris": [CALLBACK], "post_logout_redirect_uris": [AFTER_LOGOUT],
        "token_endpoint_auth_method": method, "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials", DEVICE],
    });
    if method == "private_key_jwt" {
        metadata["jwks"] = json!({"keys": [key.public_jwk()]});
    }
    metadata.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let registered = ask("client", metadata).await;
    let id = registered["client_id"].as_str().unwrap();
    let secret = || registered["client_secret"].as_str().unwrap();
    let credentials = match method {
        "none" => ClientCredentials::public(id),
        "private_key_jwt" => ClientCredentials::with_key(id, key),
        "client_secret_jwt" => {
            ClientCredentials::with_secret(id, secret()).method(ClientAuthMethod::ClientSecretJwt)
        }
        "client_secret_post" => {
            ClientCredentials::with_secret(id, secret()).method(ClientAuthMethod::ClientSecretPost)
        }
        _ => ClientCredentials::with_secret(id, secret()),
    };
    let builder = OAuth2::builder(OAuth2Config::new(ProviderConfig::default(), credentials));
    builder.discover(&issuer().await).await.unwrap().configure(change).build().unwrap()
}

/// What is asked for. Offline access needs consent (OpenID Connect Core §11).
fn params() -> AuthorizationParams {
    let scopes = ["openid", "email", "offline_access"];
    let mut params = AuthorizationParams::new(CALLBACK.parse().unwrap()).scopes(scopes);
    params.prompt = Some(ayb_client::Prompt::Consent);
    params.max_age = Some(600);
    params
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn every_method_and_algorithm_signs_in_and_the_answers_deviate_in_nothing() {
    let methods =
        ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA", "RS256"];
    for (method, algorithm) in methods.into_iter().zip(algorithms) {
        let client = client(method, json!({"id_token_signed_response_alg": algorithm}), |_| {}).await;
        assert!(client.provider().iss_parameter_supported);
        let response = sign_in(&client, params()).await;
        let response = response.unwrap_or_else(|error| panic!("{method} {algorithm}: {error:?}"));
        assert_eq!(response.deviations, [], "{method} {algorithm}");
        let id_token = response.id_token.as_ref().unwrap().expose_secret();
        let claims = client.verify_id_token(id_token, &Expected::default()).await.unwrap();
        assert_eq!(claims.subject(), "ada");
        let info = client.user_info(response.access_token.expose_secret(), claims.subject()).await.unwrap();
        assert_eq!(info.text("email"), Some("ada@example.com"));
    }
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn id_tokens_for_others_with_another_nonce_and_of_a_method_that_was_not_chosen_are_refused() {
    let es256 = json!({"id_token_signed_response_alg": "ES256"});
    let ours = client("client_secret_basic", es256.clone(), |_| {}).await;
    let token = sign_in(&ours, params()).await.unwrap().id_token.unwrap();
    let stranger = client("none", es256.clone(), |_| {}).await;
    let error = stranger.verify_id_token(token.expose_secret(), &Expected::default()).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::InvalidAudience)), "{error}");
    let another = Expected { nonce: Some("another"), ..Expected::default() };
    let error = ours.verify_id_token(token.expose_secret(), &another).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::NonceMismatch)), "{error}");
    let strict = client("client_secret_basic", es256, |config| {
        config.id_token = config.id_token.clone().algorithms([Algorithm::RS256]);
    });
    let error = sign_in(&strict.await, params()).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(_)), "{error}");
    // The secret signs only where it was chosen (RFC 8725 §3.1).
    let hmac = json!({"id_token_signed_response_alg": "HS256"});
    let refusing = client("client_secret_basic", hmac.clone(), |_| {}).await;
    assert!(sign_in(&refusing, params()).await.is_err());
    let choosing = client("client_secret_basic", hmac, |config| {
        config.id_token = config.id_token.clone().algorithms([Algorithm::HS256]);
    });
    sign_in(&choosing.await, params()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn refresh_tokens_rotate_by_one_request_however_many_ask_and_a_spent_one_ends_the_grant() {
    let client = client("client_secret_basic", json!({}), |_| {}).await;
    let response = sign_in(&client, params()).await.unwrap();
    let first = TokenSet::from_response(&response, now());
    client.tokens().store_tokens(ended(&response)).await.unwrap();
    // The server revokes the whole grant when a refresh token comes twice, so each of these was sent once.
    let renewed = renewed_for_twenty(&client).await;
    assert_ne!(renewed, first.access_token.expose_secret());
    let second = client.tokens().refresh().await.unwrap();
    assert_eq!(second.deviations, []);
    assert!(second.id_token.is_some(), "the ID token of a refresh is checked, and was right");
    assert_ne!(
        second.refresh_token.unwrap().expose_secret(),
        first.refresh_token.as_ref().unwrap().expose_secret()
    );
    client.tokens().store_tokens(first).await.unwrap();
    let error = client.tokens().refresh().await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::Reauthenticate, "{error:?}");
    assert!(!client.tokens().has_tokens().await.unwrap());
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_device_signs_in() {
    let client = client("none", json!({}), |_| {}).await;
    let scopes = ["openid".to_owned(), "email".to_owned()];
    let codes = client.device_authorization().request_device_authorization(Some(&scopes)).await.unwrap();
    let address = codes.verification_uri_complete.as_ref().unwrap().as_str();
    let page = ask_text("device", json!({"address": address})).await;
    assert!(page.contains("Success"), "{page}");
    let minute = Duration::from_secs(60);
    let polled = client.device_authorization().poll_token(&codes.device_code, Duration::ZERO, minute);
    let response = polled.await.unwrap();
    let claims =
        client.verify_id_token(response.id_token.unwrap().expose_secret(), &Expected::default()).await;
    assert_eq!(claims.unwrap().subject(), "ada");
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn tokens_are_introspected_and_ended() {
    let client = client("client_secret_basic", json!({}), |_| {}).await;
    let response = sign_in(&client, params()).await.unwrap();
    let set = TokenSet::from_response(&response, now());
    client.tokens().store_tokens(set.clone()).await.unwrap();
    let access = set.access_token.expose_secret();
    let about = client.introspection().introspect_access_token(access).await.unwrap();
    assert!(about.active);
    assert_eq!(about.sub.as_deref(), Some("ada"));
    assert_eq!(about.iss.as_deref(), Some(issuer().await.as_str()));
    let refresh = set.refresh_token.as_ref().unwrap().expose_secret();
    assert!(client.introspection().introspect_refresh_token(refresh).await.unwrap().active);
    client.revocation().revoke_all().await.unwrap();
    assert!(!client.introspection().introspect_access_token(access).await.unwrap().active);
    assert!(!client.introspection().introspect_refresh_token(refresh).await.unwrap().active);
    let error = client.user_info(access, "ada").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidToken { .. })), "{error}");
    assert!(!client.tokens().has_tokens().await.unwrap());
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn what_is_asked_is_pushed_to_a_server_that_takes_nothing_else() {
    for method in ["client_secret_basic", "private_key_jwt", "none"] {
        let settings = json!({"require_pushed_authorization_requests": true});
        let client = client(method, settings, |_| {}).await;
        let start = client.start_pushed(params()).await.unwrap();
        assert!(start.url.as_str().len() < 300 && !start.url.as_str().contains("scope="), "{}", start.url);
        let arrived = decide("approve", &start.url, &params()).await;
        client.finish(start.pending, arrived).await.unwrap();
        // Without it the server refuses.
        let start = client.start(params()).unwrap();
        let arrived = decide("approve", &start.url, &params()).await;
        assert!(client.finish(start.pending, arrived).await.is_err(), "{method}");
    }
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_program_gets_a_token_for_a_resource_and_refusals_are_told() {
    let api = |config: &mut OAuth2Config| config.resource = Some("https://api.example/".to_owned());
    for method in ["client_secret_basic", "client_secret_jwt", "private_key_jwt"] {
        let client = client(method, json!({}), api).await;
        let orders = ["orders".to_owned()];
        let token = client.client_credentials().request_token(Some(&orders)).await.unwrap();
        assert_eq!(token.scope.as_deref(), Some("orders"));
        assert_eq!(token.access_token.expose_secret().split('.').count(), 3, "it is a JWT");
    }
    let elsewhere = client("client_secret_basic", json!({}), |config| {
        config.resource = Some("https://elsewhere.example/".to_owned());
    });
    let error = elsewhere.await.client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(_)), "{error:?}");
    let wrong = client("client_secret_basic", json!({}), |config| {
        config.credentials.client_secret = Some("of somebody else".into());
    });
    let error = wrong.await.client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidClient { .. })), "{error:?}");
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_person_who_says_no_is_heard() {
    let client = client("client_secret_basic", json!({}), |_| {}).await;
    let start = client.start(params()).unwrap();
    let arrived = decide("deny", &start.url, &params()).await;
    let error = client.finish(start.pending, arrived).await.unwrap_err();
    assert!(
        matches!(error, OAuth2Error::Authorization(AuthorizationError::AccessDenied { .. })),
        "{error:?}"
    );
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn a_sign_out_comes_back_with_its_state() {
    let client = client("client_secret_basic", json!({}), |_| {}).await;
    let response = sign_in(&client, params()).await.unwrap();
    let request = LogoutRequest {
        id_token_hint: response.id_token.map(|token| token.expose_secret().to_owned()),
        post_logout_redirect_uri: Some(AFTER_LOGOUT.to_owned()),
        state: Some("a state".to_owned()),
        ..LogoutRequest::default()
    };
    let url = client.logout_url(request).unwrap();
    let arrived = ask_text("logout", json!({"address": url.as_str(), "redirectUri": AFTER_LOGOUT})).await;
    assert_eq!(arrived, format!("{AFTER_LOGOUT}?state=a%20state").replace("%20", "+"));
}

#[tokio::test]
#[ignore = "needs the server that the suite `servers` starts"]
async fn tokens_are_bound_to_a_key_by_a_server_that_wants_its_nonce_in_every_proof() {
    for method in ["client_secret_basic", "none"] {
        let bound = json!({"dpop_bound_access_tokens": true});
        let client = client(method, bound, |config| config.dpop = DpopKey::generate().ok()).await;
        let response = sign_in(&client, params()).await.unwrap_or_else(|error| panic!("{method}: {error:?}"));
        assert_eq!(response.token_type, "DPoP");
        client.user_info(response.access_token.expose_secret(), "ada").await.unwrap();
        client.tokens().store_tokens(ended(&response)).await.unwrap();
        assert_ne!(renewed_for_twenty(&client).await, response.access_token.expose_secret());
        let second = client.tokens().refresh().await.unwrap();
        assert_eq!(second.token_type, "DPoP");
        client.user_info(second.access_token.expose_secret(), "ada").await.unwrap();
    }
}
