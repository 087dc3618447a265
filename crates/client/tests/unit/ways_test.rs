//! Ways of providers that are not those of the specifications. The test server has them by the data of a real preset, and refuses what
//! a client without them sends.

use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::presets::{self, Place, Preset};
use ayb_client::{CallbackParams, Endpoint, OAuth2, OAuth2Client as _, OAuth2Error, TokenResponse};
use serde_json::json;

use crate::kit::{pair, params, sign_in, signed_in};

const HERE: Place = Place::Addresses(
    "https://id.test/authorize",
    "https://id.test/token",
    None,
    Some("https://id.test/revoke"),
);

/// A client of the test server with the ways of a preset.
async fn with(idp: &TestAuthServer, preset: Preset) -> OAuth2 {
    idp.confidential("app").preset(&preset, &[]).await.unwrap().build().unwrap()
}

fn named(name: &str) -> Preset {
    Preset { place: HERE, ..*presets::named(name).unwrap() }
}

#[tokio::test]
async fn requests_for_tokens_are_json_where_the_provider_wants_it() {
    let idp = TestAuthServer::start().taking_json().rotating_refresh_tokens();
    let client = with(&idp, named("notion")).await;
    let url = client.start(params(&[])).unwrap().url;
    assert_eq!(pair(&url, "owner").as_deref(), Some("user"));
    signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    for request in idp.requests(Endpoint::Token) {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["grant_type"], request.form["grant_type"].as_str());
        assert!(request.authorization.unwrap().starts_with("Basic ") && body.get("client_secret").is_none());
    }
    let form = with(&idp, Preset { takes_json: false, ..named("notion") }).await;
    assert!(sign_in(&idp, &form, params(&["a"])).await.is_err(), "a form is refused");
}

#[tokio::test]
async fn nothing_of_a_request_in_json_comes_back_in_an_error() {
    let idp = TestAuthServer::start().taking_json();
    let client = with(&idp, named("notion")).await;
    let start = client.start(params(&["a"])).unwrap();
    let back = idp.approve(&start.url);
    let code = pair(&back, "code").unwrap();
    let body = format!(r#"{{"error":"invalid_grant","error_description":"code {code} is bad"}}"#);
    idp.next(Endpoint::Token, Fault::Answer(400, "application/json", body));
    let error =
        client.finish(start.pending, CallbackParams::parse(back.as_str()).unwrap()).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("[REDACTED]") && !shown.contains(&code), "{shown}");
}

#[tokio::test]
async fn refresh_tokens_go_to_their_own_address_and_nothing_else_does() {
    let idp = TestAuthServer::start().refreshing_elsewhere();
    let here = Preset { refresh_endpoint: Some("https://id.test/refresh"), ..named("figma") };
    assert!(presets::named("figma").unwrap().refresh_endpoint.is_some());
    let client = with(&idp, here).await;
    signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    let paths: Vec<_> =
        idp.requests(Endpoint::Token).iter().map(|request| request.url.path().to_owned()).collect();
    assert_eq!(paths, ["/token", "/refresh"]);
    let plain = with(&idp, Preset { refresh_endpoint: None, ..here }).await;
    signed_in(&idp, &plain).await;
    assert!(plain.tokens().refresh().await.is_err(), "the token endpoint takes none");
    let bad = Preset { refresh_endpoint: Some("http://id.test/refresh"), ..here };
    assert!(idp.confidential("app").preset(&bad, &[]).await.unwrap().build().is_err(), "not https");
}

#[tokio::test]
async fn parameters_have_the_names_that_the_provider_gives_them() {
    let idp = TestAuthServer::start().calling("client_id", "client_key");
    let client = with(&idp, named("tiktok")).await;
    let url = client.start(params(&["user.info.basic", "video.list"])).unwrap().url;
    let pairs = ["client_key", "client_id", "scope"].map(|name| pair(&url, name));
    assert_eq!(pairs, [Some("app".to_owned()), None, Some("user.info.basic,video.list".to_owned())]);
    let response = sign_in(&idp, &client, params(&["a", "b"])).await.unwrap();
    assert_eq!(response.scope.as_deref(), Some("a b"));
    let form = &idp.requests(Endpoint::Token)[0].form;
    assert_eq!((form.get("client_key").map(String::as_str), form.get("client_id")), (Some("app"), None));
    assert!(form.contains_key("client_secret"));
    let plain = with(&idp, Preset { renamed_params: &[], ..named("tiktok") }).await;
    assert!(sign_in(&idp, &plain, params(&["a"])).await.is_err(), "the usual name is refused");
}

#[tokio::test]
async fn the_tokens_of_a_person_are_found_inside_the_answer() {
    let idp = TestAuthServer::start().calling("scope", "user_scope").nesting_tokens("authed_user");
    let client = with(&idp, named("slack-user")).await;
    let response = sign_in(&idp, &client, params(&["chat:write", "users:read"])).await.unwrap();
    assert_eq!(response.scope.as_deref(), Some("chat:write users:read"));
    assert!(response.refresh_token.is_some() && response.extra.contains_key("ok"));
    signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    let flat = with(&idp, Preset { tokens_within: None, ..named("slack-user") }).await;
    assert!(sign_in(&idp, &flat, params(&["a"])).await.is_err(), "there is none in the answer itself");
}

#[tokio::test]
async fn an_issuer_that_is_described_elsewhere_is_the_one_that_was_meant() {
    let b2c = Place::Described("https://{}.test/{}/{}/v2.0", "https://{}.test/{}/v2.0/");
    let Place::Described(described_at, issuer) = presets::named("microsoft-b2c").unwrap().place else {
        panic!()
    };
    let shape = |text: &str| text.replace(".b2clogin.com", ".test");
    assert_eq!(b2c, Place::Described(shape(described_at).leak(), shape(issuer).leak()));
    let preset = Preset { place: b2c, ..*presets::named("microsoft-b2c").unwrap() };
    for (says, is_taken) in [
        ("https://id.test/1-2-3/v2.0/", true),
        ("https://id.test/1-2-4/v2.0/", false),
        ("https://id.test/1-2-3/flow/v2.0", false),
        ("https://id.test", false),
    ] {
        let idp = TestAuthServer::start().described_below("/1-2-3/flow/v2.0");
        idp.alter_metadata("issuer", json!(says));
        let found = idp.confidential("app").preset(&preset, &["id", "1-2-3", "flow"]).await;
        assert_eq!(found.is_ok(), is_taken, "{says}");
        if let Ok(builder) = found {
            assert_eq!(builder.build().unwrap().provider().issuer.as_deref(), Some(says));
        }
    }
    for bad in [&["id", "1-2-3"][..], &["id", "1-2-3", "flow", "x"], &["id", "1-2-3", "a/b"], &[]] {
        let idp = TestAuthServer::start().described_below("/1-2-3/flow/v2.0");
        assert!(idp.confidential("app").preset(&preset, bad).await.is_err(), "{bad:?}");
        assert!(idp.requests(Endpoint::Discovery).is_empty());
    }
}

/// Signs in at a provider of many tenants; the ID token has these claims, and `iss` comes back with the code.
async fn at_tenants(
    iss: &'static str,
    tid: serde_json::Value,
    back_iss: Option<&str>,
) -> Result<TokenResponse, OAuth2Error> {
    let idp = TestAuthServer::start().described_below("/common/v2.0");
    idp.alter_metadata("issuer", json!("https://id.test/{tenantid}/v2.0"));
    idp.alter_metadata("authorization_response_iss_parameter_supported", json!(false));
    idp.alter_id_tokens(move |claims| {
        claims.insert("iss".to_owned(), json!(iss));
        claims.insert("tid".to_owned(), tid.clone());
    });
    let preset = Preset {
        place: Place::Described("https://id.test/common/v2.0", "https://id.test/{tenantid}/v2.0"),
        ..*presets::named("microsoft-common").unwrap()
    };
    let client = with(&idp, preset).await;
    let start = client.start(params(&["openid"])).unwrap();
    let mut back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    back.iss = back_iss.map(str::to_owned);
    client.finish(start.pending, back).await
}

#[tokio::test]
async fn the_issuer_of_many_tenants_is_compared_with_the_tenant_of_the_token() {
    let one = "https://id.test/1-a/v2.0";
    assert!(at_tenants(one, json!("1-a"), None).await.is_ok());
    assert!(at_tenants(one, json!("1-a"), Some(one)).await.is_ok());
    for (iss, tid) in [
        (one, json!("2-b")),
        (one, json!(null)),
        (one, json!(["1-a"])),
        ("https://id.test/{tenantid}/v2.0", json!("{tenantid}")),
        ("https://id.test//v2.0", json!("")),
        ("https://id.test/a/b/v2.0", json!("a/b")),
        ("https://evil.test/1-a/v2.0", json!("1-a")),
        ("https://id.test", json!("1-a")),
    ] {
        let error = at_tenants(iss, tid.clone(), None).await.unwrap_err();
        assert!(error.to_string().contains("issuer"), "{iss} {tid}: {error}");
    }
    for other in ["https://evil.test/1-a/v2.0", "https://id.test/1-a/x/v2.0", "https://id.test//v2.0"] {
        assert!(at_tenants(one, json!("1-a"), Some(other)).await.is_err(), "{other}");
    }
}
