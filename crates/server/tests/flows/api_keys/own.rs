//! A person makes, sees and revokes their own keys, with a session and with nothing else.

use ayb_protocol::time::Seconds;
use ayb_provider::app::RateLimit;
use http::Method;
use serde_json::{Value, json};

use super::{ALL, ME, OWN, Signed};
use crate::kit::{Person, TestApp};

#[tokio::test]
async fn a_key_is_shown_once_and_then_only_how_it_begins() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let signed = Signed::as_person(&app, &ada).await;
        let body = json!({
            "name": " Nightly import ", "scope": "readwrite", "allowedTables": ["tags", "notes"],
            "expiresAt": "2027-01-16T09:00:00+01:00"
        });
        let reply = signed.post(OWN, &body).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"), "{reply}");
        let (key, shown) = (reply.member("key"), reply.json()["apiKey"].clone());
        assert!(key.starts_with("ayb_") && key.len() == 52, "{key}");
        let expected = json!({
            "id": shown["id"], "userId": ada.id, "name": "Nightly import", "keyPrefix": &key[..12],
            "scope": "readwrite", "allowedTables": ["notes", "tags"], "appId": null,
            "createdAt": "2027-01-15T08:00:00.000Z", "expiresAt": "2027-01-16T08:00:00.000Z",
            "lastUsedAt": null, "revokedAt": null
        });
        assert_eq!(shown, expected);
        let list = signed.get(OWN).await;
        assert_eq!(list.json()["items"], json!([expected]), "{}", app.kind);
        assert!(!list.text().contains(&key[12..]), "a list never holds the key");
        assert_eq!(app.get(ME).bearer(&key).await.member("id"), ada.id.to_string());
        assert!(!app.dump().await.contains(&key[12..]), "{}: only its hash is kept", app.kind);
    }
}

#[tokio::test]
async fn a_key_of_which_only_the_name_is_said_reads_every_table_and_has_no_end() {
    let app = TestApp::start().await;
    let signed = Signed::as_person(&app, &app.user("ada").await).await;
    let made = signed.post(OWN, &json!({"name": "x"})).await.json()["apiKey"].clone();
    assert_eq!(
        (&made["scope"], &made["allowedTables"], &made["expiresAt"]),
        (&json!("readonly"), &json!(null), &json!(null))
    );
    let none = signed.post(OWN, &json!({"name": "x", "allowedTables": []})).await;
    assert_eq!(
        none.json()["apiKey"]["allowedTables"],
        json!(null),
        "an empty list is every table, as in a consent"
    );
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once_and_stays_in_the_list() {
    for app in TestApp::everywhere().await {
        let signed = Signed::as_person(&app, &app.user("ada").await).await;
        let made = signed.post(OWN, &json!({"name": "x"})).await;
        let (key, path) =
            (made.member("key"), format!("{OWN}/{}", made.json()["apiKey"]["id"].as_str().unwrap()));
        assert_eq!(app.get(ME).bearer(&key).await.status, 200);
        assert_eq!(signed.delete(&path).await.status, 204, "{}", app.kind);
        assert_eq!(app.get(ME).bearer(&key).await.status, 401);
        assert_eq!(signed.get(OWN).await.json()["items"][0]["revokedAt"], "2027-01-15T08:00:00.000Z");
        assert_eq!(signed.delete(&path).await.status, 404, "there is nothing left to revoke");
        for id in ["x", "0", &key, &"0".repeat(200), "%00"] {
            assert_eq!(signed.delete(&format!("{OWN}/{id}")).await.status, 404, "{id}");
        }
    }
}

#[tokio::test]
async fn nobody_sees_or_revokes_the_keys_of_somebody_else() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let key = app.api_key(&ada, |_| {}).await;
        let bob = Signed::as_person(&app, &bob).await;
        assert_eq!(bob.get(OWN).await.json()["totalItems"], 0);
        let refused = bob.delete(&format!("{OWN}/{}", key.id)).await;
        let unknown = bob.delete(&format!("{OWN}/{}", uuid::Uuid::nil())).await;
        assert_eq!((refused.status.as_u16(), &refused.body), (404, &unknown.body), "as if there were none");
        assert_eq!(app.get(ME).bearer(&key.text).await.status, 200, "{}", app.kind);
    }
}

/// Credentials that are alive, and no session.
async fn not_sessions(app: &TestApp, ada: &Person) -> Vec<(&'static str, String)> {
    let may_all = |draft: &mut ayb_provider::register::ClientDraft| draft.scopes.push("*".into());
    let opaque = app.confidential_client().with(may_all).await;
    let jwt =
        app.confidential_client().with(may_all).with(|draft| draft.token_format = Some("jwt".into())).await;
    let machine = [("grant_type", "client_credentials"), ("scope", "*")];
    vec![
        ("an API key for everything", app.api_key(ada, |_| {}).await.text),
        ("an opaque token for everything", app.tokens(&opaque, ada, "openid *").await.access),
        ("a JWT for everything", app.tokens(&jwt, ada, "openid *").await.access),
        ("a machine's token", app.token_request(&opaque, &machine).await.member("access_token")),
    ]
}

#[tokio::test]
async fn neither_a_key_nor_a_token_makes_lists_or_revokes_keys() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let target = app.api_key(&ada, |_| {}).await;
        let before = app.db_rows("select id from _ayb_api_keys").await.len();
        for (kind, token) in not_sessions(&app, &ada).await {
            let doors = [
                (Method::GET, OWN.to_owned(), 403),
                (Method::POST, OWN.to_owned(), 403),
                (Method::DELETE, format!("{OWN}/{}", target.id), 403),
                (Method::GET, ALL.to_owned(), 401),
                (Method::POST, ALL.to_owned(), 401),
                (Method::DELETE, format!("{ALL}/{}", target.id), 401),
            ];
            for (method, path, status) in doors {
                let body = json!({"name": "x", "scope": "*", "userId": ada.id});
                let reply = app.request(method.clone(), &path).bearer(&token).json(&body).await;
                assert_eq!(reply.status, status, "{method} {path} with {kind}: {reply}");
            }
        }
        assert_eq!(
            app.db_rows("select id from _ayb_api_keys").await.len(),
            before + 1,
            "not_sessions made one"
        );
        assert_eq!(app.get(ME).bearer(&target.text).await.status, 200, "{}", app.kind);
        assert_eq!(app.get(OWN).await.status, 401, "nobody at all");
    }
}

#[tokio::test]
async fn neither_a_key_nor_a_token_gives_a_consent() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let credentials = not_sessions(&app, &ada).await;
        let client = app.confidential_client().await;
        let mut pairs = client.request("openid readwrite", &[]);
        pairs.push(("decision".to_owned(), "approve".to_owned()));
        let decision: Value = pairs
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        for (kind, token) in &credentials {
            let asked = app.get(&client.authorize("openid readwrite", &[])).bearer(token).accept_json().await;
            assert_eq!(asked.status, 401, "{kind}: {asked}");
            for path in ["/api/auth/authorize/consent", "/oauth/consent"] {
                let reply = app.post(path).json(&decision).bearer(token).accept_json().await;
                assert_eq!(reply.status, 401, "{path} with {kind}: {reply}");
            }
        }
        let of_client =
            format!("select id from _ayb_oauth_consents where client_id = {}", app.literal(&client));
        assert!(app.db_rows(&of_client).await.is_empty(), "{}", app.kind);
        let session = app.session_token(&ada).await;
        let reply = app.post("/oauth/consent").json(&decision).bearer(&session).accept_json().await;
        assert_eq!(reply.status, 200, "a session does: {reply}");
    }
}

#[tokio::test]
async fn a_key_shares_the_limit_of_an_app_of_its_owner_only() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let limit = RateLimit { requests: 9, window: Seconds(60) };
        for (owner, status) in [(&ada, 201), (&bob, 400)] {
            let client = app.confidential_client().owned_by(owner).limited(limit).await;
            let of_app = app.app.store.client(&client.id).await.unwrap().unwrap().app_id;
            let signed = Signed::as_person(&app, &ada).await;
            let reply = signed.post(OWN, &json!({"name": "x", "appId": of_app})).await;
            assert_eq!(reply.status, status, "{}: {reply}", app.kind);
            if status == 400 {
                assert_eq!(reply.json()["data"]["field"], "appId", "{reply}");
            }
        }
    }
}

#[tokio::test]
async fn one_person_has_a_hundred_keys_at_most() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let signed = Signed::as_person(&app, &ada).await;
    for _ in 0..100 {
        assert_eq!(signed.post(OWN, &json!({"name": "x"})).await.status, 201);
    }
    let refused = signed.post(OWN, &json!({"name": "x"})).await;
    assert_eq!(refused.status, 409, "{refused}");
    let bob = Signed::as_person(&app, &bob).await;
    assert_eq!(bob.post(OWN, &json!({"name": "x"})).await.status, 201, "others are not held up");
    assert_eq!(
        signed.get(&format!("{OWN}?perPage=30&page=4")).await.json()["items"].as_array().unwrap().len(),
        10
    );
}
