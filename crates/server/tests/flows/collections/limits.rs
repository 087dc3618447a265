//! What keeps a caller from asking too often.

use super::everywhere;
use crate::kit::time::minutes;
use crate::kit::{Call, Reply};

const OTHER: &str = "203.0.113.77";

fn is_limited(reply: &Reply, why: &str) {
    assert_eq!(reply.status, 429, "{why}: {reply}");
    assert!((1..=60).contains(&reply.header("retry-after").parse().unwrap()), "{why}: {reply}");
}

#[tokio::test]
async fn whoever_guesses_credentials_is_slowed_down_and_good_credentials_never_are() {
    for library in everywhere().await {
        let app = library.app.twin(|config| config.auth.provider.token_failure_limit = 3).await;
        let key = app.api_key(&library.ada, |_| {}).await.text;
        let client = app.confidential_client().await;
        let dead = app.tokens(&client, &library.ada, "readonly").await.access;
        app.travel(minutes(61));
        let token = app.tokens(&client, &library.ada, "readonly").await.access;
        let ask = |token: &str| -> Call { app.get("/api/collections/authors").bearer(token) };
        let unknown = format!("{}{}", &key[..key.len() - 4], "0000");
        for bogus in [unknown.as_str(), "noise", &dead] {
            assert_eq!(ask(bogus).await.status, 401, "{bogus}");
        }
        is_limited(&ask(&unknown).await, "the same address");
        is_limited(&app.get("/oauth/userinfo").bearer("noise").await, "at another door");
        for good in [&key, &token] {
            assert_eq!(ask(good).await.status, 200, "whoever proves themselves is not counted");
        }
        assert_eq!(app.get("/api/collections/authors").await.status, 401, "nothing was tried");
        assert_eq!(ask(&unknown).from(OTHER).await.status, 401, "another address");
        app.travel(minutes(1));
        assert_eq!(ask(&unknown).await.status, 401, "a minute later");
    }
}

#[tokio::test]
async fn a_client_has_its_own_limit_at_the_tables_and_can_still_get_tokens() {
    for library in everywhere().await {
        let app = library.app.twin(|config| config.auth.provider.client_rate_limit = 3).await;
        let (busy, quiet) = (app.confidential_client().await, app.confidential_client().await);
        let of_busy = app.tokens(&busy, &library.ada, "readonly").await.access;
        let other_of_busy = app.tokens(&busy, &library.ada, "readonly").await.access;
        let of_quiet = app.tokens(&quiet, &library.ada, "readonly").await.access;
        let key = app.api_key(&library.ada, |_| {}).await.text;
        let ask = |token: &str| -> Call { app.get("/api/collections/authors").bearer(token) };
        for (token, address) in [(&of_busy, "198.51.100.1"), (&other_of_busy, OTHER), (&of_busy, OTHER)] {
            assert_eq!(ask(token).from(address).await.status, 200);
        }
        let refused = ask(&other_of_busy).from("198.51.100.4").await;
        is_limited(&refused, "the fourth, whichever token and address");
        assert_eq!(
            (refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")),
            ("3", "0")
        );
        for other in [&of_quiet, &key, &library.token] {
            assert_eq!(ask(other).await.status, 200, "another client, and none");
        }
        let _third_of_three = app.tokens(&busy, &library.ada, "readonly").await;
        app.travel(minutes(1));
        assert_eq!(ask(&of_busy).await.status, 200);
    }
}
