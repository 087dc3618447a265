//! The description of the pages says with which statuses they answer: each is seen here, and no other.

use std::collections::{BTreeMap, BTreeSet};

use ayb_server::openapi::{Extent, document};
use serde_json::json;

use super::accounts::mailed_token;
use crate::kit::time::minutes;
use crate::kit::{Browser, Person, TestApp};

const FORMS: [(&str, &str); 7] = [
    ("/login", "login-submit"),
    ("/signup", "signup-submit"),
    ("/forgot", "forgot-submit"),
    ("/reset", "reset-submit"),
    ("/verify-email", "verify-submit"),
    ("/select-account", "account-1"),
    ("/logout", "logout-confirm"),
];

/// Statuses by method and path.
#[derive(Default)]
struct Seen(BTreeMap<String, BTreeSet<u16>>);

impl Seen {
    fn add(&mut self, operation: &str, status: u16) {
        self.0.entry(operation.to_owned()).or_default().insert(status);
    }

    /// Opens a page.
    async fn open(&mut self, browser: &mut Browser, address: &str) {
        browser.visit(address).await;
        let path = address.split('?').next().unwrap_or_default();
        self.add(&format!("get {path}"), browser.trail[0].1);
    }

    /// Sends the form that the browser is at.
    async fn send(&mut self, browser: &mut Browser, button: &str, typed: &[(&str, &str)]) {
        let (form, _) = browser.form_of(button);
        for (name, value) in typed {
            browser.fill(name, value);
        }
        browser.submit(button).await;
        let path = if form.action.starts_with("/account/") { "/account/{part}" } else { &form.action };
        self.add(&format!("post {path}"), browser.trail[0].1);
    }
}

/// What every form refuses.
async fn refused_forms(app: &TestApp, seen: &mut Seen) {
    let browser = app.signed_in(&app.user("forms").await).await;
    let account = ("/account/profile", "");
    for (path, _) in FORMS.into_iter().chain([account]) {
        let operation = format!("post {}", path.replace("/profile", "/{part}"));
        // Who is signed in already goes on from a form to sign in.
        let cookie =
            if ["/login", "/signup"].contains(&path) { String::new() } else { browser.cookie_header() };
        let call = || app.post(path).header("cookie", &cookie).header("accept", "text/html");
        seen.add(&operation, call().body("text/plain", "x").await.status.as_u16());
        seen.add(&operation, call().form(&[("csrf", "x")]).await.status.as_u16());
        seen.add(&operation, call().header("content-length", "99999999").await.status.as_u16());
    }
    let mut browser = browser;
    browser.visit("/account").await;
    let csrf = browser.page().forms[0].value("csrf").unwrap().to_owned();
    browser.post("/account/nope", &[("csrf", &csrf)]).await;
    seen.add("post /account/{part}", browser.status());
}

async fn signing_in_and_up(app: &TestApp, ada: &Person, seen: &mut Seen) {
    let mut browser = app.browser();
    seen.open(&mut browser, "/").await;
    seen.open(&mut browser, "/demo").await;
    seen.open(&mut browser, "/account").await;
    seen.open(&mut browser, "/select-account").await;
    seen.open(&mut browser, "/login").await;
    for password in ["wrong", &ada.password] {
        seen.send(&mut browser, "login-submit", &[("email", &ada.email), ("password", password)]).await;
    }
    for path in ["/login", "/account", "/select-account"] {
        seen.open(&mut browser, path).await;
    }
    seen.send(&mut browser, "account-1", &[]).await;
    browser.visit("/account").await;
    for name in ["Ada", "\u{7}"] {
        seen.send(&mut browser, "profile-submit", &[("name", name)]).await;
    }
    for (path, email) in [("/signup", ada.email.as_str()), ("/signup", "x"), ("/signup", "new@example.com")] {
        let mut browser = app.browser();
        seen.open(&mut browser, path).await;
        seen.send(&mut browser, "signup-submit", &[("email", email), ("password", "correct horse")]).await;
    }
}

async fn mailed_links(app: &TestApp, ada: &Person, seen: &mut Seen) {
    app.app.background.idle().await;
    app.outbox.take();
    let mut browser = app.browser();
    for email in ["x", &ada.email] {
        seen.open(&mut browser, "/forgot").await;
        seen.send(&mut browser, "forgot-submit", &[("email", email)]).await;
    }
    let reset = format!("/reset?token={}", mailed_token(app).await);
    seen.open(&mut browser, &reset).await;
    for password in ["short", "a whole new password"] {
        seen.send(&mut browser, "reset-submit", &[("password", password)]).await;
    }
    seen.open(&mut browser, &reset).await;
    let body = json!({"email": "bob@example.com", "password": "correct horse"});
    app.post("/api/auth/register").json(&body).await;
    let verify = format!("/verify-email?token={}", mailed_token(app).await);
    seen.open(&mut browser, &verify).await;
    seen.send(&mut browser, "verify-submit", &[]).await;
    seen.open(&mut browser, &verify).await;
}

async fn signing_out(app: &TestApp, ada: &Person, seen: &mut Seen) {
    let after = "https://app.example/after";
    let client =
        app.confidential_client().with(|draft| draft.post_logout_redirect_uris = vec![after.into()]).await;
    let to = format!("/logout?client_id={}&post_logout_redirect_uri=", client.client_id);
    let mut browser = app.signed_in(ada).await;
    for address in [format!("{to}https%3A%2F%2Fevil.example"), format!("{to}{after}"), "/logout".to_owned()] {
        seen.open(&mut browser, &address).await;
    }
    seen.send(&mut browser, "logout-confirm", &[]).await;
    seen.open(&mut browser, &format!("{to}{after}")).await;
    browser.post("/logout", &[("client_id", &client.client_id)]).await;
    seen.add("post /logout", browser.trail[0].1);
}

async fn limits(seen: &mut Seen) {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    let ada = app.user("ada").await;
    app.post("/api/auth/forgot-password").json(&json!({"email": ada.email})).await;
    let token = mailed_token(&app).await;
    let typed = [("email", "x@example.com"), ("password", "correct horse")];
    for (path, button, typed) in [
        ("/login".to_owned(), "login-submit", &typed[..]),
        ("/signup".to_owned(), "signup-submit", &typed),
        ("/forgot".to_owned(), "forgot-submit", &typed[..1]),
        (format!("/reset?token={token}"), "reset-submit", &typed[1..]),
    ] {
        let mut browser = app.browser();
        browser.visit(&path).await;
        seen.send(&mut browser, button, typed).await;
    }
    app.travel(minutes(2));
    let mut browser = app.signed_in(&ada).await;
    browser.visit("/account").await;
    let typed = [("current_password", "x"), ("new_password", "correct horse")];
    seen.send(&mut browser, "password-submit", &typed).await;
}

#[tokio::test]
async fn the_pages_answer_with_the_statuses_of_their_description_and_no_others() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut seen = Seen::default();
    refused_forms(&app, &mut seen).await;
    signing_in_and_up(&app, &ada, &mut seen).await;
    signing_out(&app, &ada, &mut seen).await;
    mailed_links(&app, &ada, &mut seen).await;
    limits(&mut seen).await;
    // The demo is on in a process of its own.
    seen.add("get /demo", 200);

    let document = serde_json::to_value(document(Extent::FULL)).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["tags"][0] != "Pages" || path.starts_with("/assets/") {
                continue;
            }
            let statuses = operation["responses"].as_object().unwrap().keys();
            let mut described: BTreeSet<u16> = statuses.map(|status| status.parse().unwrap()).collect();
            assert!(described.remove(&503), "{method} {path}: a database that is away");
            assert_eq!(seen.0.get(&format!("{method} {path}")), Some(&described), "{method} {path}");
        }
    }
}
