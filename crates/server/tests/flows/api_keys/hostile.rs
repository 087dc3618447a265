//! Bodies and credentials that nobody sends by accident.

use serde_json::json;

use super::{ALL, ME, OWN, Signed};
use crate::kit::TestApp;

const JSON: &str = "application/json";

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_in_the_envelope_without_an_echo() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let deep = format!("{{\"name\": {}", "[".repeat(50_000));
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(3 << 20));
    let bodies: &[(&str, &str, &[u16])] = &[
        ("text/plain", r#"{"name": "CANARY"}"#, &[415]),
        ("application/x-www-form-urlencoded", "name=CANARY", &[415]),
        (JSON, "", &[400]),
        (JSON, "CANARY", &[400]),
        (JSON, r#"{"name": "CANARY""#, &[400]),
        (JSON, "{}", &[400]),
        (JSON, "[]", &[422]),
        (JSON, "null", &[422]),
        (JSON, r#"{"name": null}"#, &[422]),
        (JSON, r#"{"name": {"$ne": "CANARY"}}"#, &[422]),
        (JSON, r#"{"name": "a", "name": "CANARY"}"#, &[422]),
        (JSON, r#"{"name": "a", "key": "ayb_CANARY"}"#, &[422]),
        (JSON, r#"{"name": "a", "keyHash": "CANARY"}"#, &[422]),
        (JSON, r#"{"name": "a", "allowedTables": [{"CANARY": 1}]}"#, &[422]),
        (JSON, r#"{"name": "a", "scope": ["*"]}"#, &[422]),
        (JSON, &deep, &[422]),
        (JSON, &large, &[413]),
    ];
    for door in [Signed::as_person(&app, &ada).await, Signed::as_admin(&app).await].iter().zip([OWN, ALL]) {
        let (signed, path) = door;
        for (kind, body, statuses) in bodies {
            let reply = signed.call(http::Method::POST, path).body(kind, body.as_bytes()).await;
            let start: String = body.chars().take(40).collect();
            assert!(statuses.contains(&reply.status.as_u16()), "{path} {start}: {reply}");
            assert_eq!(reply.json()["code"], reply.status.as_u16(), "{path} {start}");
            assert!(!reply.text().contains("CANARY"), "{path} {start}: {reply}");
        }
    }
    assert!(app.db_rows("select id from _ayb_api_keys").await.is_empty());
}

#[tokio::test]
async fn nobody_chooses_whose_key_it_is() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let reply = Signed::as_person(&app, &ada).await.post(OWN, &json!({"name": "x", "userId": bob.id})).await;
    assert_eq!(reply.status, 422, "{reply}");
}

#[tokio::test]
async fn a_body_is_not_looked_at_before_the_caller() {
    let app = TestApp::start().await;
    let key = app.api_key(&app.user("ada").await, |_| {}).await.text;
    for (token, status) in [(key.as_str(), 403), ("noise", 401)] {
        let reply = app.post(OWN).bearer(token).body(JSON, "{").await;
        assert_eq!(reply.status, status, "{reply}");
    }
}

#[tokio::test]
async fn a_key_counts_in_one_header_and_nowhere_else() {
    let app = TestApp::start().await;
    let key = app.api_key(&app.user("ada").await, |_| {}).await.text;
    let bearer = format!("Bearer {key}");
    for (what, reply, status) in [
        ("once", app.get(ME).header("authorization", &bearer).await, 200),
        ("another case", app.get(ME).header("authorization", format!("bEARER {key}")).await, 200),
        ("twice", app.get(ME).header("authorization", &bearer).header("authorization", &bearer).await, 400),
        ("another scheme", app.get(ME).header("authorization", format!("ApiKey {key}")).await, 401),
        ("a header of its own", app.get(ME).header("x-api-key", &key).await, 401),
        ("the query", app.get(&format!("{ME}?access_token={key}&apikey={key}")).await, 401),
        ("a cookie", app.get(ME).header("cookie", format!("__Host-ayb_session={key}")).await, 401),
        ("two words", app.get(ME).header("authorization", format!("{bearer} {key}")).await, 401),
    ] {
        assert_eq!(reply.status, status, "{what}: {reply}");
        assert!(!reply.to_string().contains(&key[4..]), "{what}: {reply}");
    }
}
