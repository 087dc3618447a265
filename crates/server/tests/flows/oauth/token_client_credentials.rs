//! Tokens for a client itself (RFC 6749 §4.4).

use crate::kit::client::Client;
use crate::kit::{Call, TestApp};

fn ask(app: &TestApp, client: &Client, with: &[(&str, &str)]) -> Call {
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(with);
    app.token_request(client, &pairs)
}

#[tokio::test]
async fn a_confidential_client_gets_a_token_without_a_person_and_without_a_refresh_token() {
    for app in TestApp::everywhere().await {
        let client = app.confidential_client().await;
        let reply = ask(&app, &client, &[("scope", "readwrite"), ("allowed_tables", "notes,hikes")]).await;
        assert_eq!(reply.status, 200, "{reply}");
        let body = reply.json();
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
        assert_eq!((&body["scope"], &body["token_type"]), (&"readwrite".into(), &"Bearer".into()));
        let sql = "select user_id, token_type, scope, allowed_tables from _ayb_oauth_tokens";
        let rows = app.db_rows(sql).await;
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(
            (row[0].as_deref(), row[1].as_deref(), row[2].as_deref()),
            (None, Some("access"), Some("readwrite"))
        );
        assert!(row[3].as_deref().is_some_and(|tables| tables.contains("hikes") && tables.contains("notes")));
        let info = app.get("/oauth/userinfo").bearer(&reply.member("access_token")).await;
        assert_eq!(info.verdict(), (403, "insufficient_scope".to_owned()), "alive, but nobody's");
    }
}

#[tokio::test]
async fn a_public_client_may_not() {
    let app = TestApp::start().await;
    let client = app.public_client().await;
    let reply = ask(&app, &client, &[("scope", "readonly")]).await;
    assert_eq!(reply.verdict(), (400, "unauthorized_client".to_owned()));
}

#[tokio::test]
async fn the_scope_is_said_registered_and_not_about_people() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    for with in [
        &[][..],
        &[("scope", "")],
        &[("scope", "api:read")],
        &[("scope", "*")],
        &[("scope", "openid")],
        &[("scope", "readonly email")],
        &[("scope", "readonly offline_access")],
        &[("scope", "readonly readwrite")],
    ] {
        assert_eq!(ask(&app, &client, with).await.verdict(), (400, "invalid_scope".to_owned()), "{with:?}");
    }
    let empty = ask(&app, &client, &[("scope", "readonly"), ("allowed_tables", "a,,b")]).await;
    assert_eq!(empty.verdict(), (400, "invalid_request".to_owned()));
    let full = app.confidential_client().with(|draft| draft.scopes = vec!["*".into()]).await;
    for scope in ["readonly", "readwrite", "*"] {
        assert_eq!(ask(&app, &full, &[("scope", scope)]).await.member("scope"), scope);
    }
    let narrow = app.confidential_client().with(|draft| draft.scopes = vec!["readwrite".into()]).await;
    assert_eq!(
        ask(&app, &narrow, &[("scope", "readonly")]).await.error(),
        "invalid_scope",
        "literally registered"
    );
}

#[tokio::test]
async fn no_two_tokens_are_the_same() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        assert!(seen.insert(ask(&app, &client, &[("scope", "readonly")]).await.member("access_token")));
    }
}
