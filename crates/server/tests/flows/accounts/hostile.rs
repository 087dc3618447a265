//! Bodies that nobody sends by accident.

use serde_json::json;

use super::{FORGOT, LOGIN, LOGOUT, REFRESH, REGISTER, RESET, VERIFY, envelope};
use crate::kit::TestApp;

const JSON: &str = "application/json";

/// Each endpoint, and a member of its body.
const DOORS: [(&str, &str); 7] = [
    (REGISTER, "email"),
    (LOGIN, "email"),
    (REFRESH, "refreshToken"),
    (LOGOUT, "refreshToken"),
    (FORGOT, "email"),
    (RESET, "token"),
    (VERIFY, "token"),
];

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_in_the_envelope_without_an_echo() {
    let app = TestApp::start().await;
    let deep = format!("{{\"MEMBER\": {}", "[".repeat(50_000));
    let large = format!("{{\"MEMBER\": \"{}\"}}", "x".repeat(3 << 20));
    let bodies: &[(&str, &str, u16)] = &[
        ("text/plain", r#"{"MEMBER": "CANARY"}"#, 415),
        ("application/x-www-form-urlencoded", "MEMBER=CANARY", 415),
        (JSON, "", 400),
        (JSON, "CANARY", 400),
        (JSON, r#"{"MEMBER": "CANARY""#, 400),
        (JSON, "{}", 422),
        (JSON, "[]", 422),
        (JSON, "null", 422),
        (JSON, r#"{"MEMBER": null}"#, 422),
        (JSON, r#"{"MEMBER": {"$ne": "CANARY"}}"#, 422),
        (JSON, r#"{"MEMBER": ["CANARY"]}"#, 422),
        (JSON, r#"{"MEMBER": 1}"#, 422),
        (JSON, r#"{"CANARY": true}"#, 422),
        (JSON, &deep, 422),
        (JSON, &large, 413),
    ];
    for (path, member) in DOORS {
        for (kind, body, status) in bodies {
            let reply = app.post(path).body(kind, body.replacen("MEMBER", member, 1)).await;
            let start: String = body.chars().take(40).collect();
            assert_eq!(envelope(&reply).0, *status, "{path} {start}: {reply}");
            assert!(!reply.text().contains("CANARY"), "{path} {start}: {reply}");
        }
    }
    assert_eq!(app.db_rows("select id from _ayb_users").await.len(), 0);
}

#[tokio::test]
async fn a_member_that_is_there_twice_or_unknown_is_refused() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let twice =
        format!(r#"{{"email": "x@example.com", "email": "{}", "password": "{}"}}"#, ada.email, ada.password);
    assert_eq!(app.post(LOGIN).body(JSON, twice).await.status, 422);
    let unknown = json!({"email": "new@example.com", "password": "correct horse", "emailVerified": true});
    assert_eq!(app.post(REGISTER).json(&unknown).await.status, 422, "nobody verifies their own address");
}

#[tokio::test]
async fn text_that_means_something_elsewhere_means_nothing_here() {
    let app = TestApp::start().await;
    app.user("ada").await;
    for email in
        ["' or '1'='1", "ada@example.com' --", "ada@example.com\0", "%@example.com", "ad_@example.com"]
    {
        let body = json!({"email": email, "password": "ada's password"});
        assert_eq!(app.post(LOGIN).json(&body).await.status, 401, "{email:?}");
    }
    for token in ["", "x", "ayb_ml_", "../../etc/passwd", "\0", &"0".repeat(100_000)] {
        let body = json!({"token": token});
        assert_eq!(envelope(&app.post(VERIFY).json(&body).await).0, 400, "{token:.20}");
    }
}
