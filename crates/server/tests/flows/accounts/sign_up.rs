//! Making an account.

use serde_json::{Value, json};

use super::{LOGIN, ME, REGISTER, Session, envelope, noted, token_in};
use crate::kit::TestApp;

fn new(email: &str) -> Value {
    json!({"email": email, "password": "correct horse", "name": " Ada "})
}

#[tokio::test]
async fn registering_makes_an_account_and_signs_in() {
    for app in TestApp::everywhere().await {
        let reply = app.post(REGISTER).json(&new(" Ada@Example.COM ")).await;
        assert_eq!(reply.status, 201, "{reply}");
        assert_eq!(reply.header("cache-control"), "no-store");
        let user = &reply.json()["user"];
        assert_eq!(user["email"], "ada@example.com");
        assert_eq!((&user["emailVerified"], &user["name"]), (&json!(false), &json!("Ada")));
        assert_eq!(user["picture"], Value::Null);
        assert_eq!(user["createdAt"], "2027-01-15T08:00:00.000Z");
        assert_eq!(user["updatedAt"], user["createdAt"]);

        let session = Session::of(&reply);
        let me = app.get(ME).bearer(&session.token).await;
        assert_eq!((me.status.as_u16(), &me.json()), (200, user));
        let again = app.post(LOGIN).json(&json!({"email": "ada@example.com", "password": "correct horse"}));
        assert_eq!(again.await.status, 200);
        assert_eq!(noted(&app, "signed_up").await.len(), 1);
    }
}

#[tokio::test]
async fn no_secret_of_an_account_reaches_the_database() {
    for app in TestApp::everywhere().await {
        let session = Session::of(&app.post(REGISTER).json(&new("ada@example.com")).await);
        app.app.background.idle().await;
        let link = token_in(&app.outbox.take()[0].text);
        let dump = app.dump().await;
        for secret in ["correct horse", &session.token, &session.refresh, &session.refresh[7..], &link] {
            assert!(!dump.contains(secret), "{}", app.kind);
        }
    }
}

#[tokio::test]
async fn an_address_has_one_account() {
    for app in TestApp::everywhere().await {
        app.user("ada").await;
        app.app.background.idle().await;
        let taken = app.post(REGISTER).json(&new("ADA@example.com")).await;
        assert_eq!(envelope(&taken).0, 409);
        app.app.background.idle().await;
        assert!(app.outbox.take().is_empty(), "a mail about an account that was not made");
    }
}

#[tokio::test]
async fn an_account_that_breaks_a_rule_is_refused_and_the_field_is_named() {
    let app = TestApp::start().await;
    let long = "x".repeat(1025);
    for (email, password, name, field) in [
        ("ada", "correct horse", "", "email"),
        ("ada@example.com\r\nBcc: eve@example.com", "correct horse", "", "email"),
        ("", "correct horse", "", "email"),
        ("ada@example.com", "1234567", "", "password"),
        ("ada@example.com", "ééééééé", "", "password"),
        ("ada@example.com", &long, "", "password"),
        ("ada@example.com", "correct horse", "a\u{7}b", "name"),
        ("ada@example.com", "correct horse", &long, "name"),
    ] {
        let reply = app.post(REGISTER).json(&json!({"email": email, "password": password, "name": name}));
        let reply = reply.await;
        assert_eq!(envelope(&reply).0, 400, "{email} {reply}");
        assert_eq!(reply.json()["data"]["field"], field);
    }
    assert_eq!(app.db_rows("select id from _ayb_users").await.len(), 0);
}

#[tokio::test]
async fn registration_can_be_closed_for_programs_and_people() {
    let app = TestApp::with(|config| config.auth.registration = false).await;
    assert_eq!(envelope(&app.post(REGISTER).json(&new("ada@example.com")).await).0, 403);
    let mut browser = app.browser();
    browser.visit("/signup").await;
    browser.fill("email", "ada@example.com").fill("password", "correct horse").submit("signup-submit").await;
    assert_eq!(browser.status(), 403);
    assert_eq!(app.db_rows("select id from _ayb_users").await.len(), 0);
}

#[tokio::test]
async fn without_accounts_there_is_no_account_api() {
    let app = TestApp::with(|config| config.auth.enabled = false).await;
    for path in [REGISTER, LOGIN] {
        assert_eq!(app.post(path).json(&new("ada@example.com")).await.status, 404);
    }
}
