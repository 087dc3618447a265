//! Mailed links, as those who read the mail meet them, and those who should not.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::accounts::{
    FORGOT, ME, REGISTER, RESEND, RESET, Session, VERIFY, envelope, login, mailed_token, noted, refresh,
    token_in,
};
use crate::kit::time::{hours, minutes, seconds};
use crate::kit::{Browser, Call, TestApp};

const NEW: &str = "a whole new password";

fn forgot(app: &TestApp, email: &str) -> Call {
    app.post(FORGOT).json(&json!({"email": email}))
}

fn reset(app: &TestApp, token: &str, password: &str) -> Call {
    app.post(RESET).json(&json!({"token": token, "password": password}))
}

fn verify(app: &TestApp, token: &str) -> Call {
    app.post(VERIFY).json(&json!({"token": token}))
}

async fn reset_link(app: &TestApp, email: &str) -> String {
    assert_eq!(forgot(app, email).await.status, 202);
    mailed_token(app).await
}

/// Registers, and gives the session and the link that verifies the address.
async fn unverified(app: &TestApp, email: &str) -> (Session, String) {
    let body = json!({"email": email, "password": "correct horse", "name": "https://evil.example/win"});
    let session = Session::of(&app.post(REGISTER).json(&body).await);
    (session, mailed_token(app).await)
}

async fn is_verified(app: &TestApp, session: &Session) -> Value {
    app.get(ME).bearer(&session.token).await.json()["emailVerified"].clone()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_in_a_browser() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let mut browser = app.browser();
        browser.visit("/login").await.follow("Forgot your password?").await;
        browser.fill("Email", &ada.email).submit("forgot-submit").await;
        assert_eq!(
            (browser.status(), browser.page().text_of("main").contains("Check your inbox")),
            (200, true)
        );
        let token = mailed_token(&app).await;
        browser.visit(&format!("/reset?token={token}")).await;
        for text in [ada.email.as_str(), "signed out everywhere, and every connected app"] {
            assert!(browser.page().text.contains(text), "{text}: {}", browser.page().text);
        }
        browser.fill("New password", NEW).submit("reset-submit").await;
        assert!(browser.page().text.contains("Your password is changed"), "{}", browser.reply());
        assert!(browser.page().text.contains("You are signed out everywhere."), "{}", browser.reply());
        assert_eq!(browser.session(), None, "the link signs nobody in");
        assert_eq!(login(&app, &ada.email, &ada.password).await.status, 401);
        assert_eq!(login(&app, &ada.email, NEW).await.status, 200);
        assert_eq!(noted(&app, "password_reset").await[0].user_id, Some(ada.id));
    }
}

#[tokio::test]
async fn a_reset_signs_out_everywhere_and_takes_back_all_that_was_granted() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid offline_access readonly").await;
        let of_bob = app.tokens(&client, &bob, "openid").await;
        let unused = app.authorize_code(&client, &ada, "openid offline_access readonly").await;
        let (session, mut browser) = (Session::begin(&app, &ada).await, app.signed_in(&ada).await);
        let token = reset_link(&app, &ada.email).await;

        let reply = reset(&app, &token, NEW).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""), "{}", app.kind);
        assert_eq!(
            (session.me(&app).await, refresh(&app, &session.refresh).await.status.as_u16()),
            (401, 401)
        );
        browser.visit("/account").await;
        assert!(browser.page().by_id("login-submit").is_some(), "the browser is signed out");
        assert_eq!(app.userinfo(&tokens.access).await, 401);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.verdict(), (400, "invalid_grant".to_owned()));
        assert_eq!(app.redeem(&client, &unused).await.verdict(), (400, "invalid_grant".to_owned()));
        assert_eq!(app.userinfo(&of_bob.access).await, 200, "another person keeps everything");
    }
}

#[tokio::test]
async fn a_link_works_once_and_takes_the_others_with_it() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (first, second) = (reset_link(&app, &ada.email).await, reset_link(&app, &ada.email).await);
        assert_eq!(reset(&app, &second, NEW).await.status, 204);
        for token in [&second, &first] {
            assert_eq!(envelope(&reset(&app, token, "somebody else's").await).0, 400, "{}", app.kind);
        }
        assert_eq!(login(&app, &ada.email, NEW).await.status, 200);
    }
}

#[tokio::test]
async fn of_many_uses_of_one_link_one_wins() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let token = reset_link(&app, &ada.email).await;
        let uses = (0..12).map(|number| reset(&app, &token, &format!("password {number}")).send());
        let winners = join_all(uses).await.iter().filter(|reply| reply.status == 204).count();
        assert_eq!(winners, 1, "{}", app.kind);
    }
}

#[tokio::test]
async fn a_link_for_a_password_dies_when_the_password_is_changed_otherwise() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let link = reset_link(&app, &ada.email).await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit("/account").await;
        browser.fill("current_password", &ada.password).fill("new_password", NEW);
        browser.submit("password-submit").await;
        assert_eq!(browser.url, "/account?done=password", "{}", browser.reply());
        assert_eq!(envelope(&reset(&app, &link, "somebody else's").await).0, 400, "{}", app.kind);
        assert_eq!(login(&app, &ada.email, NEW).await.status, 200);
    }
}

#[tokio::test]
async fn links_die_in_time() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let (early, late) = (reset_link(&app, &ada.email).await, reset_link(&app, &ada.email).await);
    app.travel(seconds(3599));
    let mut browser = app.browser();
    browser.visit(&format!("/reset?token={early}")).await;
    assert!(browser.page().by_id("reset-submit").is_some());
    app.travel(seconds(1));
    for token in [&early, &late] {
        assert_eq!(envelope(&reset(&app, token, NEW).await).0, 400);
        browser.visit(&format!("/reset?token={token}")).await;
        assert_eq!((browser.status(), browser.page().by_id("reset-submit").is_some()), (400, false));
    }

    let (session, link) = unverified(&app, "bob@example.com").await;
    app.travel(hours(24));
    assert_eq!(verify(&app, &link).await.status, 400);
    let session = Session::of(&refresh(&app, &session.refresh).await);
    assert_eq!(app.post(RESEND).bearer(&session.token).await.status, 202);
    let link = mailed_token(&app).await;
    app.travel(minutes(24 * 60 - 1));
    assert_eq!(verify(&app, &link).await.status, 204);
}

#[tokio::test]
async fn a_link_for_one_thing_does_not_do_the_other() {
    for app in TestApp::everywhere().await {
        let (session, verification) = unverified(&app, "ada@example.com").await;
        let password = reset_link(&app, "ada@example.com").await;
        assert_eq!(reset(&app, &verification, NEW).await.status, 400);
        assert_eq!(verify(&app, &password).await.status, 400);
        assert_eq!(is_verified(&app, &session).await, json!(false));
        assert_eq!(verify(&app, &verification).await.status, 204, "a wrong use does not use it up");
        assert_eq!(is_verified(&app, &session).await, json!(true));
        assert_eq!(reset(&app, &password, NEW).await.status, 204);
    }
}

#[tokio::test]
async fn what_is_no_link_opens_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let link = reset_link(&app, &ada.email).await;
    let session = Session::begin(&app, &ada).await;
    let browser = app.signed_in(&ada).await;
    let mut flipped = link.clone();
    flipped.replace_range(102.., if flipped.ends_with('0') { "1" } else { "0" });
    for token in [
        "",
        "ayb_ml_",
        &link.to_uppercase(),
        &link[..102],
        &format!("{link}0"),
        &flipped,
        &format!("ayb_ml_{}", "f".repeat(96)),
        &session.refresh.replace("ayb_sr_", "ayb_ml_"),
        &browser.session().unwrap().replace("ayb_bs_", "ayb_ml_"),
        &session.token,
        "<script>alert(1)</script>",
    ] {
        let runs = app.app.passwords.runs();
        assert_eq!(envelope(&reset(&app, token, NEW).await).0, 400, "{token}");
        assert_eq!(envelope(&verify(&app, token).await).0, 400, "{token}");
        assert_eq!(app.app.passwords.runs(), runs, "no password is hashed for {token}");
        for path in ["/reset", "/verify-email"] {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
            let reply = app.get(&format!("{path}?{query}")).await;
            assert_eq!(reply.status, 400, "{path} {token}");
            assert!(token.len() < 8 || !reply.text().contains(token), "{path} says {token} again");
        }
    }
    for path in ["/reset", "/verify-email"] {
        let twice = app.get(&format!("{path}?token={link}&token={link}")).await;
        assert_eq!((twice.status.as_u16(), app.get(path).await.status.as_u16()), (400, 400));
    }
    assert_eq!(reset(&app, &link, NEW).await.status, 204);
}

#[tokio::test]
async fn following_a_link_uses_nothing_up() {
    let app = TestApp::start().await;
    let (session, verification) = unverified(&app, "ada@example.com").await;
    let password = reset_link(&app, "ada@example.com").await;
    for _ in 0..3 {
        for path in [format!("/verify-email?token={verification}"), format!("/reset?token={password}")] {
            let scanned = app.get(&path).await;
            assert_eq!((scanned.status.as_u16(), scanned.header("referrer-policy")), (200, "no-referrer"));
            assert_eq!(scanned.header("cache-control"), "no-store");
            assert_eq!(app.request(http::Method::HEAD, &path).await.status, 200);
        }
    }
    assert_eq!(is_verified(&app, &session).await, json!(false));
    let mut browser = app.browser();
    browser.visit(&format!("/verify-email?token={verification}")).await;
    browser.submit("verify-submit").await;
    assert!(browser.page().text.contains("Your email is verified"), "{}", browser.reply());
    assert_eq!((is_verified(&app, &session).await, browser.session()), (json!(true), None));
    assert_eq!(noted(&app, "email_verified").await.len(), 1);
    assert_eq!(reset(&app, &password, NEW).await.status, 204);
}

#[tokio::test]
async fn a_link_verifies_its_own_person_whoever_is_signed_in() {
    let app = TestApp::start().await;
    let (of_ada, link) = unverified(&app, "ada@example.com").await;
    let (of_bob, _) = unverified(&app, "bob@example.com").await;
    assert_eq!(verify(&app, &link).bearer(&of_bob.token).await.status, 204);
    assert_eq!(
        (is_verified(&app, &of_ada).await, is_verified(&app, &of_bob).await),
        (json!(true), json!(false))
    );
}

#[tokio::test]
async fn a_password_that_breaks_a_rule_does_not_use_the_link_up() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let link = reset_link(&app, &ada.email).await;
    let short = reset(&app, &link, "1234567").await;
    assert_eq!((envelope(&short).0, &short.json()["data"]["field"]), (400, &json!("password")));
    let mut browser = app.browser();
    browser.visit(&format!("/reset?token={link}")).await;
    browser.fill("password", "1234567").submit("reset-submit").await;
    assert_eq!((browser.status(), browser.page().by_id("password-problem").is_some()), (422, true));
    browser.fill("password", NEW).submit("reset-submit").await;
    assert_eq!(login(&app, &ada.email, NEW).await.status, 200);
}

#[tokio::test]
async fn a_disabled_person_gets_no_link_and_uses_none() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let link = reset_link(&app, &ada.email).await;
    let now = app.clock.now();
    app.app.store.set_user_disabled(ada.id, Some(now), now).await.unwrap();
    assert_eq!(reset(&app, &link, NEW).await.status, 400);
    assert_eq!(forgot(&app, &ada.email).await.status, 202);
    app.app.background.idle().await;
    assert!(app.outbox.take().is_empty());
}

#[tokio::test]
async fn nobody_can_fill_a_mailbox() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    for number in 0..20 {
        let email = if number % 2 == 0 { ada.email.to_uppercase() } else { ada.email.clone() };
        assert_eq!(forgot(&app, &email).from(&format!("203.0.113.{number}")).await.status, 202);
    }
    app.app.background.idle().await;
    assert_eq!(app.outbox.take().len(), 5, "from whatever address they were asked for");
    reset_link(&app, &bob.email).await;
    app.travel(hours(1));
    reset_link(&app, &ada.email).await;

    let (session, _) = unverified(&app, "new@example.com").await;
    for _ in 0..20 {
        assert_eq!(app.post(RESEND).bearer(&session.token).await.status, 202);
    }
    app.app.background.idle().await;
    assert_eq!(app.outbox.take().len(), 4);
    reset_link(&app, "new@example.com").await;
}

#[tokio::test]
async fn the_host_of_a_link_is_the_configured_one() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
        ("x-original-url", "https://evil.example/"),
    ] {
        let call = forgot(&app, &ada.email).header(name, value).header("host", "evil.example");
        assert_eq!(call.await.status, 202, "{name}");
        app.app.background.idle().await;
        for mail in app.outbox.take() {
            assert!(mail.text.contains("https://id.test/reset?token=ayb_ml_"), "{name}: {}", mail.text);
            assert!(!format!("{}{}", mail.subject, mail.text).contains("evil"), "{name}");
        }
        app.travel(hours(1));
    }
}

#[tokio::test]
async fn a_mail_carries_nothing_that_a_stranger_wrote() {
    let app = TestApp::start().await;
    let body = json!({"email": "ada@example.com", "password": "correct horse", "name": "Win at https://evil.example"});
    app.post(REGISTER).json(&body).await;
    app.app.background.idle().await;
    let mail = app.outbox.take().remove(0);
    assert!(!format!("{}{}", mail.subject, mail.text).contains("evil.example"));
    assert!(!mail.subject.contains(char::is_control) && token_in(&mail.text).starts_with("ayb_ml_"));
}

#[tokio::test]
async fn a_verified_address_is_not_verified_again() {
    let app = TestApp::start().await;
    let (session, link) = unverified(&app, "ada@example.com").await;
    assert_eq!(verify(&app, &link).await.status, 204);
    assert_eq!(verify(&app, &link).await.status, 400);
    assert_eq!(envelope(&app.post(RESEND).bearer(&session.token).await).0, 409);
    app.app.background.idle().await;
    assert!(app.outbox.take().is_empty());
}

/// The token of the form that the browser sees.
#[track_caller]
fn csrf(browser: &Browser) -> String {
    browser.page().forms[0].value("csrf").unwrap().to_owned()
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let app = TestApp::start().await;
    let (session, verification) = unverified(&app, "ada@example.com").await;
    let password = reset_link(&app, "ada@example.com").await;
    let mut other = app.browser();
    let foreign = csrf(other.visit("/forgot").await);
    let forms: [(&str, Vec<(&str, &str)>); 3] = [
        ("/forgot", vec![("email", "ada@example.com")]),
        ("/reset", vec![("token", &password), ("password", NEW)]),
        ("/verify-email", vec![("token", &verification)]),
    ];
    for (path, fields) in &forms {
        for wrong in [None, Some(""), Some("x"), Some(foreign.as_str())] {
            let mut browser = app.browser();
            browser.visit("/forgot").await;
            let mut form = fields.clone();
            form.extend(wrong.map(|token| ("csrf", token)));
            assert_eq!(browser.post(path, &form).await.status(), 403, "{path} {wrong:?}");
        }
        let mut browser = app.browser();
        let own = csrf(browser.visit("/forgot").await);
        let mut form = fields.clone();
        form.push(("csrf", &own));
        let call = app.post(path).form(&form).header("cookie", browser.cookie_header());
        assert_eq!(call.header("sec-fetch-site", "cross-site").await.status, 403, "{path}: another site");
        let call = app.post(path).form(&form).header("cookie", browser.cookie_header());
        assert_eq!(call.header("origin", "https://evil.example").await.status, 403, "{path}: another site");
    }
    app.app.background.idle().await;
    assert!(app.outbox.take().is_empty());
    assert_eq!(is_verified(&app, &session).await, json!(false));
    assert_eq!(login(&app, "ada@example.com", NEW).await.status, 401);
}

#[tokio::test]
async fn the_way_back_survives_a_forgotten_password() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    browser.visit("/forgot?return_to=%2Faccount%3Fdone%3Dprofile").await;
    browser.fill("email", &ada.email).submit("forgot-submit").await.follow("Back to sign in").await;
    browser.sign_in(&ada).await;
    assert_eq!(browser.url, "/account?done=profile");
    browser.visit("/forgot?return_to=https%3A%2F%2Fevil.example").await;
    assert!(!browser.reply().text().contains("evil.example"));
    browser.fill("email", "no address").submit("forgot-submit").await;
    assert_eq!((browser.status(), browser.page().by_id("email-problem").is_some()), (422, true));
}
