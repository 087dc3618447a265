//! Sign-in and sign-up in a browser: fixation, forged forms, and where one lands.

use super::noted;
use crate::kit::{Browser, TestApp};

/// Where `return_to` must not lead, and one place where it may.
const PLACES: [(&str, bool); 14] = [
    ("/account?done=profile", true),
    ("//evil.example", false),
    ("///evil.example", false),
    ("https://evil.example/", false),
    ("https:evil.example", false),
    ("/\\evil.example", false),
    ("\\/evil.example", false),
    ("/\t/evil.example", false),
    ("/\r\nLocation: https://evil.example", false),
    ("javascript:alert(1)", false),
    ("/..//evil.example", false),
    ("http://id.test@evil.example", false),
    (" //evil.example", false),
    ("", false),
];

fn with_return_to(path: &str, place: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", place).finish();
    format!("{path}?{query}")
}

#[tokio::test]
async fn signing_in_and_up_lead_to_places_of_this_server_only() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (number, (place, followed)) in PLACES.into_iter().enumerate() {
        let expected = if followed { place } else { "/account" };
        let mut browser = app.browser();
        browser.visit(&with_return_to("/login", place)).await;
        browser.fill("email", &ada.email).fill("password", &ada.password).submit("login-submit").await;
        assert_eq!((browser.url.as_str(), &browser.away), (expected, &None), "{place:?}");

        let mut signed_in = browser;
        signed_in.visit(&with_return_to("/login", place)).await;
        assert_eq!((signed_in.url.as_str(), &signed_in.away), (expected, &None), "{place:?} when signed in");

        let mut browser = app.browser();
        browser.visit(&with_return_to("/signup", place)).await;
        let email = format!("new{number}@example.com");
        browser.fill("email", &email).fill("password", "correct horse").submit("signup-submit").await;
        assert_eq!((browser.url.as_str(), &browser.away), (expected, &None), "{place:?} after sign-up");
    }
}

#[tokio::test]
async fn a_return_to_that_the_form_was_not_given_is_checked_again() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for place in ["//evil.example", "https://evil.example/"] {
        let mut browser = app.browser();
        browser.visit("/login").await;
        let csrf = browser.page().forms[0].value("csrf").unwrap().to_owned();
        let form = [
            ("email", ada.email.as_str()),
            ("password", &ada.password),
            ("csrf", &csrf),
            ("return_to", place),
        ];
        browser.post("/login", &form).await;
        assert_eq!((browser.url.as_str(), &browser.away), ("/account", &None));
        assert_eq!(browser.trail[0].1, 303, "the password is not sent on");
    }
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_not_taken_over() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let planted = app.signed_in(&eve).await;
    let mut victim = app.browser();
    victim.set_cookie("__Host-ayb_session", planted.session().unwrap());
    victim.visit("/login?again=1").await;
    victim.fill("email", &ada.email).fill("password", &ada.password).submit("login-submit").await;
    assert_ne!(victim.session(), planted.session(), "a new session at every sign-in");
    let mut planted = planted;
    planted.visit("/account").await;
    assert!(planted.page().by_id("login-submit").is_some(), "the planted session has ended");
}

#[tokio::test]
async fn each_sign_in_begins_a_session_of_its_own() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let (one, other) = (app.signed_in(&ada).await, app.signed_in(&ada).await);
    assert_ne!(one.session(), other.session());
    let sessions = app.app.store.list_live_sessions(ada.id, app.clock.now()).await.unwrap();
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn a_form_from_elsewhere_signs_nobody_in_or_up() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut other = app.browser();
    other.visit("/login").await;
    let foreign = other.page().forms[0].value("csrf").unwrap().to_owned();
    for path in ["/login", "/signup"] {
        for csrf in [None, Some(""), Some("x"), Some(foreign.as_str())] {
            let mut browser = app.browser();
            browser.visit(path).await;
            let mut form = vec![("email", ada.email.as_str()), ("password", ada.password.as_str())];
            form.extend(csrf.map(|csrf| ("csrf", csrf)));
            browser.post(path, &form).await;
            assert_eq!((browser.status(), browser.session()), (403, None), "{path} {csrf:?}");
        }
        let mut browser = app.browser();
        browser.visit(path).await;
        let csrf = browser.page().forms[0].value("csrf").unwrap().to_owned();
        let form = [("email", ada.email.as_str()), ("password", &ada.password), ("csrf", &csrf)];
        let call = app.post(path).form(&form).header("cookie", browser.cookie_header());
        let reply =
            call.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example").await;
        assert_eq!(reply.status, 403, "{path}: the token is right, the site is not");
    }
    assert!(noted(&app, "signed_in").await.is_empty());
}

#[tokio::test]
async fn who_has_signed_in_in_another_tab_goes_on() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for path in ["/login", "/signup"] {
        let mut browser = app.browser();
        browser.visit(&format!("{path}?return_to=%2Fdemo")).await;
        let csrf = browser.page().forms[0].value("csrf").unwrap().to_owned();
        browser.visit("/login").await.sign_in(&ada).await;
        let form = [("email", ada.email.as_str()), ("password", &ada.password), ("csrf", &csrf)];
        for (to, place) in [("/account", "/account"), ("//evil.example", "/account")] {
            let session = browser.session().map(str::to_owned);
            let mut form = form.to_vec();
            form.push(("return_to", to));
            browser.post(path, &form).await;
            assert_eq!((browser.url.as_str(), browser.status()), (place, 200), "{path}");
            assert_eq!(browser.session().map(str::to_owned), session, "{path}: nobody is signed in anew");
        }
    }
}

#[tokio::test]
async fn the_form_for_somebody_else_does_not_name_who_is_being_left() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let client = app.confidential_client().await;
    let email = |browser: &Browser| browser.page().forms[0].value("email").unwrap_or("none").to_owned();
    for (hint, expected) in [(None, ""), (Some(("login_hint", "carol@example.com")), "carol@example.com")] {
        let with = |prompt| [("prompt", prompt)].into_iter().chain(hint).collect::<Vec<_>>();
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &with("consent"))).await;
        browser.follow("Not you?").await;
        assert_eq!(email(&browser), expected, "after \"Not you?\"");
        browser.visit(&client.authorize("openid", &with("select_account"))).await;
        browser.submit("account-other").await;
        assert_eq!(email(&browser), expected, "after \"Use another account\"");
        browser.fill("email", &bob.email).fill("password", "wrong").submit("login-submit").await;
        assert_eq!((browser.status(), email(&browser)), (401, bob.email.clone()));
        browser.sign_in(&bob).await;
        assert!(browser.page().text.contains(&bob.email), "{}", browser.reply());
        browser.visit(&client.authorize("openid", &[("prompt", "login")])).await;
        assert_eq!(email(&browser), bob.email, "who only has to prove to be there is named");
    }
}

#[tokio::test]
async fn signing_up_by_page_sends_a_link_and_signs_in() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.visit("/signup").await;
    browser.fill("Email", "ada@example.com").fill("Password", "correct horse").submit("signup-submit").await;
    assert_eq!((browser.url.as_str(), browser.status()), ("/account", 200));
    assert!(browser.page().text.contains("ada@example.com"));
    app.app.background.idle().await;
    let mails = app.outbox.take();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@example.com"));
    assert_eq!(noted(&app, "signed_up").await.len(), 1);
}
