//! What the server says about itself (RFC 8414, OpenID Connect Discovery): all of it true.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::kit::TestApp;

const DOCUMENTS: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

#[tokio::test]
async fn both_documents_say_the_same_and_may_be_kept_for_an_hour() {
    let app = TestApp::start().await;
    let mut bodies = Vec::new();
    for path in DOCUMENTS {
        let reply = app.get(path).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "public, max-age=3600"));
        assert!(reply.header("content-type").starts_with("application/json"));
        bodies.push(reply.json());
    }
    assert_eq!(bodies[0], bodies[1]);
    let jwks = app.get("/jwks.json").await;
    assert!(jwks.header("cache-control").contains("max-age="), "{jwks}");
}

#[tokio::test]
async fn it_describes_what_is_on_and_nothing_else() {
    let app = TestApp::start().await;
    let document = app.get(DOCUMENTS[0]).await.json();
    for (name, expected) in [
        ("issuer", json!("https://id.test")),
        ("authorization_endpoint", json!("https://id.test/oauth/authorize")),
        ("token_endpoint", json!("https://id.test/oauth/token")),
        ("userinfo_endpoint", json!("https://id.test/oauth/userinfo")),
        ("end_session_endpoint", json!("https://id.test/oauth/logout")),
        ("revocation_endpoint", json!("https://id.test/oauth/revoke")),
        ("jwks_uri", json!("https://id.test/jwks.json")),
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("subject_types_supported", json!(["public"])),
        ("grant_types_supported", json!(["authorization_code", "client_credentials", "refresh_token"])),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
    for (name, words) in [
        ("scopes_supported", &["openid", "profile", "email"][..]),
        ("claims_supported", &["sub", "email", "email_verified", "name", "picture"]),
        ("id_token_signing_alg_values_supported", &["RS256"]),
        ("token_endpoint_auth_methods_supported", &["client_secret_basic", "client_secret_post"]),
    ] {
        let list: BTreeSet<_> = document[name].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(words.iter().all(|word| list.contains(word)), "{name}: {list:?}");
    }
    for absent in [
        "registration_endpoint",
        "device_authorization_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
        "backchannel_authentication_endpoint",
        "check_session_iframe",
    ] {
        assert!(document.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn every_advertised_address_answers() {
    let app = TestApp::start().await;
    let document = app.get(DOCUMENTS[0]).await.json();
    let addresses: Vec<_> = document
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"))
        .map(|(_, address)| address.as_str().unwrap().strip_prefix("https://id.test").unwrap().to_owned())
        .collect();
    assert_eq!(addresses.len(), 6, "{addresses:?}");
    for path in addresses {
        let get = app.get(&path).await.status.as_u16();
        let post = app.post(&path).form(&[]).await.status.as_u16();
        assert!(get != 404 && post != 404 && (get != 405 || post != 405), "{path}: {get} {post}");
        assert!(get < 500 && post < 500, "{path}: {get} {post}");
    }
}

#[tokio::test]
async fn every_advertised_algorithm_and_method_works() {
    let app = TestApp::start().await;
    let document = app.get(DOCUMENTS[0]).await.json();
    let keys = app.get("/jwks.json").await.json();
    for alg in document["id_token_signing_alg_values_supported"].as_array().unwrap() {
        assert!(
            keys["keys"].as_array().unwrap().iter().any(|key| key["alg"] == *alg && key["use"] == "sig"),
            "{alg}"
        );
    }
    let ada = app.user("ada").await;
    for prompt in document["prompt_values_supported"].as_array().unwrap() {
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[("prompt", prompt.as_str().unwrap())])).await;
        let unsupported = browser.away.is_some() && browser.answer().get("error") == "invalid_request";
        assert!(!unsupported, "{prompt}");
    }
}

#[tokio::test]
async fn the_key_set_holds_public_members_only() {
    let app = TestApp::start().await;
    let keys = app.get("/jwks.json").await.json();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    let mut kids = BTreeSet::new();
    for key in keys {
        let members: BTreeSet<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!members.contains(private), "{private}");
        }
        assert!(kids.insert(key["kid"].as_str().unwrap()), "a kid is a name");
        assert_eq!(key["kid"].as_str().unwrap().len(), 43, "the thumbprint of RFC 7638");
    }
}

/// Every door of provider mode.
const DOORS: [(Method, &str); 17] = [
    (Method::GET, "/oauth/authorize"),
    (Method::POST, "/oauth/authorize"),
    (Method::GET, "/api/auth/authorize"),
    (Method::GET, "/oauth/consent"),
    (Method::POST, "/oauth/consent"),
    (Method::POST, "/api/auth/authorize/consent"),
    (Method::POST, "/oauth/token"),
    (Method::POST, "/api/auth/token"),
    (Method::POST, "/oauth/revoke"),
    (Method::POST, "/api/auth/revoke"),
    (Method::GET, "/oauth/userinfo"),
    (Method::POST, "/oauth/userinfo"),
    (Method::GET, "/oauth/logout"),
    (Method::GET, "/jwks.json"),
    (Method::GET, DOCUMENTS[0]),
    (Method::GET, DOCUMENTS[1]),
    (Method::GET, "/api/admin/oauth/clients"),
];

#[tokio::test]
async fn without_provider_mode_none_of_its_doors_exist() {
    let (on, off) =
        (TestApp::start().await, TestApp::with(|config| config.auth.provider.enabled = false).await);
    for (method, path) in DOORS {
        assert_ne!(on.request(method.clone(), path).form(&[]).await.status, 404, "{method} {path}");
        let reply = off.request(method.clone(), path).form(&[]).await;
        assert_eq!(reply.status, 404, "{method} {path}: {reply}");
    }
    assert_eq!(off.get("/login").await.status, 200, "accounts work without it");
}

#[tokio::test]
async fn what_is_not_built_does_not_exist() {
    let app = TestApp::start().await;
    for path in [
        "/oauth/introspect",
        "/api/auth/introspect",
        "/register",
        "/oauth/register",
        "/oauth/device",
        "/oauth/par",
    ] {
        for method in [Method::GET, Method::POST] {
            assert_eq!(app.request(method, path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn the_issuer_is_configured_and_never_taken_from_a_request() {
    let app = TestApp::with(|config| config.server.public_url = "https://login.example".to_owned()).await;
    let reply = app
        .get(DOCUMENTS[0])
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example")
        .await;
    let document = reply.json();
    assert_eq!(document["issuer"], "https://login.example");
    assert!(!reply.text().contains("evil.example") && !reply.text().contains("id.test"), "{reply}");
    for (name, value) in document.as_object().unwrap() {
        if let Some(address) = value.as_str().filter(|value| value.starts_with("http")) {
            assert!(address.starts_with("https://login.example"), "{name}: {address}");
        }
    }
}
