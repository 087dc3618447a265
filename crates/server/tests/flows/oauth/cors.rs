//! Browser apps of other origins: the API answers them, pages do not, and a client or its app may narrow it to its own.

use ayb_provider::app::AppRecord;
use http::Method;

use crate::kit::client::Client;
use crate::kit::{Reply, TestApp};

const APP: &str = "https://app.example";
const OTHER: &str = "https://other.example";
const EVIL: &str = "https://evil.example";
const GRANTED: &str = "access-control-allow-origin";

const API: [&str; 5] =
    ["/oauth/token", "/api/auth/token", "/oauth/revoke", "/api/auth/revoke", "/oauth/userinfo"];

#[tokio::test]
async fn a_preflight_of_every_endpoint_is_answered() {
    let app = TestApp::start().await;
    for path in API.into_iter().chain(["/jwks.json", "/.well-known/openid-configuration"]) {
        let call = app.request(Method::OPTIONS, path).header("origin", APP);
        let call = call.header("access-control-request-method", "POST");
        let reply = call.header("access-control-request-headers", "authorization").await;
        assert_eq!((reply.status.as_u16(), reply.header(GRANTED)), (204, "*"), "{path}: {reply}");
        assert!(reply.header("access-control-allow-methods").contains("POST"));
        assert!(reply.header("access-control-allow-methods").contains("PUT"));
        assert!(reply.header("access-control-allow-headers").to_lowercase().contains("authorization"));
        assert_eq!(reply.header("access-control-allow-credentials"), "", "never with cookies");
    }
}

#[tokio::test]
async fn pages_are_for_the_person_in_front_of_them() {
    let app = TestApp::start().await;
    let client = app.public_client().await;
    for path in ["/login", "/oauth/logout", "/signup", &client.authorize("openid", &[])] {
        let reply = app.get(path).header("origin", APP).await;
        assert_eq!(reply.header(GRANTED), "", "{path}: {reply}");
    }
}

/// Every answer to a client: good and bad, of every endpoint.
async fn answers(app: &TestApp, client: &Client, access: &str, origin: &str) -> Vec<(&'static str, Reply)> {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "unknown")];
    let machine = [("grant_type", "client_credentials"), ("scope", "readonly")];
    vec![
        ("token refused", app.token_request(client, &refresh).header("origin", origin).await),
        ("token", app.token_request(client, &machine).header("origin", origin).await),
        (
            "token at the other path",
            app.client_post("/api/auth/token", client, &machine).header("origin", origin).await,
        ),
        ("revoke", app.revoke(client, "unknown").header("origin", origin).await),
        ("userinfo", app.get("/oauth/userinfo").bearer(access).header("origin", origin).await),
    ]
}

#[tokio::test]
async fn a_client_with_origins_is_read_by_those_only() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let open = app.confidential_client().await;
        let closed =
            app.confidential_client().with(|draft| draft.allowed_origins = vec![APP.to_owned()]).await;
        for (client, origin, granted) in [
            (&open, APP, "*"),
            (&open, EVIL, "*"),
            (&closed, APP, APP),
            (&closed, EVIL, ""),
            (&closed, "null", ""),
        ] {
            let access = app.tokens(client, &ada, "openid").await.access;
            for (case, reply) in answers(&app, client, &access, origin).await {
                assert_eq!(reply.header(GRANTED), granted, "{case} {origin}: {reply}");
                assert_eq!(reply.header("vary").to_lowercase().contains("origin"), granted != "*", "{case}");
                assert_eq!(reply.header("access-control-allow-credentials"), "");
            }
        }
    }
}

#[tokio::test]
async fn an_app_with_origins_ties_the_tokens_of_its_clients_to_them() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let free = app.confidential_client().app_read_by(&[APP, OTHER]).await;
        let tied = app.confidential_client().app_read_by(&[APP, OTHER]);
        let tied = tied.with(|draft| draft.allowed_origins = vec![APP.into(), EVIL.into()]).await;
        for (client, origin, granted) in [
            (&free, APP, APP),
            (&free, OTHER, OTHER),
            (&free, EVIL, ""),
            (&free, "null", ""),
            (&tied, APP, APP),
            (&tied, OTHER, ""),
            (&tied, EVIL, ""),
        ] {
            let access = app.tokens(client, &ada, "openid").await.access;
            for (case, reply) in answers(&app, client, &access, origin).await {
                assert_eq!(reply.header(GRANTED), granted, "{} {case} {origin}: {reply}", app.kind);
                assert!(reply.header("vary").to_lowercase().contains("origin"), "{case}");
            }
        }
        let preflight = app.request(Method::OPTIONS, "/oauth/userinfo").header("origin", EVIL);
        let preflight = preflight.header("access-control-request-method", "GET").await;
        assert_eq!(preflight.header(GRANTED), "*", "a preflight cannot know the app");
    }
}

#[tokio::test]
async fn an_app_with_origins_ties_its_api_keys_to_them() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().app_read_by(&[APP]).await;
        let of_app = app.app.store.client(&client.id).await.unwrap().unwrap().app_id;
        let key = app.api_key(&ada, |key| key.app_id = Some(of_app)).await;
        let free = app.api_key(&ada, |_| {}).await;
        for (key, path, origin, status, granted) in [
            (&key, "/api/auth/me", APP, 200, APP),
            (&key, "/api/auth/me", EVIL, 200, ""),
            (&key, "/oauth/userinfo", APP, 403, APP),
            (&key, "/oauth/userinfo", EVIL, 403, ""),
            (&free, "/api/auth/me", EVIL, 200, "*"),
        ] {
            let reply = app.get(path).bearer(&key.text).header("origin", origin).await;
            let seen = (reply.status.as_u16(), reply.header(GRANTED));
            assert_eq!(seen, (status, granted), "{} {path} {origin}: {reply}", app.kind);
        }
    }
}

#[tokio::test]
async fn new_origins_of_an_app_hold_at_once_on_every_server() {
    for app in TestApp::everywhere().await {
        let (elsewhere, ada) = (app.twin(|_| {}).await, app.user("ada").await);
        let client = app.confidential_client().await;
        let access = app.tokens(&client, &ada, "openid").await.access;
        let id = app.app.store.client(&client.id).await.unwrap().unwrap().app_id;
        for (origins, granted) in [(vec![], "*"), (vec![APP.to_owned()], APP), (vec![EVIL.to_owned()], "")] {
            let record = app.app.store.app(id).await.unwrap().unwrap();
            let record = AppRecord { allowed_origins: origins, ..record };
            assert!(elsewhere.app.store.update_app(&record).await.unwrap());
            for (case, reply) in answers(&app, &client, &access, APP).await {
                assert_eq!(reply.header(GRANTED), granted, "{} {case}: {reply}", app.kind);
            }
        }
    }
}

#[tokio::test]
async fn the_rule_of_the_server_holds_for_every_client() {
    let app = TestApp::with(|config| config.server.cors_allowed_origins = vec![APP.to_owned()]).await;
    let ada = app.user("ada").await;
    let wide =
        app.confidential_client().with(|draft| draft.allowed_origins = vec![APP.into(), EVIL.into()]).await;
    let of_wide_app = app.confidential_client().app_read_by(&[APP, EVIL]).await;
    for (origin, granted) in [(APP, APP), (EVIL, "")] {
        for client in [&wide, &of_wide_app] {
            let access = app.tokens(client, &ada, "openid").await.access;
            for (case, reply) in answers(&app, client, &access, origin).await {
                assert_eq!(reply.header(GRANTED), granted, "{case} {origin}");
            }
        }
        let preflight = app.request(Method::OPTIONS, "/oauth/token").header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "POST").await;
        assert_eq!(preflight.header(GRANTED), granted);
    }
}

#[tokio::test]
async fn a_script_can_read_why_it_was_refused() {
    let app = TestApp::start().await;
    for path in API {
        let reply = app.post(path).form(&[("grant_type", "refresh_token")]).header("origin", APP).await;
        assert!(reply.status.is_client_error(), "{path}: {reply}");
        assert_eq!(reply.header(GRANTED), "*", "{path}");
        assert!(reply.header("access-control-expose-headers").contains("WWW-Authenticate"));
    }
}
