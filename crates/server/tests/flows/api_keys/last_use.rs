//! When a key was last used is written beside the requests, now and then.

use ayb_testkit::rows::TextRow;

use super::{ME, OWN, Signed};
use crate::kit::TestApp;
use crate::kit::time::seconds;

async fn written(app: &TestApp) -> Vec<TextRow> {
    app.db_rows("select last_used_at from _ayb_api_keys where last_used_at is not null").await
}

#[tokio::test]
async fn the_last_use_is_written_in_batches_and_never_by_the_request() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let signed = Signed::as_person(&app, &ada).await;
        let mut keys = Vec::new();
        for _ in 0..3 {
            keys.push(app.api_key(&ada, |_| {}).await);
            app.travel(seconds(1));
        }
        for key in &keys[..2] {
            assert_eq!(app.get(ME).bearer(&key.text).await.status, 200);
        }
        assert!(written(&app).await.is_empty(), "{}: the request writes nothing", app.kind);
        app.app.key_use.write(&app.app.store).await;
        let shown = signed.get(OWN).await.json();
        let used: Vec<_> =
            shown["items"].as_array().unwrap().iter().map(|key| key["lastUsedAt"].as_str()).collect();
        let then = Some("2027-01-15T08:00:03.000Z");
        assert_eq!(used, [None, then, then], "{}: newest first", app.kind);
    }
}

#[tokio::test]
async fn a_busy_key_costs_one_write_a_minute() {
    for app in TestApp::everywhere().await {
        let key = app.api_key(&app.user("ada").await, |_| {}).await;
        let mut seen = Vec::new();
        for _ in 0..13 {
            assert_eq!(app.get(ME).bearer(&key.text).await.status, 200);
            app.app.key_use.write(&app.app.store).await;
            seen.extend(written(&app).await);
            app.travel(seconds(10));
        }
        seen.dedup();
        assert_eq!(seen.len(), 3, "{}: at 0, 60 and 120 seconds: {seen:?}", app.kind);
    }
}

#[tokio::test]
async fn a_use_that_could_not_be_written_is_written_later() {
    for app in TestApp::everywhere().await {
        let key = app.api_key(&app.user("ada").await, |_| {}).await;
        app.get(ME).bearer(&key.text).await;
        app.db_rows("alter table _ayb_api_keys rename to moved_away").await;
        app.app.key_use.write(&app.app.store).await;
        app.db_rows("alter table moved_away rename to _ayb_api_keys").await;
        assert!(written(&app).await.is_empty());
        app.app.key_use.write(&app.app.store).await;
        assert_eq!(written(&app).await.len(), 1, "{}", app.kind);
    }
}

#[tokio::test]
async fn a_dead_key_is_not_used() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let key = app.api_key(&ada, |_| {}).await;
        app.app.store.revoke_api_key(key.id, None, app.clock.now()).await.unwrap();
        assert_eq!(app.get(ME).bearer(&key.text).await.status, 401);
        app.app.key_use.write(&app.app.store).await;
        assert!(written(&app).await.is_empty(), "{}", app.kind);
    }
}
