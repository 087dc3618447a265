//! Keys and tokens of one app share its limit, and every answer says what is left.

use ayb_protocol::ids::AppId;
use ayb_protocol::time::Seconds;
use ayb_provider::app::RateLimit;

use super::ME;
use crate::kit::client::Client;
use crate::kit::time::seconds;
use crate::kit::{Reply, TestApp};

const INFO: &str = "/oauth/userinfo";

async fn app_of(app: &TestApp, client: &Client) -> AppId {
    app.app.store.client(&client.id).await.unwrap().unwrap().app_id
}

/// Limit, remaining and reset, in both spellings.
fn standing(reply: &Reply) -> [[String; 3]; 2] {
    ["x-app-ratelimit", "ratelimit"].map(|names| {
        ["limit", "remaining", "reset"].map(|name| reply.header(&format!("{names}-{name}")).to_owned())
    })
}

#[tokio::test]
async fn keys_and_tokens_of_one_app_use_up_one_limit() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let limit = RateLimit { requests: 4, window: Seconds(60) };
        let opaque = app.confidential_client().limited(limit).await;
        let of_app = app_of(&app, &opaque).await;
        let token = app.tokens(&opaque, &ada, "openid").await.access;
        let (one, two) = (
            app.api_key(&ada, |key| key.app_id = Some(of_app)).await,
            app.api_key(&ada, |key| key.app_id = Some(of_app)).await,
        );
        let free = app.api_key(&ada, |_| {}).await;
        let now = app.clock.now().as_seconds();
        let calls = [(INFO, &token), (ME, &one.text), (ME, &two.text), (ME, &token)];
        for (used, (path, credential)) in (1..).zip(calls) {
            let reply = app.get(path).bearer(credential).await;
            assert_eq!(reply.status, 200, "{reply}");
            let (left, reset) = ((4 - used).to_string(), 15 * used);
            let expected = [
                ["4".to_owned(), left.clone(), (now + reset).to_string()],
                ["4".to_owned(), left, reset.to_string()],
            ];
            assert_eq!(standing(&reply), expected, "{} call {used}", app.kind);
        }
        for (path, credential) in calls {
            let reply = app.get(path).bearer(credential).await;
            assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "15"), "{reply}");
            assert_eq!(reply.json()["message"], "app rate limit exceeded");
            assert_eq!(standing(&reply)[0][1], "0");
        }
        let reply = app.get(ME).bearer(&free.text).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("x-app-ratelimit-limit")),
            (200, ""),
            "a key without an app"
        );
        let session = app.session_token(&ada).await;
        assert_eq!(app.get(ME).bearer(&session).await.status, 200, "and the person themselves");
        app.travel(seconds(15));
        assert_eq!(app.get(ME).bearer(&one.text).await.status, 200, "{}: one grows back", app.kind);
        assert_eq!(app.get(INFO).bearer(&token).await.status, 429, "and is shared");
    }
}

#[tokio::test]
async fn a_dead_key_uses_nothing_up() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let limit = RateLimit { requests: 1, window: Seconds(60) };
        let client = app.confidential_client().limited(limit).await;
        let of_app = app_of(&app, &client).await;
        let (dead, alive) = (
            app.api_key(&ada, |key| key.app_id = Some(of_app)).await,
            app.api_key(&ada, |key| key.app_id = Some(of_app)).await,
        );
        app.app.store.revoke_api_key(dead.id, None, app.clock.now()).await.unwrap();
        for _ in 0..5 {
            assert_eq!(app.get(ME).bearer(&dead.text).await.status, 401);
        }
        assert_eq!(app.get(ME).bearer(&alive.text).await.status, 200, "{}", app.kind);
    }
}

#[tokio::test]
async fn a_new_limit_of_the_app_holds_for_its_keys_at_once() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let record = app.app.store.app(app_of(&app, &client).await).await.unwrap().unwrap();
        let key = app.api_key(&ada, |key| key.app_id = Some(record.id)).await;
        for _ in 0..3 {
            assert_eq!(app.get(ME).bearer(&key.text).await.status, 200);
        }
        let rate_limit = RateLimit { requests: 1, window: Seconds(60) };
        app.app.store.update_app(&ayb_provider::app::AppRecord { rate_limit, ..record }).await.unwrap();
        assert_eq!(app.get(ME).bearer(&key.text).await.status, 200);
        assert_eq!(app.get(ME).bearer(&key.text).await.status, 429, "{}", app.kind);
    }
}
