//! Tokens that are bound to a key (RFC 9449).

use ayb_client::error::{ConfigurationError, TokenError};
use ayb_client::mock::{Fault, Recorded, TestAuthServer};
use ayb_client::{
    Algorithm, CallbackParams, DeviceAuthorizationFlowExt as _, DpopKey, Endpoint, OAuth2, OAuth2Client as _,
    OAuth2Error, PendingAuthorization, Recovery, SecretString, StoredTokenSet, TokenExchange, TokenSet,
};
use ayb_protocol::jose::jwt::Unverified;
use serde_json::json;
use url::Url;

use crate::kit::{minutes, now, pair, params, sign_in, signed_in};

fn bound(idp: &TestAuthServer, key: &DpopKey) -> OAuth2 {
    let key = key.clone();
    idp.client("app").configure(|config| config.dpop = Some(key)).build().unwrap()
}

fn claim(request: &Recorded, name: &str) -> Option<String> {
    let proof = Unverified::parse(request.dpop.as_deref().unwrap()).unwrap();
    assert_eq!(proof.header().typ.as_deref(), Some("dpop+jwt"));
    proof.text(name).map(str::to_owned)
}

fn wrong(error: &OAuth2Error, expected: &TokenError) {
    assert!(matches!(error, OAuth2Error::Token(found) if found == expected), "{error:?}");
}

#[tokio::test]
async fn every_token_request_and_the_pushed_one_carry_a_new_proof() {
    let idp = TestAuthServer::start().rotating_refresh_tokens().requiring_dpop();
    let key = DpopKey::generate().unwrap();
    let client = idp.confidential("app").configure(|c| c.dpop = Some(key.clone())).build().unwrap();
    let start = client.start_pushed(params(&["openid"])).await.unwrap();
    let back = idp.approve(&start.url);
    let callback = CallbackParams::parse(back.as_str()).unwrap();
    let response = client.finish(start.pending, callback).await.unwrap();
    assert_eq!(
        (response.token_type.as_str(), response.dpop_jkt.as_deref()),
        ("DPoP", Some(key.thumbprint()))
    );
    client.tokens().store_tokens(TokenSet::from_response(&response, now(&idp))).await.unwrap();
    client.tokens().refresh().await.unwrap();
    client.client_credentials().request_token(None).await.unwrap();
    let person = idp.clone();
    client
        .device_authorization()
        .execute(None, |codes| person.decide_device(&codes.user_code, true))
        .await
        .unwrap();
    let exchange = TokenExchange::access_token(SecretString::from("subject"));
    client.exchange_token(&exchange).await.unwrap_err();
    let mut requests = idp.requests(Endpoint::PushedAuthorization);
    requests.extend(idp.requests(Endpoint::Token));
    assert_eq!(requests.len(), 6);
    let mut names = std::collections::HashSet::new();
    for request in &requests {
        let path = if request.endpoint == Endpoint::Token { "token" } else { "par" };
        assert_eq!(claim(request, "htm").as_deref(), Some("POST"));
        assert_eq!(claim(request, "htu").unwrap(), format!("https://id.test/{path}"));
        assert_eq!((claim(request, "ath"), claim(request, "nonce")), (None, None));
        assert!(names.insert(claim(request, "jti").unwrap()), "a proof is good for one request");
    }
}

#[tokio::test]
async fn a_demand_for_a_nonce_is_answered_once_and_the_nonce_is_remembered() {
    let idp = TestAuthServer::start().requiring_dpop();
    let key = DpopKey::generate().unwrap();
    let client = idp
        .confidential("svc")
        .configure(|config| {
            config.dpop = Some(key);
            config.retry_config.max_retries = 0;
        })
        .build()
        .unwrap();
    let nonce = idp.demand_nonce(Endpoint::Token);
    client.client_credentials().request_token(None).await.unwrap();
    let requests = idp.requests(Endpoint::Token);
    assert_eq!(requests.len(), 2, "no retry is needed for it, so none is counted");
    assert_eq!((claim(&requests[0], "nonce"), claim(&requests[1], "nonce")), (None, Some(nonce.clone())));
    client.client_credentials().request_token(None).await.unwrap();
    assert_eq!(claim(&idp.requests(Endpoint::Token)[2], "nonce"), Some(nonce));
    let newer = idp.demand_nonce(Endpoint::Token);
    client.client_credentials().request_token(None).await.unwrap();
    let requests = idp.requests(Endpoint::Token);
    assert_eq!((requests.len(), claim(&requests[4], "nonce")), (5, Some(newer)));
}

#[tokio::test]
async fn a_server_that_goes_on_asking_for_nonces_is_not_heard() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").configure(|c| c.dpop = DpopKey::generate().ok()).build().unwrap();
    for nonce in ["one", "two", "three"] {
        idp.next(Endpoint::Token, Fault::DpopNonce(nonce));
    }
    let error = client.client_credentials().request_token(None).await.unwrap_err();
    assert_eq!(idp.requests(Endpoint::Token).len(), 2, "{error}");
    assert_eq!(error.response().unwrap().code, "use_dpop_nonce");
}

#[tokio::test]
async fn a_code_is_sent_again_with_the_nonce_and_in_no_other_case() {
    let idp = TestAuthServer::start().requiring_dpop();
    let client = bound(&idp, &DpopKey::generate().unwrap());
    idp.demand_nonce(Endpoint::Token);
    sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    assert_eq!(idp.requests(Endpoint::Token).len(), 2);
    let without = idp.client("plain").build().unwrap();
    idp.next(Endpoint::Token, Fault::DpopNonce("one"));
    sign_in(&idp, &without, params(&["openid"])).await.unwrap_err();
    assert_eq!(idp.requests(Endpoint::Token).len(), 3, "who sends no proof has no better one");
}

#[tokio::test]
async fn a_token_that_is_not_bound_is_refused_and_so_is_a_bound_one_without_a_key() {
    let idp = TestAuthServer::start().ignoring_dpop();
    let client = bound(&idp, &DpopKey::generate().unwrap());
    let error = sign_in(&idp, &client, params(&["openid"])).await.unwrap_err();
    wrong(&error, &TokenError::NotBound);
    assert_eq!(error.recovery(), Recovery::FixConfiguration);
    let idp = TestAuthServer::start();
    let answer = json!({ "access_token": "a", "token_type": "DPoP" }).to_string();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", answer));
    let error = sign_in(&idp, &idp.client("app").build().unwrap(), params(&["a"])).await.unwrap_err();
    wrong(&error, &TokenError::BoundWithoutKey);
}

#[tokio::test]
async fn a_session_that_began_without_a_key_goes_on_and_one_that_began_with_one_stays_bound() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let before = signed_in(&idp, &idp.client("app").build().unwrap()).await;
    assert_eq!(before.dpop_jkt, None);
    let idp = idp.ignoring_dpop();
    let client = bound(&idp, &DpopKey::generate().unwrap());
    client.tokens().store_tokens(before).await.unwrap();
    client.tokens().refresh().await.unwrap();
    let mut claimed = client.tokens().get_current_tokens().await.unwrap().unwrap();
    claimed.dpop_jkt = idp.requests(Endpoint::Token).pop().and(client_thumbprint(&client));
    client.tokens().store_tokens(claimed).await.unwrap();
    wrong(&client.tokens().refresh().await.unwrap_err(), &TokenError::NotBound);
}

fn client_thumbprint(client: &OAuth2) -> Option<String> {
    let url = client.start(params(&["a"])).unwrap().url;
    pair(&url, "dpop_jkt")
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_of_its_authorization_request() {
    let idp = TestAuthServer::start();
    let (key, other) = (DpopKey::generate().unwrap(), DpopKey::generate().unwrap());
    let client = bound(&idp, &key);
    let start = client.start(params(&["openid"])).unwrap();
    assert_eq!(pair(&start.url, "dpop_jkt").as_deref(), Some(key.thumbprint()));
    let callback = || CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    let sealed = start.pending.seal(&[7; 32]).unwrap();
    let pending = || PendingAuthorization::open(&sealed, &[7; 32]).unwrap();
    let error = bound(&idp, &other).finish(pending(), callback()).await.unwrap_err();
    wrong(&error, &TokenError::OtherKey);
    assert!(idp.requests(Endpoint::Token).is_empty(), "the code was not spent on it");
    let again = bound(&idp, &DpopKey::from_pkcs8(Algorithm::ES256, &key.to_pkcs8()).unwrap());
    again.finish(pending(), callback()).await.unwrap();
    let mut extra = params(&["a"]);
    extra.extra_params.insert("dpop_jkt".to_owned(), "mine".to_owned());
    assert!(matches!(client.start(extra), Err(OAuth2Error::Configuration(ConfigurationError::Invalid(_)))));
}

#[tokio::test]
async fn stored_tokens_are_never_used_with_another_key() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let key = DpopKey::generate().unwrap();
    let set = signed_in(&idp, &bound(&idp, &key)).await;
    let text = serde_json::to_string(&set.to_stored()).unwrap();
    let stored: StoredTokenSet = serde_json::from_str(&text).unwrap();
    let set = TokenSet::from_stored(stored).unwrap();
    assert_eq!(set.dpop_jkt.as_deref(), Some(key.thumbprint()));
    let others = [bound(&idp, &DpopKey::generate().unwrap()), idp.client("app").build().unwrap()];
    let asked = idp.requests(Endpoint::Token).len();
    for other in others {
        other.tokens().store_tokens(set.clone()).await.unwrap();
        wrong(&other.tokens().get_access_token().await.unwrap_err(), &TokenError::OtherKey);
        wrong(&other.tokens().refresh().await.unwrap_err(), &TokenError::OtherKey);
        idp.clock().advance(minutes(61));
        let error = other.tokens().get_access_token().await.unwrap_err();
        wrong(&error, &TokenError::OtherKey);
        assert_eq!(error.recovery(), Recovery::Reauthenticate);
    }
    assert_eq!(idp.requests(Endpoint::Token).len(), asked, "nothing was sent");
    let same = bound(&idp, &key);
    same.tokens().store_tokens(set).await.unwrap();
    same.tokens().get_access_token().await.unwrap();
}

#[tokio::test]
async fn own_tokens_of_another_key_are_asked_for_anew() {
    let idp = TestAuthServer::start();
    let storage = std::sync::Arc::new(ayb_client::InMemoryTokenStorage::default());
    let client = |key: DpopKey| {
        let storage = ayb_client::TokenStorageConfig::Custom(storage.clone());
        let builder = idp.confidential("svc").configure(|config| {
            config.dpop = Some(key);
            config.storage = storage;
        });
        builder.build().unwrap()
    };
    for asked in 1..=2 {
        let client = client(DpopKey::generate().unwrap());
        let token = client.own_tokens(["a"]).get_access_token().await.unwrap();
        let url = Url::parse("https://api.test/").unwrap();
        client.authorize_request("GET", &url, &token).unwrap();
        assert_eq!(idp.requests(Endpoint::Token).len(), asked);
    }
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_is_of_no_use_to_a_thief() {
    let idp = TestAuthServer::start();
    let mut stolen = signed_in(&idp, &bound(&idp, &DpopKey::generate().unwrap())).await;
    let thief = bound(&idp, &DpopKey::generate().unwrap());
    stolen.dpop_jkt = None;
    thief.tokens().store_tokens(stolen).await.unwrap();
    let error = thief.tokens().refresh().await.unwrap_err();
    assert_eq!(error.response().unwrap().code, "invalid_grant");
}

#[tokio::test]
async fn a_request_to_a_resource_carries_token_and_proof_for_that_request() {
    let idp = TestAuthServer::start();
    let client = bound(&idp, &DpopKey::generate_for(Algorithm::EdDSA).unwrap());
    signed_in(&idp, &client).await;
    let token = client.tokens().get_access_token().await.unwrap();
    assert!(token.authorization_header().starts_with("DPoP "));
    let url = Url::parse("https://api.test/orders?page=2#top").unwrap();
    let headers = client.authorize_request("POST", &url, &token).unwrap();
    assert!(idp.accepts_request("POST", &url, &headers));
    assert!(!idp.accepts_request("POST", &url, &headers), "a proof is good for one request");
    let fresh = || client.authorize_request("POST", &url, &token).unwrap();
    assert!(!idp.accepts_request("GET", &url, &fresh()));
    assert!(!idp.accepts_request("POST", &Url::parse("https://api.test/other").unwrap(), &fresh()));
    let mut stolen = fresh();
    stolen[0].1 = format!("Bearer {}", token.secret()).into();
    assert!(!idp.accepts_request("POST", &url, &stolen[..1]), "the token alone is worth nothing");
    client.remember_nonce(&url, "from-the-resource");
    let headers = fresh();
    let proof = Unverified::parse(&headers[1].1).unwrap();
    assert_eq!(proof.text("nonce"), Some("from-the-resource"));
    assert_eq!(proof.text("htu"), Some("https://api.test/orders"));
    assert!(OAuth2::wants_nonce(401, Some(r#"DPoP error="use_dpop_nonce""#)));
    assert!(
        !OAuth2::wants_nonce(400, Some(r#"DPoP error="use_dpop_nonce""#)) && !OAuth2::wants_nonce(401, None)
    );
    let other = bound(&idp, &DpopKey::generate().unwrap());
    wrong(&other.authorize_request("POST", &url, &token).unwrap_err(), &TokenError::OtherKey);
}

#[tokio::test]
async fn a_bearer_token_goes_without_a_proof() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    let token = client.tokens().get_access_token().await.unwrap();
    let url = Url::parse("https://api.test/").unwrap();
    let headers = client.authorize_request("GET", &url, &token).unwrap();
    assert_eq!(headers.len(), 1);
    assert!(idp.accepts_request("GET", &url, &headers));
}

#[tokio::test]
async fn user_info_is_asked_with_a_proof_and_a_nonce_if_need_be() {
    let idp = TestAuthServer::start();
    let client = bound(&idp, &DpopKey::generate().unwrap());
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    use ayb_client::ExposeSecret as _;
    let token = response.access_token.expose_secret();
    client.user_info(token, "ada").await.unwrap();
    let nonce = idp.demand_nonce(Endpoint::UserInfo);
    client.user_info(token, "ada").await.unwrap();
    let requests = idp.requests(Endpoint::UserInfo);
    assert_eq!(requests.len(), 3);
    assert_eq!(
        (claim(&requests[2], "nonce"), claim(&requests[2], "htm").as_deref()),
        (Some(nonce), Some("GET"))
    );
    assert!(
        claim(&requests[0], "ath").is_some()
            && requests[0].authorization.as_deref().unwrap().starts_with("DPoP ")
    );
}

#[tokio::test]
async fn each_session_may_have_a_key_of_its_own() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let (ada, bob) = (DpopKey::generate().unwrap(), DpopKey::generate().unwrap());
    let ada_client = client.with_dpop_key(ada.clone()).unwrap();
    let response = sign_in(&idp, &ada_client, params(&["openid"])).await.unwrap();
    assert_eq!(response.dpop_jkt.as_deref(), Some(ada.thumbprint()));
    let response =
        sign_in(&idp, &client.with_dpop_key(bob.clone()).unwrap(), params(&["openid"])).await.unwrap();
    assert_eq!(response.dpop_jkt.as_deref(), Some(bob.thumbprint()));
    assert_eq!(idp.requests(Endpoint::Jwks).len(), 1, "they share what is known of the provider");
}

#[tokio::test]
async fn an_algorithm_that_the_provider_does_not_list_is_refused_before_anything_is_sent() {
    let idp = TestAuthServer::start();
    idp.alter_metadata("dpop_signing_alg_values_supported", json!(["RS256", "ES999"]));
    let builder = idp.client("app").discover(idp.issuer()).await.unwrap();
    let builder = builder.configure(|config| config.dpop = DpopKey::generate().ok());
    assert!(matches!(builder.build(), Err(OAuth2Error::Configuration(ConfigurationError::Invalid(_)))));
}
