//! Limits on attempts, and what an overloaded server says.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use super::{FORGOT, LOGIN, REFRESH, REGISTER, RESET, Session, envelope, login};
use crate::kit::TestApp;
use crate::kit::time::seconds;

#[tokio::test]
async fn attempts_of_an_address_are_limited_and_grow_back() {
    let app = TestApp::with(|config| config.auth.rate_limit = 3).await;
    let ada = app.user("ada").await;
    for left in ["2", "1", "0"] {
        let reply = login(&app, &ada.email, "wrong").await;
        assert_eq!(reply.status, 401);
        assert_eq!((reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining")), ("3", left));
    }
    let before = app.app.passwords.runs();
    let refused = login(&app, &ada.email, &ada.password).await;
    assert_eq!(envelope(&refused).0, 429);
    assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-remaining")), ("20", "0"));
    assert_eq!(
        (refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-reset")),
        ("3", "1800000060")
    );
    assert_eq!(app.app.passwords.runs(), before, "no password is hashed for it");

    assert_eq!(login(&app, &ada.email, &ada.password).from("203.0.113.9").await.status, 200);
    app.travel(seconds(20));
    assert_eq!(login(&app, &ada.email, &ada.password).await.status, 200);
}

#[tokio::test]
async fn all_ways_to_guess_share_one_limit_and_refreshing_is_none_of_them() {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    let ada = app.user("ada").await;
    let session = Session::begin(&app, &ada).await;
    for (path, body) in [
        (LOGIN, json!({"email": ada.email, "password": ada.password})),
        (REGISTER, json!({"email": "new@example.com", "password": "correct horse"})),
        (FORGOT, json!({"email": ada.email})),
        (RESET, json!({"token": "x", "password": "correct horse"})),
    ] {
        assert_eq!(envelope(&app.post(path).json(&body).await).0, 429, "{path}");
    }
    for (page, button) in
        [("/login", "login-submit"), ("/signup", "signup-submit"), ("/forgot", "forgot-submit")]
    {
        let mut browser = app.browser();
        browser.visit(page).await;
        if page != "/forgot" {
            browser.fill("password", "correct horse");
        }
        browser.fill("email", "new@example.com").submit(button).await;
        assert_eq!(browser.status(), 429, "{page}");
        assert_eq!(browser.reply().header("retry-after"), "60", "{page}");
    }
    let refreshed = app.post(REFRESH).json(&json!({"refreshToken": session.refresh})).await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(Session::of(&refreshed).me(&app).await, 200);
}

#[tokio::test]
async fn a_forged_forwarding_header_is_no_new_address() {
    let app = TestApp::with(|config| config.auth.rate_limit = 1).await;
    assert_eq!(login(&app, "a@example.com", "wrong").await.status, 401);
    for name in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip"] {
        let forged = login(&app, "a@example.com", "wrong").header(name, "203.0.113.77");
        assert_eq!(forged.await.status, 429, "{name}");
    }
}

#[tokio::test]
async fn more_sign_ins_than_can_be_hashed_are_told_to_come_back() {
    let app = TestApp::with(|config| config.auth.password_memory_kib = 64 * 1024).await;
    let storm = (0..60).map(|_| login(&app, "nobody@example.com", "wrong").send());
    let replies = join_all(storm).await;
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(!busy.is_empty() && busy.len() < replies.len(), "{} of {}", busy.len(), replies.len());
    for reply in busy {
        envelope(reply);
        assert_eq!(reply.header("retry-after"), "5");
    }
    assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 401 | 503)));
}

#[tokio::test]
async fn a_browser_of_any_site_may_ask_before_it_calls() {
    let app = TestApp::start().await;
    let preflight = app
        .request(Method::OPTIONS, LOGIN)
        .header("origin", "https://spa.example")
        .header("access-control-request-method", "POST");
    assert_eq!(preflight.await.status, 204);
}
