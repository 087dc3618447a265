//! Limits, each counted by itself: whoever guesses is slowed down, and nobody else is.

use ayb_protocol::time::Seconds;
use ayb_provider::app::RateLimit;

use crate::kit::client::Client;
use crate::kit::time::{minutes, seconds};
use crate::kit::{Call, Reply, TestApp};

const OTHER: &str = "203.0.113.9";

fn machine(app: &TestApp, client: &Client) -> Call {
    app.token_request(client, &[("grant_type", "client_credentials"), ("scope", "readonly")])
}

fn wrong(client: &Client) -> Client {
    Client { secret: Some("wrong".to_owned()), ..client.clone() }
}

fn is_limited(reply: &Reply, case: &str) {
    assert_eq!(reply.status, 429, "{case}: {reply}");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{case}: {wait}");
}

#[tokio::test]
async fn the_sign_in_limit_does_not_touch_machines() {
    let app = TestApp::with(|config| config.auth.rate_limit = 3).await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.browser();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        browser.visit("/login").await;
        browser.fill("email", &ada.email).fill("password", "wrong").submit("login-submit").await;
        statuses.push(browser.status());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    is_limited(browser.reply(), "sign-in");
    assert_eq!(browser.page().text_of("error-code"), "temporarily_unavailable");
    for _ in 0..20 {
        assert_eq!(machine(&app, &client).await.status, 200, "the token endpoint of the same address");
    }
    let mut elsewhere = app.browser().at(OTHER);
    elsewhere.sign_in(&ada).await;
    assert!(elsewhere.session().is_some(), "another address: {}", elsewhere.reply());
    app.travel(minutes(1));
    browser.visit("/login").await;
    browser.sign_in(&ada).await;
    assert!(browser.session().is_some(), "a minute later: {}", browser.reply());
}

#[tokio::test]
async fn the_right_password_does_not_help_whoever_has_guessed_too_often() {
    let app = TestApp::with(|config| config.auth.rate_limit = 3).await;
    let ada = app.user("ada").await;
    let mut browser = app.browser();
    for _ in 0..3 {
        browser.visit("/login").await;
        browser.fill("email", &ada.email).fill("password", "wrong").submit("login-submit").await;
    }
    browser.visit("/login").await;
    browser.sign_in(&ada).await;
    assert_eq!((browser.status(), browser.session()), (429, None));
}

#[tokio::test]
async fn whoever_guesses_client_secrets_is_slowed_down_and_nobody_else() {
    let app = TestApp::with(|config| config.auth.provider.token_failure_limit = 3).await;
    let (victim, neighbour) = (app.confidential_client().await, app.confidential_client().await);
    for path in ["/oauth/token", "/api/auth/revoke", "/api/auth/token"] {
        let reply = app.client_post(
            path,
            &wrong(&victim),
            &[("grant_type", "refresh_token"), ("refresh_token", "x"), ("token", "x")],
        );
        assert_eq!(reply.await.status, 401, "{path}");
    }
    is_limited(&machine(&app, &wrong(&victim)).await, "the same address");
    assert_eq!(machine(&app, &wrong(&victim)).await.error(), "temporarily_unavailable");
    for client in [&victim, &neighbour] {
        assert_eq!(machine(&app, client).await.status, 200, "whoever proves themselves is not counted");
    }
    assert_eq!(machine(&app, &wrong(&victim)).from(OTHER).await.status, 401, "another address");
    app.travel(minutes(1));
    assert_eq!(machine(&app, &wrong(&victim)).await.status, 401, "a minute later");
}

#[tokio::test]
async fn a_client_has_its_own_limit_wherever_it_calls_from() {
    let app = TestApp::with(|config| config.auth.provider.client_rate_limit = 3).await;
    let (busy, quiet) = (app.confidential_client().await, app.confidential_client().await);
    for address in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        assert_eq!(machine(&app, &busy).from(address).await.status, 200);
    }
    is_limited(&machine(&app, &busy).from("198.51.100.4").await, "the fourth");
    is_limited(&app.revoke(&busy, "x").await, "revocation too");
    assert_eq!(machine(&app, &quiet).await.status, 200, "another client");
    for _ in 0..10 {
        assert_eq!(machine(&app, &wrong(&quiet)).await.status, 401);
    }
    assert_eq!(machine(&app, &quiet).await.status, 200, "strangers cannot use up somebody's limit");
    app.travel(minutes(1));
    assert_eq!(machine(&app, &busy).await.status, 200);
}

#[tokio::test]
async fn nobody_uses_up_the_limit_of_a_public_client_for_others() {
    let app = TestApp::with(|config| config.auth.provider.client_rate_limit = 3).await;
    let client = app.public_client().await;
    for _ in 0..3 {
        assert_eq!(app.revoke(&client, "x").from("198.51.100.1").await.status, 200);
    }
    is_limited(&app.revoke(&client, "x").from("198.51.100.1").await, "that address");
    assert_eq!(app.revoke(&client, "x").from("198.51.100.2").await.status, 200, "another address");
}

#[tokio::test]
async fn an_app_limit_reaches_every_token_of_its_clients() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let limit = RateLimit { requests: 2, window: Seconds(60) };
        let jwt =
            app.confidential_client().limited(limit).with(|draft| draft.token_format = Some("jwt".into()));
        for client in [app.confidential_client().limited(limit).await, jwt.await] {
            let (first, second) =
                (app.tokens(&client, &ada, "openid").await, app.tokens(&client, &ada, "openid").await);
            assert_eq!((app.userinfo(&first.access).await, app.userinfo(&second.access).await), (200, 200));
            for token in [&first, &second] {
                let reply = app.get("/oauth/userinfo").bearer(&token.access).await;
                is_limited(&reply, "the third call of the app");
                assert_eq!(reply.json()["message"], "app rate limit exceeded", "{reply}");
                assert_eq!(reply.header("x-app-ratelimit-limit"), "2", "{reply}");
                assert_eq!(reply.header("x-app-ratelimit-remaining"), "0");
                let whole = app.clock.now().plus(limit.window).as_seconds();
                assert_eq!(reply.header("x-app-ratelimit-reset"), whole.to_string());
                assert_eq!(reply.header("retry-after"), "30", "one of two in a minute grows back");
            }
            assert_eq!(app.get("/oauth/userinfo").bearer("noise").await.status, 401, "noise uses nothing up");
            app.travel(seconds(60));
            assert_eq!(app.userinfo(&first.access).await, 200, "the next window");
        }
        let free = app.tokens(&app.confidential_client().await, &ada, "openid").await;
        for _ in 0..10 {
            assert_eq!(app.userinfo(&free.access).await, 200, "an app without a limit");
        }
    }
}
