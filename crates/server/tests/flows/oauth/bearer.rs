//! Kinds of credentials never stand in for each other, and dead ones open nothing.

use http::Method;

use crate::kit::client::Client;
use crate::kit::{Call, Person, TestApp, Tokens};

struct Credentials {
    all: Vec<(&'static str, String)>,
}

impl Credentials {
    async fn of(app: &TestApp, ada: &Person) -> Self {
        let opaque = app.confidential_client().await;
        let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        let (first, second) =
            (app.tokens(&opaque, ada, "openid").await, app.tokens(&jwt, ada, "openid").await);
        let session = app.session_token(ada).await;
        let browser = app.signed_in(ada).await;
        let code = app.authorize_code(&opaque, ada, "openid").await;
        let swapped = swap_type(&session, "at+jwt");
        let retyped = swap_type(&second.access, "ayb-session+jwt");
        let key = app.api_key(ada, |_| {}).await.text;
        let unsigned = format!("{}.", second.access.rsplit_once('.').unwrap().0);
        Self {
            all: vec![
                ("opaque", first.access),
                ("jwt", second.access.clone()),
                ("session", session),
                ("refresh", first.refresh.unwrap()),
                ("refresh of jwt client", second.refresh.unwrap()),
                ("id_token", first.id_token.unwrap()),
                ("browser session", browser.session().unwrap().to_owned()),
                ("code", code),
                ("client secret", opaque.secret.unwrap()),
                ("API key", key.clone()),
                ("unknown API key", format!("ayb_{}", "0".repeat(48))),
                ("API key in capitals", format!("ayb_{}", key[4..].to_uppercase())),
                ("API key, too short", key[..key.len() - 1].to_owned()),
                ("API key, too long", format!("{key}0")),
                ("API key as access token", key.replace("ayb_", "ayb_at_")),
                ("API key as client id", key.replace("ayb_", "ayb_cid_")),
                ("admin-like", format!("ayb_adm_{}", "0".repeat(64))),
                ("session as access token", swapped),
                ("access token as session", retyped),
                ("jwt without its signature", unsigned),
                ("jwt with another payload", tamper(&second.access)),
                ("noise", "noise".to_owned()),
                ("dots", "..".to_owned()),
                ("long", "a".repeat(20_000)),
            ],
        }
    }
}

/// The same token under another `typ`; its signature no longer fits.
fn swap_type(token: &str, typ: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (header, rest) = token.split_once('.').unwrap();
    let mut header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["typ"] = typ.into();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// The same token with a scope that it does not have.
fn tamper(token: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts: Vec<_> = token.split('.').collect();
    let mut claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["scope"] = "openid *".into();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

#[tokio::test]
async fn each_door_opens_to_its_own_kinds_only() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        for (kind, token) in Credentials::of(&app, &ada).await.all {
            let info = app.get("/oauth/userinfo").bearer(&token).await;
            let expected = match kind {
                "opaque" | "jwt" => 200,
                "session" | "API key" => 403,
                _ => 401,
            };
            assert_eq!(info.status, expected, "userinfo, {kind}: {info}");
            let me = app.get("/api/auth/me").bearer(&token).await;
            let expected = if ["opaque", "jwt", "session", "API key"].contains(&kind) { 200 } else { 401 };
            assert_eq!(me.status, expected, "me, {kind}: {me}");
            let question = app.get(&client.authorize("openid", &[])).bearer(&token).accept_json().await;
            let expected = if kind == "session" { 200 } else { 401 };
            assert_eq!(question.status, expected, "authorize, {kind}: {question}");
            for (method, path) in
                [(Method::GET, "/api/admin/oauth/clients"), (Method::GET, "/api/admin/apps")]
            {
                let admin = app.request(method, path).bearer(&token).await;
                assert!([401, 403, 404].contains(&admin.status.as_u16()), "{path}, {kind}: {admin}");
            }
            let cookie = app.get("/account").header("cookie", format!("__Host-ayb_session={token}")).await;
            if kind != "browser session" {
                assert_ne!(cookie.status, 200, "cookie, {kind}: {cookie}");
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for client in [app.confidential_client().await, app.public_client().await] {
        let tokens = app.tokens(&client, &ada, "openid").await;
        assert_eq!(app.userinfo(tokens.refresh()).await, 401);
        let body = tokens.access.strip_prefix("ayb_at_").unwrap();
        assert_eq!(app.refresh(&client, &tokens.access).await.error(), "invalid_grant");
        assert_eq!(app.refresh(&client, &format!("ayb_rt_{body}")).await.error(), "invalid_grant");
        assert_eq!(app.userinfo(&tokens.refresh().replace("ayb_rt_", "ayb_at_")).await, 401);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 200, "and is not spent by it");
    }
}

#[tokio::test]
async fn every_digit_of_a_token_counts() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        let body = &tokens.access["ayb_at_".len()..];
        for index in 0..body.len() {
            let other = if body.as_bytes()[index] == b'0' { "1" } else { "0" };
            let changed = format!("ayb_at_{}{other}{}", &body[..index], &body[index + 1..]);
            assert_eq!(app.userinfo(&changed).await, 401, "digit {index}");
        }
        assert_eq!(app.userinfo(&tokens.access.to_uppercase()).await, 401);
        assert_eq!(app.userinfo(&tokens.access).await, 200);
    }
}

fn machine(app: &TestApp, client: &Client) -> Call {
    app.token_request(client, &[("grant_type", "client_credentials"), ("scope", "readonly")])
}

#[tokio::test]
async fn a_client_is_never_taken_for_a_person() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
    for client in [app.confidential_client().await, jwt] {
        let token = machine(&app, &client).await.member("access_token");
        assert_eq!(app.get("/oauth/userinfo").bearer(&token).await.status, 403);
        let asked = app.get(&client.authorize("openid", &[])).bearer(&token).accept_json().await;
        assert_eq!(asked.status, 401, "{asked}");
    }
    let tokens: Tokens = app.tokens(&app.public_client().await, &ada, "openid").await;
    assert_eq!(app.userinfo(&tokens.access).await, 200);
}
