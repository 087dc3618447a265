//! What people and clients hold is never the administrator's token, at no door.

use ayb_protocol::secret::{Admin, Secret};
use ayb_protocol::time::Seconds;
use ayb_server::openapi::{Extent, document};
use ayb_server::session_token::{self, SessionClaims};
use http::Method;
use serde_json::json;

use super::{CLIENTS, Desk, client_of};
use crate::kit::TestApp;

/// Every door of the administration but those that are open to everybody, from the document that another test compares
/// with the router.
fn doors() -> Vec<(Method, String)> {
    let document = serde_json::to_value(document(Extent::FULL)).unwrap();
    let open = [(Method::POST, "/api/admin/auth"), (Method::GET, "/api/admin/status")];
    let mut doors = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|_| path.starts_with("/api/admin/")) {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            if !open.contains(&(method.clone(), path.as_str())) {
                doors.push((method, path.clone()));
            }
        }
    }
    assert!(doors.len() >= 20, "{doors:?}");
    doors
}

#[tokio::test]
async fn no_credential_of_people_or_clients_opens_a_door_of_the_administration() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let jwt_client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
    let tokens = app.tokens(&client, &ada, "openid readwrite").await;
    let jwt = app.tokens(&jwt_client, &ada, "openid readwrite").await;
    let browser = app.signed_in(&ada).await;
    let claims = SessionClaims { user: ada.id, session: ayb_protocol::ids::SessionId(uuid::Uuid::nil()) };
    let session = session_token::sign(&app.app, claims, Seconds(900), app.clock.now()).unwrap();
    let mut forged = Desk::at(&app).await.token;
    forged.replace_range(20..21, if &forged[20..21] == "0" { "1" } else { "0" });
    let credentials = [
        ("nothing", String::new()),
        ("an opaque access token", format!("Bearer {}", tokens.access)),
        ("a JWT access token", format!("Bearer {}", jwt.access)),
        ("a refresh token", format!("Bearer {}", tokens.refresh())),
        ("an ID token", format!("Bearer {}", tokens.id_token.clone().unwrap())),
        ("a session token", format!("Bearer {session}")),
        ("a browser session", format!("Bearer {}", browser.session().unwrap())),
        ("a client secret", format!("Bearer {}", client.secret.clone().unwrap())),
        ("an API key", format!("Bearer {}", app.api_key(&ada, |_| {}).await.text)),
        ("a forged token", format!("Bearer {forged}")),
        ("another scheme", format!("Basic {}", Desk::at(&app).await.token)),
        ("no scheme", Desk::at(&app).await.token),
    ];
    let owned = [("{id}", ada.id.to_string()), ("{client_id}", client.client_id.clone())];
    for (method, path) in doors() {
        let path = owned.iter().fold(path, |path, (name, value)| path.replace(name, value));
        for (what, credential) in &credentials {
            let call = app.request(method.clone(), &path).json(&json!({}));
            let call = if credential.is_empty() { call } else { call.header("authorization", credential) };
            let reply = call.await;
            assert_eq!(reply.status, 401, "{method} {path} with {what}: {reply}");
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"ayb\"", "{method} {path}");
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.json()["code"], 401);
        }
    }
    assert_eq!(app.userinfo(&tokens.access).await, 200, "nothing was done to anybody");
}

#[tokio::test]
async fn another_secret_for_the_row_of_a_session_opens_nothing() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let mint = &app.app.mint;
    let row = Secret::<Admin>::parse(&desk.token).unwrap().named_row(mint.mask()).unwrap();
    let other: Secret<Admin> = mint.named(row).unwrap();
    assert_eq!(other.named_row(mint.mask()), Some(row));
    assert_eq!(app.get(CLIENTS).bearer(other.expose()).await.status, 401);
}

#[tokio::test]
async fn two_credentials_at_once_open_nothing() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let twice =
        desk.call(Method::GET, CLIENTS).header("authorization", format!("Bearer {}", desk.token)).await;
    assert_eq!(twice.status, 401, "{twice}");
    let query = app.get(&format!("{CLIENTS}?access_token={}", desk.token)).await;
    assert_eq!(query.status, 401, "a token in the address is in every log");
}

#[tokio::test]
async fn the_administrators_token_is_no_access_token() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    assert_eq!(app.userinfo(&desk.token).await, 401);
}

#[tokio::test]
async fn doors_about_clients_and_keys_exist_in_provider_mode_only() {
    let app = TestApp::with(|config| config.auth.provider.enabled = false).await;
    let desk = Desk::at(&app).await;
    for (method, path) in doors() {
        let provider = path.starts_with(CLIENTS) || path.starts_with("/api/admin/keys");
        let path = path.replace("{client_id}", &format!("ayb_cid_{}", "0a".repeat(24)));
        let reply = desk.call(method.clone(), &path.replace("{id}", "x")).json(&client_of("x")).await;
        let nothing_here = reply.status == 404 && reply.text().contains("nothing at this address");
        assert_eq!(nothing_here, provider, "{method} {path}: {reply}");
    }
    let off = TestApp::with(|config| config.admin.enabled = false).await;
    assert_eq!(off.get("/api/admin/status").await.status, 404, "admin.enabled = false closes all of it");
}

#[tokio::test]
async fn scripts_of_other_origins_may_change_clients() {
    let app = TestApp::start().await;
    let path = format!("{CLIENTS}/ayb_cid_{}", "0a".repeat(24));
    let preflight = app
        .request(Method::OPTIONS, &path)
        .header("origin", "https://admin.example")
        .header("access-control-request-method", "PUT")
        .await;
    assert_eq!(preflight.status, 204, "{preflight}");
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));
    assert!(!preflight.headers.contains_key("access-control-allow-credentials"));
}
