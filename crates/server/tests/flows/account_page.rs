//! The account page, in a browser.

use serde_json::json;

use super::accounts::{Session, login, noted, refresh, token_in};
use crate::kit::{Browser, Client, Person, TestApp, Tokens};

const NEW: &str = "a whole new password";

/// The token of the forms that the browser sees.
#[track_caller]
fn csrf(browser: &Browser) -> String {
    browser.page().forms[0].value("csrf").unwrap().to_owned()
}

/// Sends one of the page's forms.
async fn send(browser: &mut Browser, part: &str, fields: &[(&str, &str)]) {
    browser.visit("/account").await;
    let token = csrf(browser);
    let mut form = fields.to_vec();
    form.push(("csrf", &token));
    browser.post(&format!("/account/{part}"), &form).await;
}

#[track_caller]
fn says(browser: &Browser, text: &str) {
    assert!(browser.page().text.contains(text), "{text}: {}", browser.page().text);
}

fn is_signed_out(browser: &Browser) -> bool {
    browser.page().by_id("login-submit").is_some()
}

async fn connected(app: &TestApp, person: &Person) -> (Client, Tokens) {
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, person, "openid profile offline_access readonly").await;
    (client, tokens)
}

#[tokio::test]
async fn a_visitor_signs_in_first_and_comes_back() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    browser.visit("/account").await;
    assert!(is_signed_out(&browser) && browser.trail[0] == ("/account".to_owned(), 303));
    browser.sign_in(&ada).await;
    assert_eq!((browser.url.as_str(), browser.status()), ("/account", 200));
    says(&browser, "ada@example.com");
    assert_eq!(browser.reply().header("cache-control"), "no-store");
    assert!(browser.reply().header("content-security-policy").contains("frame-ancestors 'none'"));
    let now = app.clock.now();
    app.app.store.set_user_disabled(ada.id, Some(now), now).await.unwrap();
    browser.visit("/account").await;
    assert!(is_signed_out(&browser), "a disabled person is a visitor");
}

#[tokio::test]
async fn name_and_picture_are_changed_and_checked() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let mut browser = app.signed_in(&ada).await;
        browser.fill("name", " Ada Lovelace ").fill("picture", "https://cdn.example/ada.png");
        browser.submit("profile-submit").await;
        assert_eq!((browser.url.as_str(), browser.trail[0].1), ("/account?done=profile", 303));
        says(&browser, "Your profile is saved.");
        let kept = app.app.store.user(ada.id).await.unwrap().unwrap();
        assert_eq!(kept.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(kept.picture.as_deref(), Some("https://cdn.example/ada.png"));

        let long = "x".repeat(201);
        for (name, picture, field) in [
            ("a\u{7}", "", "name-problem"),
            (long.as_str(), "", "name-problem"),
            ("", "javascript:alert(1)", "picture-problem"),
            ("", "http://cdn.example/ada.png", "picture-problem"),
            ("", "data:image/png;base64,AA==", "picture-problem"),
            ("", "//evil.example/x", "picture-problem"),
        ] {
            browser.visit("/account").await;
            browser.fill("name", name).fill("picture", picture).submit("profile-submit").await;
            assert_eq!(browser.status(), 422, "{name} {picture}");
            assert!(browser.page().by_id(field).is_some(), "{name} {picture}");
        }
        let still = app.app.store.user(ada.id).await.unwrap().unwrap();
        assert_eq!((still.name, still.picture), (kept.name, kept.picture));

        browser.visit("/account").await;
        browser.fill("name", "<b onclick=x>").fill("picture", "").submit("profile-submit").await;
        assert!(!browser.reply().text().contains("<b onclick"), "names are text");
        assert_eq!(app.app.store.user(ada.id).await.unwrap().unwrap().picture, None);
    }
}

#[tokio::test]
async fn a_new_password_ends_everything_that_lived_by_the_old_one_but_this_browser() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (client, tokens) = connected(&app, &ada).await;
        let session = Session::begin(&app, &ada).await;
        let (mut other, mut browser) = (app.signed_in(&ada).await, app.signed_in(&ada).await);
        let mut copy = browser.clone();

        browser.visit("/account").await;
        browser
            .fill("current_password", &ada.password)
            .fill("new_password", NEW)
            .submit("password-submit")
            .await;
        assert_eq!(browser.url, "/account?done=password", "{}", browser.reply());
        says(&browser, "Your password is changed.");
        other.visit("/account").await;
        copy.visit("/account").await;
        assert!(is_signed_out(&other), "another browser");
        assert!(is_signed_out(&copy), "a copy of this browser's cookie");
        assert_eq!(
            (session.me(&app).await, refresh(&app, &session.refresh).await.status.as_u16()),
            (401, 401)
        );
        assert_eq!(app.userinfo(&tokens.access).await, 401);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 400);
        assert_eq!(login(&app, &ada.email, &ada.password).await.status, 401);
        assert_eq!(login(&app, &ada.email, NEW).await.status, 200);
        assert_eq!(noted(&app, "password_changed").await[0].user_id, Some(ada.id));
    }
}

#[tokio::test]
async fn without_the_current_password_nothing_changes() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let (_, tokens) = connected(&app, &ada).await;
    let mut browser = app.signed_in(&ada).await;
    let long = "x".repeat(1025);
    for (current, new, field) in [
        ("wrong", NEW, "current_password-problem"),
        ("", NEW, "current_password-problem"),
        (&long, NEW, "current_password-problem"),
        (&ada.password, "1234567", "new_password-problem"),
        (&ada.password, &long, "new_password-problem"),
        (&ada.password, "", "new_password-problem"),
    ] {
        browser.visit("/account").await;
        browser.fill("current_password", current).fill("new_password", new).submit("password-submit").await;
        assert_eq!((browser.status(), browser.page().by_id(field).is_some()), (422, true), "{field}");
    }
    assert_eq!(login(&app, &ada.email, &ada.password).await.status, 200);
    assert_eq!(app.userinfo(&tokens.access).await, 200);
    assert!(noted(&app, "password_changed").await.is_empty());
}

#[tokio::test]
async fn guessing_the_current_password_is_limited() {
    let app = TestApp::with(|config| config.auth.rate_limit = 3).await;
    let mut browser = app.signed_in(&app.user("ada").await).await;
    let mut last = 0;
    for _ in 0..3 {
        send(&mut browser, "password", &[("current_password", "guess"), ("new_password", NEW)]).await;
        last = browser.status();
    }
    assert_eq!(last, 429);
    send(&mut browser, "delete", &[("confirm_password", "guess")]).await;
    assert_eq!(browser.status(), 429);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_together() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let mut browser = app.signed_in(&ada).await;
        let mut phone = app.browser().at("203.0.113.9");
        phone
            .headers
            .push(("user-agent".to_owned(), "Mozilla/5.0 (iPhone) Version/18 Safari/604".to_owned()));
        phone.sign_in(&ada).await;
        let (session, of_bob) = (Session::begin(&app, &ada).await, Session::begin(&app, &bob).await);
        browser.visit("/account").await;
        for text in ["This browser", "Safari on iPhone", "15 January 2027, 203.0.113.9"] {
            says(&browser, text);
        }

        let live = app.app.store.list_live_sessions(ada.id, app.clock.now()).await.unwrap();
        assert_eq!(live.len(), 3);
        let of_phone = live.iter().find(|live| live.ip.as_deref() == Some("203.0.113.9")).unwrap();
        send(&mut browser, "sessions", &[("session", &of_phone.id.to_string())]).await;
        assert_eq!(browser.url, "/account?done=session");
        phone.visit("/account").await;
        assert!(is_signed_out(&phone));
        assert_eq!(session.me(&app).await, 200);

        let foreign =
            app.app.store.list_live_sessions(bob.id, app.clock.now()).await.unwrap()[0].id.to_string();
        for id in
            [foreign.as_str(), "", "x", "'; drop table _ayb_sessions", "00000000-0000-0000-0000-000000000000"]
        {
            send(&mut browser, "sessions", &[("session", id)]).await;
            assert_eq!(browser.url, "/account", "{id}");
        }
        assert_eq!(of_bob.me(&app).await, 200, "somebody else's session");

        browser.visit("/account").await;
        send(&mut browser, "sessions", &[("session", "others")]).await;
        says(&browser, "You are signed out everywhere else.");
        assert_eq!((session.me(&app).await, of_bob.me(&app).await), (401, 200));
        assert_eq!(noted(&app, "session_ended").await.len(), 2);
    }
}

#[tokio::test]
async fn the_tables_that_an_app_may_use_are_listed() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (scope, tables, words) in [
        ("openid readonly", Some("trails"), Some("Only in this table: trails")),
        ("openid readwrite", Some("trails,photos"), Some("Only in these tables: photos, trails")),
        ("openid readwrite", None, Some("In every table")),
        ("openid email", None, None),
    ] {
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        let with: Vec<_> = tables.map(|tables| ("allowed_tables", tables)).into_iter().collect();
        app.code_in(&mut browser, &client, scope, &with).await;
        browser.visit("/account").await;
        let text = browser.page().text;
        match words {
            Some(words) => assert!(text.contains(words), "{scope}: {text}"),
            None => assert!(!text.contains(" table"), "{scope}: {text}"),
        }
        send(&mut browser, "applications", &[("application", &client.client_id)]).await;
    }
}

#[tokio::test]
async fn access_of_an_app_is_listed_and_taken_back() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let (client, tokens) = connected(&app, &ada).await;
        let of_bob = app.tokens(&client, &bob, "openid").await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit("/account").await;
        for text in ["Trailbook Web", "Read your data", "In every table", "Since 15 January 2027"] {
            says(&browser, text);
        }
        let unused = app.authorize_code(&client, &ada, "openid readonly").await;
        send(&mut browser, "applications", &[("application", &client.client_id)]).await;
        assert_eq!(browser.url, "/account?done=application");
        says(&browser, "No app has access to your account.");
        assert_eq!(app.userinfo(&tokens.access).await, 401);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 400);
        assert_eq!(app.redeem(&client, &unused).await.status, 400);
        assert_eq!(app.userinfo(&of_bob.access).await, 200, "another person's grant");
        browser.visit(&client.authorize("openid", &[])).await;
        assert!(browser.page().by_id("consent-allow").is_some(), "the question is asked again");
        let noted = noted(&app, "consent_withdrawn").await;
        assert_eq!(noted[0].client_id.as_deref(), Some(client.client_id.as_str()));

        for id in ["", "x", "ayb_cid_"] {
            send(&mut browser, "applications", &[("application", id)]).await;
            assert_eq!(browser.url, "/account", "{id}");
        }
    }
}

#[tokio::test]
async fn another_link_to_verify_the_address_is_sent_while_it_is_needed() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.visit("/signup").await;
    browser.fill("email", "ada@example.com").fill("password", "correct horse").submit("signup-submit").await;
    app.app.background.idle().await;
    app.outbox.take();
    send(&mut browser, "verification", &[]).await;
    says(&browser, "We sent a link to your address.");
    app.app.background.idle().await;
    let link = token_in(&app.outbox.take()[0].text);
    browser.visit(&format!("/verify-email?token={link}")).await.submit("verify-submit").await;
    browser.follow("Go to your account").await;
    says(&browser, "Verified");
    send(&mut browser, "verification", &[]).await;
    assert_eq!(browser.url, "/account");
    app.app.background.idle().await;
    assert!(app.outbox.take().is_empty());
}

#[tokio::test]
async fn an_account_is_deleted_by_its_person_with_the_password() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (_, tokens) = connected(&app, &ada).await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit("/account").await.fill("confirm_password", "wrong").submit("delete-submit").await;
        assert_eq!((browser.status(), app.userinfo(&tokens.access).await), (422, 200));
        browser.fill("confirm_password", &ada.password).submit("delete-submit").await;
        assert_eq!((browser.url.as_str(), browser.session()), ("/", None));
        assert_eq!(app.userinfo(&tokens.access).await, 401);
        assert_eq!(login(&app, &ada.email, &ada.password).await.status, 401);
        assert_eq!(noted(&app, "account_deleted").await.len(), 1);
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let (client, tokens) = connected(&app, &ada).await;
    let (mut browser, mut sibling) = (app.signed_in(&ada).await, app.signed_in(&ada).await);
    let mut visitor = app.browser();
    let (of_visitor, of_sibling) =
        (csrf(visitor.visit("/login").await), csrf(sibling.visit("/account").await));
    let own = csrf(browser.visit("/account").await);
    let forms: [(&str, Vec<(&str, &str)>); 6] = [
        ("profile", vec![("name", "Eve")]),
        ("password", vec![("current_password", &ada.password), ("new_password", NEW)]),
        ("verification", vec![]),
        ("sessions", vec![("session", "others")]),
        ("applications", vec![("application", &client.client_id)]),
        ("delete", vec![("confirm_password", &ada.password)]),
    ];
    for (part, fields) in &forms {
        let path = format!("/account/{part}");
        for token in [None, Some(""), Some("x"), Some(of_visitor.as_str()), Some(of_sibling.as_str())] {
            let mut form = fields.clone();
            form.extend(token.map(|token| ("csrf", token)));
            assert_eq!(browser.post(&path, &form).await.status(), 403, "{part} {token:?}");
        }
        let mut form = fields.clone();
        form.push(("csrf", &own));
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let call = app.post(&path).form(&form).header("cookie", browser.cookie_header());
            assert_eq!(call.header(name, value).await.status, 403, "{part} {name}");
        }
        form.push(("csrf", &own));
        assert_eq!(browser.post(&path, &form).await.status(), 403, "{part}: the token twice");
        let mut stranger = app.browser();
        stranger.post(&path, fields).await;
        assert!(is_signed_out(&stranger), "{part} without a session");
        assert_eq!(app.get(&path).await.status, 405, "{part} by a link");
    }
    assert_eq!(app.userinfo(&tokens.access).await, 200);
    let kept = app.app.store.user(ada.id).await.unwrap().unwrap();
    assert_eq!(kept.name.as_deref(), Some("ada"));
    assert_eq!(login(&app, &ada.email, &ada.password).await.status, 200);
    sibling.visit("/account").await;
    assert!(!is_signed_out(&sibling));
}

#[tokio::test]
async fn an_unknown_form_and_a_strange_body_are_refused() {
    let app = TestApp::start().await;
    let mut browser = app.signed_in(&app.user("ada").await).await;
    send(&mut browser, "everything", &[]).await;
    assert_eq!(browser.status(), 404);
    let cookies = browser.cookie_header();
    let body = json!({"name": "Eve"});
    let reply = app.post("/account/profile").json(&body).header("cookie", &cookies).await;
    assert_eq!(reply.status, 400);
    browser.visit("/account?done=%3Cscript%3E").await;
    assert!(!browser.reply().text().contains("<script"), "only words of ours are shown");
}

#[tokio::test]
async fn the_last_use_of_a_session_is_kept_to_the_minute() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = app.signed_in(&ada).await;
    app.travel(crate::kit::time::days(2));
    browser.visit("/").await;
    app.app.background.idle().await;
    browser.visit("/account").await;
    says(&browser, "17 January 2027");
}
