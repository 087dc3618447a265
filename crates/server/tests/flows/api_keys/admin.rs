//! The administrator makes, sees and revokes the keys of everybody.

use serde_json::{Value, json};

use super::{ALL, ME, Signed};
use crate::kit::{Reply, TestApp};

fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.json()["data"]["field"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_key_is_made_for_somebody_listed_and_revoked() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let admin = Signed::as_admin(&app).await;
        let shop = admin.post("/api/admin/apps", &json!({"name": "Shop"})).await.member("id");
        let body = json!({
            "userId": ada.id, "name": "Import", "scope": "*", "allowedTables": ["notes"], "appId": shop,
            "expiresAt": "2030-01-01T00:00:00Z"
        });
        let made = admin.post(ALL, &body).await;
        assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"), "{made}");
        let (key, shown) = (made.member("key"), made.json()["apiKey"].clone());
        let expected = json!({
            "id": shown["id"], "userId": ada.id, "name": "Import", "keyPrefix": &key[..12], "scope": "*",
            "allowedTables": ["notes"], "appId": shop, "createdAt": "2027-01-15T08:00:00.000Z",
            "expiresAt": "2030-01-01T00:00:00.000Z", "lastUsedAt": null, "revokedAt": null
        });
        assert_eq!(shown, expected, "{}", app.kind);
        assert_eq!(app.get(ME).bearer(&key).await.member("id"), ada.id.to_string());
        app.travel(crate::kit::time::seconds(1));
        let other = admin.post(ALL, &json!({"userId": bob.id, "name": "Other"})).await;
        assert_eq!(other.status, 201, "{other}");
        let listed = async |query: &str| -> Value { admin.get(&format!("{ALL}{query}")).await.json() };
        assert_eq!(listed(&format!("?userId={}", ada.id)).await["items"], json!([expected]));
        let page = listed("?perPage=1&page=2").await;
        assert_eq!(
            (&page["items"], &page["totalItems"], &page["totalPages"]),
            (&json!([expected]), &json!(2), &json!(2))
        );
        let path = format!("{ALL}/{}", shown["id"].as_str().unwrap());
        assert_eq!(admin.delete(&path).await.status, 204);
        assert_eq!(app.get(ME).bearer(&key).await.status, 401, "{}: dead at once", app.kind);
        assert_eq!(app.get(ME).bearer(&other.member("key")).await.status, 200, "and no other");
        assert_eq!(refusal(&admin.delete(&path).await), (404, String::new()));
        assert_eq!(refusal(&admin.delete(&format!("{ALL}/x")).await), (404, String::new()));
    }
}

#[tokio::test]
async fn each_member_that_breaks_a_rule_is_named() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let admin = Signed::as_admin(&app).await;
        let nobody = uuid::Uuid::nil();
        for (member, value, status) in [
            ("userId", json!(""), 400),
            ("userId", json!("x"), 400),
            ("userId", json!(nobody), 400),
            ("userId", json!(1), 422),
            ("name", json!(""), 400),
            ("name", json!("x".repeat(101)), 400),
            ("name", json!("a\u{0}b"), 400),
            ("scope", json!("openid"), 400),
            ("scope", json!("readonly *"), 400),
            ("allowedTables", json!([""]), 400),
            ("allowedTables", json!(["a\"b"]), 400),
            ("allowedTables", json!(["x".repeat(129)]), 400),
            ("allowedTables", json!("notes"), 422),
            ("appId", json!("x"), 400),
            ("appId", json!(nobody), 400),
            ("expiresAt", json!("tomorrow"), 400),
            ("expiresAt", json!("2027-01-15T08:00:00Z"), 400),
            ("expiresAt", json!("1969-01-01T00:00:00Z"), 400),
            ("expiresAt", json!("+999999999-01-01T00:00:00Z"), 400),
            ("expiresAt", json!(1_900_000_000), 422),
            ("CANARY", json!(true), 422),
        ] {
            let mut body = json!({"userId": ada.id, "name": "x"});
            body[member] = value.clone();
            let reply = admin.post(ALL, &body).await;
            assert_eq!(reply.status, status, "{member} {value}: {reply}");
            if status == 400 {
                assert_eq!(refusal(&reply).1, member, "{value}: {reply}");
            }
            assert!(!reply.text().contains("CANARY"), "{reply}");
        }
        assert!(app.db_rows("select id from _ayb_api_keys").await.is_empty(), "{}", app.kind);
        assert_eq!(refusal(&admin.get(&format!("{ALL}?userId=x")).await), (400, "userId".to_owned()));
    }
}

#[tokio::test]
async fn an_app_with_keys_stays_until_they_are_gone() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let admin = Signed::as_admin(&app).await;
        let shop = admin.post("/api/admin/apps", &json!({"name": "Shop"})).await.member("id");
        let path = format!("/api/admin/apps/{shop}");
        let made = admin.post(ALL, &json!({"userId": ada.id, "name": "x", "appId": shop})).await;
        let refused = admin.delete(&path).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["data"]),
            (409, &json!({"clients": 0, "apiKeys": 1})),
            "{refused}"
        );
        assert_eq!(
            app.get(ME).bearer(&made.member("key")).await.status,
            200,
            "{}: the key is no orphan",
            app.kind
        );
        admin.delete(&format!("{ALL}/{}", made.json()["apiKey"]["id"].as_str().unwrap())).await;
        assert_eq!(admin.delete(&path).await.status, 409, "a revoked key counts while it is there");
        let day = app.clock.now().plus(crate::kit::time::days(2));
        app.app.store.purge(day, 400, &mut ayb_store::Sweep::default()).await.unwrap();
        let admin = Signed::as_admin(&app).await;
        assert_eq!(admin.delete(&path).await.status, 204, "{}", app.kind);
    }
}

#[tokio::test]
async fn what_is_done_with_keys_is_noted_without_the_key() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (admin, signed) = (Signed::as_admin(&app).await, Signed::as_person(&app, &ada).await);
        let mut keys = Vec::new();
        for (by, path, body) in [
            (&admin, ALL, json!({"userId": ada.id, "name": "x"})),
            (&signed, super::OWN, json!({"name": "y"})),
        ] {
            let made = by.post(path, &body).await;
            keys.push(made.member("key"));
            app.app.background.idle().await;
            app.travel(crate::kit::time::seconds(1));
            by.delete(&format!("{path}/{}", made.json()["apiKey"]["id"].as_str().unwrap())).await;
            app.app.background.idle().await;
            app.travel(crate::kit::time::seconds(1));
        }
        let trail = admin.get("/api/admin/audit").await;
        let entries: Vec<(String, String)> = trail.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|entry| {
                (entry["event"].as_str().unwrap().to_owned(), entry["actor"].as_str().unwrap().to_owned())
            })
            .filter(|(event, _)| event.starts_with("api_key."))
            .collect();
        let entry = |event: &str, actor: &str| (event.to_owned(), actor.to_owned());
        let own = ada.id.to_string();
        assert_eq!(
            entries,
            [
                entry("api_key.created", "admin"),
                entry("api_key.revoked", "admin"),
                entry("api_key.created", &own),
                entry("api_key.revoked", &own),
            ]
        );
        for key in keys {
            assert!(!trail.text().contains(&key[12..]), "{}", app.kind);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_our_fault_at_every_door_about_keys() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let key = app.api_key(&ada, |_| {}).await;
        let (admin, signed) = (Signed::as_admin(&app).await, Signed::as_person(&app, &ada).await);
        app.db_rows("alter table _ayb_api_keys rename to moved_away").await;
        for (what, reply) in [
            ("the key itself", app.get(ME).bearer(&key.text).await),
            ("list", admin.get(ALL).await),
            ("create", admin.post(ALL, &json!({"userId": ada.id, "name": "x"})).await),
            ("revoke", admin.delete(&format!("{ALL}/{}", key.id)).await),
            ("own list", signed.get(super::OWN).await),
            ("own create", signed.post(super::OWN, &json!({"name": "x"})).await),
            ("own revoke", signed.delete(&format!("{}/{}", super::OWN, key.id)).await),
        ] {
            assert!(reply.status.is_server_error(), "{what}: {reply}");
            assert!(
                !reply.text().contains("_ayb_") && reply.header("www-authenticate").is_empty(),
                "{what}: {reply}"
            );
        }
        app.db_rows("alter table moved_away rename to _ayb_api_keys").await;
        assert_eq!(app.get(ME).bearer(&key.text).await.status, 200, "{}: it recovers", app.kind);
    }
}
