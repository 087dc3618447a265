//! Nobody learns who has an account: one answer, one amount of work.

use std::collections::BTreeSet;

use serde_json::json;

use super::{FORGOT, LOGIN, REGISTER, login, noted, trail};
use crate::kit::{Reply, TestApp};

/// What the peer sees of an answer.
fn seen(reply: &Reply) -> String {
    let headers = reply.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    format!("{} {headers:?} {}", reply.status, reply.text())
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_disabled_account_look_the_same() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let now = app.clock.now();
        app.app.store.set_user_disabled(eve.id, Some(now), now).await.unwrap();
        let mut answers = BTreeSet::new();
        for (email, password) in [
            (ada.email.as_str(), "wrong password"),
            ("nobody@example.com", "wrong password"),
            ("no address", "wrong password"),
            ("", ""),
            (&eve.email, &eve.password),
            (&eve.email, "wrong password"),
        ] {
            let before = app.app.passwords.runs();
            let reply = login(&app, email, password).await;
            assert_eq!(app.app.passwords.runs() - before, 1, "{email}: one argon2 run");
            assert_eq!(reply.status, 401, "{email}");
            answers.insert(seen(&reply));
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
}

#[tokio::test]
async fn the_sign_in_page_does_not_tell_either() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut pages = BTreeSet::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut browser = app.browser();
        let before = app.app.passwords.runs();
        browser.visit("/login").await;
        browser.fill("email", email).fill("password", "wrong password").submit("login-submit").await;
        assert_eq!((browser.status(), app.app.passwords.runs() - before), (401, 1));
        pages.insert(browser.page().text.replace(email, "…"));
    }
    assert_eq!(pages.len(), 1, "{pages:?}");
}

#[tokio::test]
async fn a_password_that_is_too_long_costs_the_same_for_everybody() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let long = "x".repeat(2000);
    let mut answers = BTreeSet::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let before = app.app.passwords.runs();
        answers.insert(seen(&login(&app, email, &long).await));
        assert_eq!(app.app.passwords.runs(), before);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn asking_for_a_new_password_looks_the_same_for_everybody() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let now = app.clock.now();
        app.app.store.set_user_disabled(eve.id, Some(now), now).await.unwrap();
        let mut answers = BTreeSet::new();
        for email in [&ada.email, &eve.email, "nobody@example.com"] {
            let before = app.app.passwords.runs();
            answers.insert(seen(&app.post(FORGOT).json(&json!({"email": email})).await));
            assert_eq!(app.app.passwords.runs(), before);
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        app.app.background.idle().await;
        let mails = app.outbox.take();
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [ada.email.as_str()]);
    }
}

#[tokio::test]
async fn registering_costs_one_run_whether_the_address_is_taken_or_free() {
    let app = TestApp::start().await;
    app.user("ada").await;
    for email in ["ada@example.com", "free@example.com"] {
        let before = app.app.passwords.runs();
        app.post(REGISTER).json(&json!({"email": email, "password": "correct horse"})).await;
        assert_eq!(app.app.passwords.runs() - before, 1, "{email}");
    }
}

#[tokio::test]
async fn sign_ins_are_noted_and_failed_ones_without_the_address() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    login(&app, &ada.email, &ada.password).await;
    login(&app, &ada.email, "CANARY password").await;
    login(&app, "canary@example.com", "wrong").await;
    app.signed_in(&ada).await;
    let entries = trail(&app).await;
    let signed_in: Vec<_> = entries.iter().filter(|entry| entry.event == "signed_in").collect();
    assert_eq!(signed_in.len(), 2, "by program and by page");
    assert_eq!((signed_in[0].user_id, signed_in[0].ip.as_deref()), (Some(ada.id), Some("198.51.100.7")));
    assert_eq!(noted(&app, "sign_in_failed").await.len(), 2);
    let told = format!("{entries:?}").to_lowercase();
    assert!(!told.contains("canary") && !told.contains("ada@"), "{told}");
}

#[tokio::test]
async fn a_sign_in_endpoint_says_nothing_about_itself_in_another_method() {
    let app = TestApp::start().await;
    assert_eq!(app.get(LOGIN).await.status, 405);
}
