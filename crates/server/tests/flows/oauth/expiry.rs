//! What has an end ends with its last second: codes, tokens, sessions.

use crate::kit::time::{days, minutes, seconds};
use crate::kit::{TestApp, Tokens};

#[tokio::test]
async fn an_access_token_lives_its_hour_and_no_second_more() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        for client in [app.confidential_client().await, jwt] {
            let tokens = app.tokens(&client, &ada, "openid").await;
            app.travel(seconds(3599));
            assert_eq!(app.userinfo(&tokens.access).await, 200);
            app.travel(seconds(1));
            let reply = app.get("/oauth/userinfo").bearer(&tokens.access).await;
            assert_eq!(reply.verdict(), (401, "invalid_token".to_owned()));
            assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""));
            let next = Tokens::of(&app.refresh(&client, tokens.refresh()).await);
            assert_eq!(app.userinfo(&next.access).await, 200);
        }
    }
}

#[tokio::test]
async fn a_browser_session_ends_after_its_week() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        app.code_in(&mut browser, &client, "openid", &[]).await;
        app.travel(seconds(7 * 86_400 - 1));
        browser.visit(&client.authorize("openid", &[])).await;
        assert_eq!(browser.answer().get("code").len(), 64);
        app.travel(seconds(1));
        browser.visit(&client.authorize("openid", &[])).await;
        assert!(browser.url.starts_with("/login"), "{}", browser.url);
    }
}

#[tokio::test]
async fn a_session_token_lives_its_minutes() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let session = app.session_token(&ada).await;
    let ask = || app.get(&client.authorize("openid", &[])).bearer(&session).accept_json();
    app.travel(seconds(899));
    assert_eq!(ask().await.status, 200);
    app.travel(seconds(1));
    assert_eq!(ask().await.status, 401);
}

#[tokio::test]
async fn a_clock_that_jumps_back_revives_nothing_that_was_revoked_or_used() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let code = app.authorize_code(&client, &ada, "openid").await;
        let tokens = Tokens::of(&app.redeem(&client, &code).await);
        let other = app.tokens(&client, &ada, "openid").await;
        app.travel(minutes(5));
        app.revoke(&client, &other.access).await;
        let now = app.clock.now();
        app.clock.set(ayb_protocol::time::Timestamp::from_seconds(now.as_seconds() - 600));
        assert_eq!(app.userinfo(&other.access).await, 401);
        assert_eq!(app.redeem(&client, &code).await.error(), "invalid_grant");
        app.clock.set(now);
        assert_eq!(app.userinfo(&tokens.access).await, 401, "the replay counted");
        app.travel(days(1));
    }
}
