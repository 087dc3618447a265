//! Where there is nothing to show, whoever prefers a page gets one, and all others get JSON.

use http::Method;

use crate::kit::{Call, TestApp};

/// Makes a request, as often as it is wanted.
type Ask<'a> = Box<dyn Fn() -> Call + 'a>;

/// What a request gets that names a kind of answer first.
async fn answered(call: Call, accept: &str) -> (u16, String, String) {
    let reply = call.header("accept", accept).await;
    let kind = reply.header("content-type").split(';').next().unwrap_or_default().to_owned();
    let code =
        if kind == "text/html" { reply.page().text_of("error-code").to_owned() } else { String::new() };
    (reply.status.as_u16(), kind, code)
}

#[tokio::test]
async fn whoever_prefers_a_page_gets_one_where_others_get_json() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = app.signed_in(&ada).await;
    browser.visit("/account").await;
    let csrf = browser.page().forms[0].value("csrf").unwrap().to_owned();
    let cookie = browser.cookie_header();
    let form = |path| app.post(path).header("cookie", &cookie).form(&[("csrf", csrf.as_str())]);
    let large = |path| app.post(path).header("content-length", "99999999");
    let cases: [(&str, u16, &str, Ask<'_>); 10] = [
        ("part of the account page", 404, "not_found", Box::new(|| form("/account/nope"))),
        ("part that is no text", 404, "not_found", Box::new(|| form("/account/%FF"))),
        ("demo that is off", 404, "not_found", Box::new(|| app.get("/demo"))),
        ("file", 404, "not_found", Box::new(|| app.get("/assets/nope"))),
        ("file that is no text", 404, "not_found", Box::new(|| app.get("/assets/%FF"))),
        ("page", 404, "not_found", Box::new(|| app.get("/nope"))),
        ("method of a page", 405, "method_not_allowed", Box::new(|| app.post("/demo"))),
        ("method of a form", 405, "method_not_allowed", Box::new(|| app.get("/account/profile"))),
        ("other method", 405, "method_not_allowed", Box::new(|| app.request(Method::PUT, "/login"))),
        ("form that is too large", 413, "invalid_request", Box::new(|| large("/login"))),
    ];
    for (what, status, code, call) in cases {
        let page = (status, "text/html".to_owned(), code.to_owned());
        assert_eq!(answered(call(), "text/html,application/xhtml+xml,*/*;q=0.8").await, page, "{what}");
        for accept in ["*/*", "application/json", "application/json, text/html"] {
            let json = (status, "application/json".to_owned(), String::new());
            assert_eq!(answered(call(), accept).await, json, "{what}: {accept}");
        }
    }
    let token = answered(large("/oauth/token"), "text/html").await;
    assert_eq!((token.0, token.1.as_str()), (413, "application/json"), "clients are told in JSON");
    let refused = large("/login").header("accept", "text/html").await;
    assert!(refused.page().text_of("request-id").len() > 10, "{refused}");
}

#[tokio::test]
async fn without_accounts_there_are_no_pages() {
    let app = TestApp::with(|config| {
        config.auth.enabled = false;
        config.auth.provider.enabled = false;
    })
    .await;
    let large = app.post("/api/admin/auth").header("content-length", "99999999");
    assert_eq!(answered(large, "text/html").await.1, "application/json");
    assert_eq!(answered(app.get("/nope"), "text/html").await.1, "application/json");
}
