//! A store that fails is our fault: 5xx, never 4xx, and never a success that did not happen.

use http::Method;
use serde_json::json;

use super::{APPS, CLIENTS, Desk, USERS, client_of};
use crate::kit::client::REDIRECT_URI;
use crate::kit::{Reply, TestApp};

#[track_caller]
fn assert_our_fault(what: &str, reply: &Reply) {
    assert!(reply.status.is_server_error(), "{what}: {reply}");
    assert_eq!(reply.json()["code"], reply.status.as_u16(), "{what}");
    assert!(!reply.text().contains("_ayb_"), "{what}: tables are nobody's business: {reply}");
}

/// Moves a table away, so that every statement about it fails.
async fn break_table(app: &TestApp, table: &str) {
    app.db_rows(&format!("alter table {table} rename to moved_away")).await;
}

async fn repair_table(app: &TestApp, table: &str) {
    app.db_rows(&format!("alter table moved_away rename to {table}")).await;
}

#[tokio::test]
async fn doors_about_clients_answer_5xx_when_the_store_fails() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let body = client_of(&desk.new_app("shop").await);
        let (id, _) = desk.new_client(&body).await;
        let path = format!("{CLIENTS}/{id}");
        let change = json!({"name": "x", "redirectUris": [REDIRECT_URI], "scopes": ["*"]});
        break_table(&app, "_ayb_oauth_clients").await;
        assert_our_fault("list", &desk.get(CLIENTS).await);
        assert_our_fault("get", &desk.get(&path).await);
        assert_our_fault("create", &desk.post(CLIENTS, &body).await);
        assert_our_fault("update", &desk.put(&path, &change).await);
        assert_our_fault("rotate", &desk.post(&format!("{path}/rotate-secret"), &json!({})).await);
        assert_our_fault("revoke", &desk.delete(&path).await);
        repair_table(&app, "_ayb_oauth_clients").await;
        assert_eq!(desk.get(&path).await.json()["revokedAt"], json!(null), "{}: it recovers", app.kind);
    }
}

#[tokio::test]
async fn doors_about_apps_and_users_answer_5xx_when_the_store_fails() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await.id;
        let shop = desk.new_app("shop").await;
        for (table, list, path, body) in [
            ("_ayb_apps", APPS, format!("{APPS}/{shop}"), json!({"name": "x", "ownerUserId": ada})),
            (
                "_ayb_users",
                USERS,
                format!("{USERS}/{ada}"),
                json!({"email": "x@example.com", "password": "12345678"}),
            ),
        ] {
            break_table(&app, table).await;
            assert_our_fault("list", &desk.get(list).await);
            assert_our_fault("get", &desk.get(&path).await);
            assert_our_fault("create", &desk.post(list, &body).await);
            assert_our_fault("update", &desk.put(&path, &json!({"name": "x"})).await);
            assert_our_fault("delete", &desk.delete(&path).await);
            repair_table(&app, table).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_is_neither_good_nor_bad() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        break_table(&app, "_ayb_sessions").await;
        for (method, path) in [(Method::GET, CLIENTS), (Method::DELETE, "/api/admin/auth")] {
            let reply = desk.call(method, path).await;
            assert_our_fault(path, &reply);
            assert!(!reply.headers.contains_key("www-authenticate"), "{reply}");
        }
    }
}
