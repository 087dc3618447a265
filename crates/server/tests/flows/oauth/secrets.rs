//! Secrets stay where they belong: in answers to those who may have them, not in logs, tables, pages or addresses.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use ayb_server::config::{LogFormat, LogLevel};
use ayb_server::telemetry::subscriber;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::kit::client::VERIFIER;
use crate::kit::{TestApp, Tokens};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A whole day of one person and their clients; gives every secret that was in it.
async fn day(app: &TestApp) -> Vec<(&'static str, String)> {
    let ada = app.user("ada").await;
    let mut secrets = vec![("password", ada.password.clone()), ("verifier", VERIFIER.to_owned())];
    for (format, grace) in [("opaque", 0), ("opaque", 30), ("jwt", 30)] {
        let client = app
            .confidential_client()
            .with(|draft| {
                draft.token_format = Some(format.to_owned());
                draft.refresh_grace_seconds = Some(grace);
            })
            .await;
        let mut browser = app.signed_in(&ada).await;
        let code = app.code_in(&mut browser, &client, "openid email readonly", &[("nonce", "n")]).await;
        let first = Tokens::of(&app.redeem(&client, &code).await);
        let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
        app.userinfo(&second.access).await;
        app.userinfo(second.refresh()).await;
        app.get(&format!("/oauth/userinfo?access_token={}", first.access)).await;
        app.redeem(&client, &code).await;
        app.refresh(&client, first.refresh()).await;
        app.revoke(&client, &first.access).await;
        let session = app.session_token(&ada).await;
        app.get(&client.authorize("openid", &[("prompt", "none")])).bearer(&session).accept_json().await;
        browser.visit(&format!("/oauth/logout?id_token_hint={}", first.id_token.as_ref().unwrap())).await;
        let mut stranger = app.browser();
        stranger
            .visit("/login")
            .await
            .fill("email", &ada.email)
            .fill("password", "wrong CANARY")
            .submit("login-submit")
            .await;
        secrets.extend([
            ("client secret", client.secret.clone().unwrap()),
            ("code", code),
            ("access token", first.access),
            ("refresh token", first.refresh.unwrap()),
            ("ID token", first.id_token.unwrap()),
            ("second access token", second.access),
            ("second refresh token", second.refresh.unwrap()),
            ("session token", session),
            ("wrong password", "wrong CANARY".to_owned()),
        ]);
    }
    let session = app.session_token(&ada).await;
    let key = app.post("/api/auth/api-keys").bearer(&session).json(&json!({"name": "x"})).await.member("key");
    app.get("/api/auth/me").bearer(&key).await;
    app.get(&format!("/api/auth/me?access_token={key}")).await;
    app.get("/api/auth/me").bearer(&format!("{key}0")).await;
    secrets.push(("API key", key));
    let browser = app.signed_in(&ada).await;
    secrets.push(("browser session", browser.session().unwrap().to_owned()));
    secrets
}

/// The secret as it is, and those parts of it that are long enough to be of use: the digits after a prefix, the
/// signature of a JWT.
fn forms(secret: &str) -> Vec<String> {
    let bare = secret.rsplit_once('_').map_or(secret, |(_, bare)| bare);
    let signature = secret.rsplit_once('.').map_or(secret, |(_, signature)| signature);
    let parts = [bare, signature].into_iter().filter(|part| part.len() >= 20);
    parts.chain([secret]).map(str::to_owned).collect()
}

/// The log of this whole test process, all threads and other tests included, from the first call on.
fn log_of_the_process() -> &'static Captured {
    static LOG: OnceLock<Captured> = OnceLock::new();
    LOG.get_or_init(|| {
        let captured = Captured::default();
        let log = subscriber(LogLevel::Trace, LogFormat::Text, false, captured.clone());
        tracing::subscriber::set_global_default(log).unwrap();
        captured
    })
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let captured = log_of_the_process();
    for app in TestApp::everywhere().await {
        let secrets = day(&app).await;
        let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        for heard in ["/oauth/token", "/oauth/authorize", "/login", "invalid_grant"] {
            assert!(log.contains(heard), "{heard} was not heard");
        }
        for (kind, secret) in secrets {
            for form in forms(&secret) {
                let line = log.lines().find(|line| line.contains(&form));
                assert!(line.is_none(), "{kind} is in the log: {line:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_tables_hold_hashes_only() {
    for app in TestApp::everywhere().await {
        let secrets = day(&app).await;
        let dump = app.dump().await;
        assert!(dump.lines().count() > 30 && dump.contains("_ayb_oauth_tokens: "), "the tables were read");
        for (kind, secret) in secrets {
            for form in forms(&secret) {
                let row = dump.lines().find(|row| row.contains(&form));
                assert!(row.is_none(), "{} keeps the {kind}: {row:?}", app.kind);
            }
        }
    }
}

#[tokio::test]
async fn no_answer_says_a_secret_of_the_request_again() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let canary = "CANARY<script>";
    let mut texts = Vec::new();
    for pairs in [
        &[("grant_type", canary)][..],
        &[("grant_type", "refresh_token"), ("refresh_token", canary)],
        &[
            ("grant_type", "authorization_code"),
            ("code", canary),
            ("redirect_uri", canary),
            ("code_verifier", canary),
        ],
        &[("grant_type", "client_credentials"), ("scope", canary)],
    ] {
        texts.push(app.token_request(&client, pairs).await);
        texts.push(app.post("/oauth/token").form(pairs).basic(canary, canary).await);
        texts.push(app.post("/oauth/revoke").form(pairs).basic(canary, canary).await);
    }
    texts.push(app.get("/oauth/userinfo").bearer(canary).await);
    texts.push(app.get(&client.authorize(canary, &[("prompt", canary)])).await);
    texts.push(app.get("/nowhere/CANARY").await);
    for reply in texts {
        let shown = reply.to_string();
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
