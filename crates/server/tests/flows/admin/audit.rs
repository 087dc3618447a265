//! The trail says who did what, and holds no secret.

use ayb_server::admin::password;
use serde_json::{Value, json};

use super::{APPS, CLIENTS, Desk, USERS, client_of, refusal};
use crate::kit::TestApp;
use crate::kit::client::{REDIRECT_URI, SCOPES};
use crate::kit::time::seconds;

const AUDIT: &str = "/api/admin/audit";

/// The trail when everything that is under way is written.
async fn trail(desk: &Desk<'_>, query: &str) -> Value {
    desk.app.app.background.idle().await;
    let reply = desk.get(&format!("{AUDIT}?perPage=100&{query}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

fn events(trail: &Value) -> Vec<&str> {
    trail["items"].as_array().unwrap().iter().rev().map(|entry| entry["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_change_is_noted_with_who_and_from_where() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        let auth = async |password: &str| {
            let reply = app.post("/api/admin/auth").json(&json!({"password": password})).await;
            app.app.background.idle().await;
            app.travel(seconds(1));
            reply
        };
        auth("wrong").await;
        let desk = Desk { app: &app, token: auth(&made).await.member("token") };
        let ada = app.user("ada").await;
        let step = async |reply: crate::kit::Reply| {
            assert!(reply.status.is_success(), "{reply}");
            app.app.background.idle().await;
            app.travel(seconds(1));
            reply
        };
        let shop =
            step(desk.post(APPS, &json!({"name": "Shop", "ownerUserId": ada.id})).await).await.member("id");
        step(desk.put(&format!("{APPS}/{shop}"), &json!({"name": "Store"})).await).await;
        let created = step(desk.post(CLIENTS, &client_of(&shop)).await).await.json();
        let client = created["client"]["clientId"].as_str().unwrap();
        let path = format!("{CLIENTS}/{client}");
        let change = json!({"name": "x", "redirectUris": [REDIRECT_URI], "scopes": SCOPES});
        step(desk.put(&path, &change).await).await;
        let secret =
            step(desk.post(&format!("{path}/rotate-secret"), &json!({})).await).await.member("clientSecret");
        step(desk.delete(&path).await).await;
        let empty =
            step(desk.post(APPS, &json!({"name": "Gone", "ownerUserId": ada.id})).await).await.member("id");
        step(desk.delete(&format!("{APPS}/{empty}")).await).await;
        let user = json!({"email": "bob@example.com", "password": "correct horse"});
        let bob = step(desk.post(USERS, &user).await).await.member("id");
        let bob = format!("{USERS}/{bob}");
        step(desk.put(&bob, &json!({"name": "Bob"})).await).await;
        step(desk.post(&format!("{bob}/disable"), &json!({})).await).await;
        step(desk.post(&format!("{bob}/enable"), &json!({})).await).await;
        step(desk.put(&format!("{bob}/password"), &json!({"password": "battery staple"})).await).await;
        step(desk.delete(&bob).await).await;
        step(desk.post("/api/admin/keys/rotate", &json!({})).await).await;
        let new = json!({"currentPassword": made.as_str(), "newPassword": "a new password"});
        step(desk.put("/api/admin/password", &new).await).await;
        let desk = Desk { app: &app, token: auth("a new password").await.member("token") };
        step(desk.delete("/api/admin/auth").await).await;

        let desk = Desk::at(&app).await;
        let all = trail(&desk, "").await;
        let expected = [
            "admin.sign_in_failed",
            "admin.signed_in",
            "app.created",
            "app.updated",
            "client.created",
            "client.updated",
            "client.secret_rotated",
            "client.revoked",
            "app.created",
            "app.deleted",
            "user.created",
            "user.updated",
            "user.disabled",
            "user.enabled",
            "user.password_set",
            "user.deleted",
            "keys.rotated",
            "admin.password_changed",
            "admin.signed_in",
            "admin.signed_out",
        ];
        assert_eq!(events(&all), expected, "{}", app.kind);
        for entry in all["items"].as_array().unwrap() {
            let by = if entry["event"] == "admin.sign_in_failed" { json!(null) } else { json!("admin") };
            assert_eq!((&entry["actor"], &entry["ip"]), (&by, &json!("198.51.100.7")), "{entry}");
        }
        let text = all.to_string();
        for secret in [&secret, made.as_str(), "correct horse", "battery staple", "a new password", "wrong\""]
        {
            assert!(!text.contains(secret), "{secret}");
        }
        let about = trail(&desk, &format!("clientId={client}")).await;
        let of_client = ["client.created", "client.updated", "client.secret_rotated", "client.revoked"];
        assert_eq!(events(&about), of_client);
    }
}

#[tokio::test]
async fn the_trail_can_be_narrowed() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let mut ids = Vec::new();
        for name in ["ada", "bob"] {
            let body = json!({"email": format!("{name}@example.com"), "password": "correct horse"});
            ids.push(desk.post(USERS, &body).await.member("id"));
            app.travel(seconds(60));
        }
        desk.delete(&format!("{USERS}/{}", ids[0])).await;
        let count = async |query: &str| trail(&desk, query).await["totalItems"].as_u64().unwrap();
        for (query, expected) in [
            (String::new(), 3),
            ("event=user.created".to_owned(), 2),
            (format!("userId={}", ids[0]), 2),
            (format!("userId={}&event=user.deleted", ids[0]), 1),
            ("since=2027-01-15T08:01:00Z".to_owned(), 2),
            ("since=2027-01-15T08:01:00Z&until=2027-01-15T09:02:00%2B01:00".to_owned(), 1),
            ("event=nothing".to_owned(), 0),
        ] {
            assert_eq!(count(&query).await, expected, "{} {query}", app.kind);
        }
        for (query, field) in [
            ("userId=x", "userId"),
            ("clientId=x", "clientId"),
            ("since=x", "since"),
            ("until=2027", "until"),
            ("who=x", ""),
        ] {
            assert_eq!(
                refusal(&desk.get(&format!("{AUDIT}?{query}")).await),
                (400, field.to_owned()),
                "{query}"
            );
        }
    }
}
