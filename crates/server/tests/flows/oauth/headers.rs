//! What every answer carries: nothing is kept, framed, referred to or run.

use crate::kit::{Browser, Reply, TestApp, Tokens};

fn is_not_kept(reply: &Reply, case: &str) {
    assert_eq!(reply.header("cache-control"), "no-store", "{case}: {reply}");
}

fn is_a_safe_page(reply: &Reply, case: &str) {
    is_not_kept(reply, case);
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(reply.header(name), value, "{case}: {name}");
    }
    let policy = reply.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{case}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{case}: {policy}");
    let page = reply.page();
    for element in &page.elements {
        for (name, value) in element.attributes() {
            assert!(!name.starts_with("on") && name != "style", "{case}: <{} {name}>", element.name);
            let is_link = ["href", "src", "action"].contains(&name);
            assert!(!(is_link && value.trim().to_lowercase().starts_with("javascript:")), "{case}: {value}");
        }
        let is_inline =
            element.name == "style" || (element.name == "script" && element.attribute("src").is_none());
        assert!(!is_inline, "{case}: <{}> inline", element.name);
    }
    for loaded in
        page.elements.iter().filter(|element| ["script", "link", "img"].contains(&element.name.as_str()))
    {
        let from = loaded.attribute("src").or(loaded.attribute("href")).unwrap();
        assert!(from.starts_with("/assets/"), "{case}: {from}");
    }
}

fn shown(browser: &Browser, case: &str) {
    is_a_safe_page(browser.reply(), case);
}

#[tokio::test]
async fn every_page_of_the_provider_is_locked_down() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.browser();
    browser.visit(&client.authorize("openid", &[])).await;
    shown(&browser, "sign-in");
    browser.fill("email", "x@y.z").fill("password", "wrong").submit("login-submit").await;
    shown(&browser, "refused sign-in");
    browser.sign_in(&ada).await;
    shown(&browser, "consent");
    browser.submit("consent-allow").await;
    browser.visit(&client.authorize("openid", &[("prompt", "select_account")])).await;
    shown(&browser, "choice of accounts");
    browser.visit(&client.authorize("openid", &[("response_mode", "form_post")])).await;
    shown(&browser, "form post");
    browser.visit("/oauth/authorize").await;
    shown(&browser, "error");
    browser.visit("/oauth/logout").await;
    shown(&browser, "logout");
    browser.post("/oauth/consent", &[("decision", "allow")]).await;
    assert_eq!(browser.status(), 403);
    shown(&browser, "cross-site");
    browser.visit("/oauth/logout").await.submit("logout-confirm").await;
    shown(&browser, "signed out");
    browser.visit("/signup").await;
    shown(&browser, "sign-up");
}

#[tokio::test]
async fn redirects_with_something_in_them_are_not_kept_and_never_307() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.browser();
    browser.visit(&client.authorize("openid", &[])).await;
    browser.sign_in(&ada).await;
    browser.submit("consent-allow").await;
    is_not_kept(browser.reply(), "code");
    assert_eq!((browser.status(), browser.reply().header("referrer-policy")), (302, "no-referrer"));
    let error = app.get(&client.authorize("api:read", &[])).await;
    is_not_kept(&error, "error");
    let login = app.get(&client.authorize("openid", &[])).await;
    is_not_kept(&login, "login");
    for status in [error.status, login.status] {
        assert!([302, 303].contains(&status.as_u16()), "{status}");
    }
}

#[tokio::test]
async fn no_answer_with_a_token_or_about_a_person_is_kept() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let code = app.authorize_code(&client, &ada, "openid").await;
    let redeemed = app.redeem(&client, &code).await;
    let tokens = Tokens::of(&redeemed);
    let session = app.session_token(&ada).await;
    let question = app.get(&client.authorize("openid email", &[])).bearer(&session).accept_json();
    for (case, reply) in [
        ("code", redeemed),
        ("refresh", app.refresh(&client, tokens.refresh()).await),
        ("refused", app.redeem(&client, &code).await),
        (
            "not proven",
            app.post("/oauth/token").form(&[("grant_type", "client_credentials"), ("scope", "*")]).await,
        ),
        ("revoked", app.revoke(&client, &tokens.access).await),
        ("userinfo", app.get("/oauth/userinfo").bearer(&tokens.access).await),
        ("question", question.await),
    ] {
        is_not_kept(&reply, case);
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{case}");
        if ["code", "refresh", "refused", "not proven"].contains(&case) {
            assert_eq!(reply.header("pragma"), "no-cache", "{case}");
        }
    }
}

#[tokio::test]
async fn session_cookies_are_for_this_host_over_https_and_no_script() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    browser.visit("/login").await;
    let (_, mut pairs) = browser.form_of("login-submit");
    pairs.retain(|(name, _)| name != "email" && name != "password");
    pairs.extend([("email".to_owned(), ada.email.clone()), ("password".to_owned(), ada.password.clone())]);
    let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let reply = app.post("/login").form(&form).header("cookie", browser.cookie_header()).await;
    assert_eq!(reply.status, 303, "{reply}");
    let cookies: Vec<_> =
        reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-ayb_session=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(session.contains(part), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_worth_nothing_after_the_sign_in() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let planted = app.signed_in(&eve).await;
        let mut victim = app.browser();
        victim.set_cookie("__Host-ayb_session", planted.session().unwrap());
        victim.visit("/login?again=1").await;
        victim.sign_in(&ada).await;
        assert_ne!(victim.session(), planted.session(), "a sign-in is always a new session");
        let client = app.confidential_client().await;
        let mut attacker = planted.clone();
        attacker.visit(&client.authorize("openid", &[])).await;
        assert!(attacker.url.starts_with("/login"), "the planted one has ended: {}", attacker.url);
    }
}
