//! Every rule of registration, at both doors that clients come in by, with the member at fault named.

use serde_json::{Value, json};

use super::{CLIENTS, Desk, client_of, refusal, with};
use crate::kit::TestApp;

fn broken() -> Vec<(&'static str, Value, u16)> {
    let many = |form: fn(usize) -> String| Value::from((0..21).map(form).collect::<Vec<_>>());
    let uris = |uri: &str| json!([uri]);
    vec![
        ("name", json!(""), 400),
        ("name", json!("\t"), 400),
        ("name", json!("x".repeat(101)), 400),
        ("name", json!("a\u{7}"), 400),
        ("name", json!(1), 422),
        ("redirectUris", json!([]), 400),
        ("redirectUris", many(|number| format!("https://a.example/{number}")), 400),
        ("redirectUris", uris("http://shop.example/cb"), 400),
        ("redirectUris", uris("https://*.shop.example/cb"), 400),
        ("redirectUris", uris("https://shop.example/*"), 400),
        ("redirectUris", uris("https://shop.example/cb?a=1"), 400),
        ("redirectUris", uris("https://shop.example/cb#top"), 400),
        ("redirectUris", uris("https://u:p@shop.example/cb"), 400),
        ("redirectUris", uris("http://localhost.evil.example/cb"), 400),
        ("redirectUris", uris("javascript:alert(1)"), 400),
        ("redirectUris", uris("data:text/html,x"), 400),
        ("redirectUris", uris("/cb"), 400),
        ("redirectUris", uris(""), 400),
        ("redirectUris", json!("https://shop.example/cb"), 422),
        ("scopes", json!([]), 400),
        ("scopes", json!(["api:read"]), 400),
        ("scopes", json!(["readonly openid"]), 400),
        ("scopes", json!(["READONLY"]), 400),
        ("scopes", json!({"readonly": true}), 422),
        ("allowedOrigins", json!(["https://shop.example/"]), 400),
        ("allowedOrigins", json!(["http://shop.example"]), 400),
        ("allowedOrigins", json!(["*"]), 400),
        ("allowedOrigins", json!(["null"]), 400),
        ("postLogoutRedirectUris", json!(["http://shop.example/bye"]), 400),
        ("tokenFormat", json!("JWT"), 400),
        ("tokenFormat", json!(true), 422),
        ("signingAlg", json!("none"), 400),
        ("signingAlg", json!("HS256"), 400),
        ("audience", json!("two words"), 400),
        ("audience", json!("x".repeat(256)), 400),
        ("refreshTokens", json!("yes"), 422),
        ("refreshGraceSeconds", json!(61), 400),
        ("refreshGraceSeconds", json!(-1), 422),
    ]
}

#[tokio::test]
async fn each_member_that_breaks_a_rule_is_named_at_registration_and_at_change() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let good = client_of(&desk.new_app("shop").await);
    let (id, _) = desk.new_client(&good).await;
    let mut change = good.clone();
    change.as_object_mut().unwrap().remove("appId");
    let before = desk.dump().await;
    for (member, value, status) in broken() {
        let expected = (status, member.to_owned());
        assert_eq!(
            refusal(&desk.post(CLIENTS, &with(&good, member, value.clone())).await),
            expected,
            "POST {value}"
        );
        let reply = desk.put(&format!("{CLIENTS}/{id}"), &with(&change, member, value.clone())).await;
        assert_eq!(refusal(&reply), expected, "PUT {value}");
    }
    for missing in ["name", "redirectUris", "scopes"] {
        for (body, create) in [(&good, true), (&change, false)] {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove(missing);
            let path = format!("{CLIENTS}/{id}");
            let reply = if create { desk.post(CLIENTS, &body).await } else { desk.put(&path, &body).await };
            assert_eq!(refusal(&reply), (400, missing.to_owned()), "create: {create}");
        }
    }
    assert_eq!(desk.dump().await, before, "a refused request changes nothing");
}

#[tokio::test]
async fn the_app_of_a_client_must_exist() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let good = client_of(&desk.new_app("shop").await);
        for (value, status) in [
            (json!(uuid::Uuid::max()), 400),
            (json!("not a uuid"), 400),
            (json!(""), 400),
            (json!(null), 422),
            (json!(17), 422),
        ] {
            let reply = desk.post(CLIENTS, &with(&good, "appId", value.clone())).await;
            assert_eq!(refusal(&reply), (status, "appId".to_owned()), "{} {value}", app.kind);
        }
        let missing = json!({"name": "Shop", "redirectUris": ["https://shop.example/cb"], "scopes": ["*"]});
        assert_eq!(refusal(&desk.post(CLIENTS, &missing).await), (400, "appId".to_owned()));
        for value in [json!("Confidential"), json!(""), json!("native")] {
            let reply = desk.post(CLIENTS, &with(&good, "clientType", value)).await;
            assert_eq!(refusal(&reply), (400, "clientType".to_owned()));
        }
        assert_eq!(desk.get(CLIENTS).await.json()["totalItems"], 0);
    }
}

#[tokio::test]
async fn nobody_chooses_identity_secret_type_or_state_of_a_client() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let good = client_of(&desk.new_app("shop").await);
    let (id, _) = desk.new_client(&good).await;
    let mut change = good.clone();
    change.as_object_mut().unwrap().remove("appId");
    let before = desk.dump().await;
    let forbidden = [
        ("id", json!(uuid::Uuid::nil())),
        ("clientId", json!(format!("ayb_cid_{}", "00".repeat(24)))),
        ("clientSecret", json!("ayb_cs_00")),
        ("clientSecretHash", json!("00")),
        ("revokedAt", json!(null)),
        ("createdAt", json!("2027-01-15T08:00:00Z")),
        ("totalGrants", json!(5)),
        ("client_id", json!("CANARY")),
        ("CANARY", json!("CANARY")),
    ];
    for (member, value) in &forbidden {
        for (body, create) in [(&good, true), (&change, false)] {
            let body = with(body, member, value.clone());
            let path = format!("{CLIENTS}/{id}");
            let reply = if create { desk.post(CLIENTS, &body).await } else { desk.put(&path, &body).await };
            assert_eq!(reply.status, 422, "{member} {reply}");
            assert_eq!(reply.member("message"), "the body has a member that is not known here");
            assert!(!reply.text().contains("CANARY"), "{reply}");
        }
    }
    for (member, value) in [("appId", good["appId"].clone()), ("clientType", json!("public"))] {
        let reply = desk.put(&format!("{CLIENTS}/{id}"), &with(&change, member, value)).await;
        assert_eq!(reply.status, 422, "{member} never changes: {reply}");
    }
    assert_eq!(desk.dump().await, before);
}

#[tokio::test]
async fn a_member_that_comes_twice_is_refused() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let id = desk.new_app("shop").await;
    let text = format!(
        r#"{{"appId":"{id}","name":"a","name":"b","redirectUris":["https://a.example"],"scopes":["*"]}}"#
    );
    let reply = desk.call(http::Method::POST, CLIENTS).body("application/json", text).await;
    assert_eq!(reply.status, 422, "{reply}");
    assert_eq!(reply.member("message"), "duplicate field: name");
}
