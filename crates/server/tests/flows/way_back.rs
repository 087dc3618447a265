//! A form that cannot be taken at the moment: its page says when to try again, and a link leads back to it.

use ayb_testkit::Kind;

use crate::kit::time::seconds;
use crate::kit::{Browser, TestApp};

/// Presses the button, and is told when to try again.
async fn refused(browser: &mut Browser, button: &str) {
    browser.submit(button).await;
    assert_eq!(browser.status(), 429, "{button}: {}", browser.reply());
    assert_eq!(browser.reply().header("retry-after"), "60", "{button}");
    let text = browser.page().text;
    assert!(text.contains("Try again in 60 seconds."), "{button}: {text}");
}

/// A server on which nobody has an attempt left.
async fn exhausted() -> TestApp {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    app.user("ada").await;
    app.post("/api/auth/forgot-password").json(&serde_json::json!({"email": "x@example.com"})).await;
    app
}

#[tokio::test]
async fn a_form_of_a_visitor_comes_back_with_the_address_and_without_the_password() {
    let app = exhausted().await;
    for (page, button) in
        [("/login", "login-submit"), ("/signup", "signup-submit"), ("/forgot", "forgot-submit")]
    {
        let mut browser = app.browser();
        browser.visit(&format!("{page}?return_to=%2Faccount%3Fdone%3Dprofile")).await;
        if page != "/forgot" {
            browser.fill("password", "correct horse");
        }
        browser.fill("email", "ada+1@example.com");
        refused(&mut browser, button).await;
        browser.follow("Back to the form").await;
        assert_eq!(browser.status(), 200, "{page}: {}", browser.reply());
        assert!(browser.url.starts_with(&format!("{page}?")) && !browser.url.contains("horse"), "{page}");
        let form = &browser.page().forms[0];
        assert_eq!(form.value("return_to"), Some("/account?done=profile"), "{page}");
        assert_eq!(form.value("email"), Some("ada+1@example.com"), "{page}");
        assert!(browser.page().by_id(button).is_some(), "{page}");
    }
}

#[tokio::test]
async fn the_form_for_somebody_else_comes_back_as_that() {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    browser.sign_in(&ada).await;
    browser.visit("/login?again=other&return_to=%2Faccount").await;
    browser.fill("email", "bob@example.com").fill("password", "x");
    refused(&mut browser, "login-submit").await;
    browser.follow("Back to the form").await;
    assert_eq!(browser.page().forms[0].value("email"), Some("bob@example.com"), "{}", browser.url);
}

#[tokio::test]
async fn a_form_of_a_mailed_link_comes_back_with_its_link() {
    let app = TestApp::with(|config| config.auth.rate_limit = 2).await;
    let ada = app.user("ada").await;
    app.post("/api/auth/forgot-password").json(&serde_json::json!({"email": ada.email})).await;
    let token = super::accounts::mailed_token(&app).await;
    app.travel(seconds(30));
    let mut browser = app.browser();
    browser.visit(&format!("/reset?token={token}")).await;
    for _ in 0..2 {
        browser.fill("password", "short").submit("reset-submit").await;
    }
    browser.fill("password", "a whole new password").submit("reset-submit").await;
    assert_eq!(browser.status(), 429, "{}", browser.reply());
    browser.follow("Back to the form").await;
    app.travel(seconds(60));
    browser.fill("password", "a whole new password").submit("reset-submit").await;
    assert!(browser.page().text.contains("Your password is changed"), "{}", browser.reply());
}

#[tokio::test]
async fn a_form_of_the_account_page_leads_back_to_it() {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    browser.sign_in(&ada).await;
    browser.fill("current_password", &ada.password).fill("new_password", "a whole new password");
    refused(&mut browser, "password-submit").await;
    browser.follow("Back to the form").await;
    assert_eq!((browser.url.as_str(), browser.status()), ("/account", 200));
}

#[tokio::test]
async fn a_decision_that_cannot_be_kept_leads_back_to_the_question_without_another_sign_in() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[("prompt", "login")])).await;
        browser.sign_in(&ada).await;
        app.db_rows("alter table _ayb_oauth_clients rename to moved_away").await;
        browser.submit("consent-allow").await;
        assert!(browser.status() >= 500, "{}", browser.reply());
        app.db_rows("alter table moved_away rename to _ayb_oauth_clients").await;
        browser.follow("Back to the form").await;
        assert!(browser.page().by_id("consent-allow").is_some(), "{}: {}", app.kind, browser.reply());
        browser.submit("consent-allow").await;
        assert!(!browser.answer().get("code").is_empty(), "{}", app.kind);
        if app.kind == Kind::Sqlite {
            browser.visit("/oauth/logout").await;
            app.db_rows("alter table _ayb_sessions rename to moved_away").await;
            browser.submit("logout-confirm").await;
            assert!(browser.status() >= 500, "{}", browser.reply());
            app.db_rows("alter table moved_away rename to _ayb_sessions").await;
            browser.follow("Back to the form").await.submit("logout-confirm").await;
            assert!(browser.page().by_id("logged-out").is_some(), "{}", browser.reply());
        }
    }
}
