//! HEAD has no effect where GET has one (RFC 9110 §9.2.1).

use http::Method;

use super::logout::{AFTER, scenes};
use crate::kit::client::query;

#[tokio::test]
async fn asking_for_the_head_signs_nobody_out() {
    for mut scene in scenes("openid").await {
        let hint = scene.tokens.id_token.clone().unwrap();
        let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", AFTER.to_owned())];
        let query = query(&pairs.map(|(name, value)| (name.to_owned(), value)));
        for path in ["/oauth/logout", "/logout"] {
            let head = scene.app.request(Method::HEAD, &format!("{path}?{query}"));
            let reply = head.header("cookie", scene.browser.cookie_header()).await;
            assert_eq!((reply.status.as_u16(), reply.header("set-cookie")), (200, ""), "{path}: {reply}");
            assert_eq!(scene.app.userinfo(&scene.tokens.access).await, 200, "{path}");
        }
        scene.browser.visit("/account").await;
        assert_eq!(scene.browser.url, "/account", "{}: still signed in", scene.app.kind);
        scene.browser.visit(&format!("/oauth/logout?{query}")).await;
        assert_eq!(scene.browser.away.as_deref(), Some(AFTER), "GET signs out as before");
    }
}

#[tokio::test]
async fn asking_for_the_head_gives_no_code() {
    for mut scene in scenes("openid").await {
        let address = scene.client.authorize("openid", &[]);
        let codes = "select * from _ayb_oauth_authorization_codes";
        let before = scene.app.db_rows(codes).await.len();
        for path in [address.clone(), address.replace("/oauth/authorize", "/api/auth/authorize")] {
            let head = scene.app.request(Method::HEAD, &path).header("cookie", scene.browser.cookie_header());
            let reply = head.await;
            assert_eq!((reply.status.as_u16(), reply.location()), (200, ""), "{path}: {reply}");
        }
        assert_eq!(scene.app.db_rows(codes).await.len(), before, "{}", scene.app.kind);
        scene.browser.visit(&address).await;
        assert!(!scene.browser.answer().get("code").is_empty(), "GET gives one as before");
    }
}
