//! The clock of the machine jumps: nothing panics, tokens die when they should, and a refresh token is still used once.

use ayb_protocol::time::{Seconds, Timestamp};

use crate::kit::client::Tokens;
use crate::kit::time::{START, days, hours, minutes};
use crate::kit::{Client, Person, TestApp};

fn before(distance: Seconds) -> Timestamp {
    Timestamp::from_seconds(START.as_seconds() - i64::try_from(distance.0).unwrap())
}

/// One rotation succeeds, the next use of the same token is a replay that ends the grant.
async fn assert_single_use(app: &TestApp, client: &Client, tokens: &Tokens) {
    let next = Tokens::of(&app.refresh(client, tokens.refresh()).await);
    assert_eq!(app.userinfo(&next.access).await, 200);
    let replay = app.refresh(client, tokens.refresh()).await;
    assert_eq!(replay.verdict(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.userinfo(&next.access).await, 401);
    assert_eq!(app.refresh(client, next.refresh()).await.verdict(), (400, "invalid_grant".to_owned()));
}

async fn start() -> Vec<(TestApp, Person, Client)> {
    let mut all = Vec::new();
    for app in TestApp::everywhere().await {
        let (person, client) = (app.user("ada").await, app.confidential_client().await);
        all.push((app, person, client));
    }
    all
}

#[tokio::test]
async fn a_clock_that_jumps_back_an_hour_kills_nothing_and_revives_nothing() {
    for (app, person, client) in start().await {
        let tokens = app.tokens(&client, &person, "openid readonly").await;
        let dead = app.tokens(&client, &person, "openid readonly").await;
        assert_eq!(app.revoke(&client, dead.refresh()).await.status, 200);
        let code = app.authorize_code(&client, &person, "openid readonly").await;
        app.clock.set(before(hours(1)));

        assert_eq!(app.userinfo(&tokens.access).await, 200);
        assert_eq!(app.userinfo(&dead.access).await, 401);
        assert_eq!(app.refresh(&client, dead.refresh()).await.status, 400);
        Tokens::of(&app.redeem(&client, &code).await);
        assert_eq!(app.redeem(&client, &code).await.verdict(), (400, "invalid_grant".to_owned()));
        assert_single_use(&app, &client, &tokens).await;
        // Everything can be begun anew in the hour that comes a second time, and lasts as long as ever.
        let fresh = app.tokens(&client, &person, "openid readonly").await;
        app.travel(minutes(59));
        assert_eq!(app.userinfo(&fresh.access).await, 200);
        app.travel(minutes(1));
        assert_eq!(app.userinfo(&fresh.access).await, 401);
        assert_single_use(&app, &client, &fresh).await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_forward_forty_days_ends_what_has_an_end() {
    for (app, person, client) in start().await {
        let tokens = app.tokens(&client, &person, "openid readonly").await;
        let mut browser = app.signed_in(&person).await;
        let code = app.code_in(&mut browser, &client, "openid readonly", &[]).await;
        app.travel(days(40));

        assert_eq!(app.userinfo(&tokens.access).await, 401);
        for refused in [app.refresh(&client, tokens.refresh()).await, app.redeem(&client, &code).await] {
            assert_eq!(refused.verdict(), (400, "invalid_grant".to_owned()));
        }
        browser.visit(&client.authorize("openid readonly", &[])).await;
        assert!(browser.away.is_none() && browser.url.starts_with("/login"), "{}", browser.url);
        let fresh = app.tokens(&client, &person, "openid readonly").await;
        assert_eq!(app.userinfo(&fresh.access).await, 200);
        assert_single_use(&app, &client, &fresh).await;
        // And back again: what has expired was not deleted by the visit to the future, so it lives until its time.
        let kept = app.tokens(&client, &person, "openid readonly").await;
        app.clock.set(START);
        assert_eq!(app.userinfo(&kept.access).await, 200);
        assert_single_use(&app, &client, &kept).await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_keeps_a_client_out_for_a_window_at_most() {
    let app = TestApp::with(|config| config.auth.provider.client_rate_limit = 3).await;
    let client = app.confidential_client().await;
    let pairs = [("grant_type", "client_credentials"), ("scope", "readonly")];
    let ask = async || app.token_request(&client, &pairs).await.status.as_u16();
    for expected in [200, 200, 200, 429] {
        assert_eq!(ask().await, expected);
    }
    app.clock.set(before(hours(1)));
    let _either = ask().await;
    app.travel(minutes(1));
    assert_eq!(ask().await, 200, "nobody waits for longer than the window");
}

#[tokio::test]
async fn a_clock_before_its_epoch_is_no_panic() {
    for (app, person, client) in start().await {
        let tokens = app.tokens(&client, &person, "openid readonly").await;
        for moment in [-1, 0, -86_400 * 365 * 100, 86_400 * 365 * 500] {
            app.clock.set(Timestamp::from_seconds(moment));
            for path in ["/health/live", "/health/ready", "/jwks.json", "/login"] {
                assert_ne!(app.get(path).await.status, 500, "{path} at {moment}");
            }
            let pairs = [("grant_type", "client_credentials"), ("scope", "readonly")];
            assert_ne!(app.token_request(&client, &pairs).await.status, 500, "at {moment}");
            assert_ne!(app.userinfo(&tokens.access).await, 500, "at {moment}");
        }
        app.clock.set(START);
        assert_eq!(app.userinfo(&tokens.access).await, 200);
        assert_single_use(&app, &client, &tokens).await;
    }
}
