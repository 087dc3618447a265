//! Who reaches which tables and rows, and what a refusal gives away. What each kind of credential opens is in
//! `flows/access.rs`.

use http::Method;
use serde_json::{Value, json};

use super::everywhere;
use crate::kit::{Client, Person, Reply, TestApp, Tokens};

/// An access token of a person, with the tables that it is limited to.
async fn access(app: &TestApp, client: &Client, person: &Person, scope: &str, tables: &str) -> String {
    let with = [("allowed_tables", tables)];
    let with: &[(&str, &str)] = if tables.is_empty() { &[] } else { &with };
    let code = app.authorize_code_with(client, person, scope, with).await;
    Tokens::of(&app.redeem(client, &code).await).access
}

#[track_caller]
fn assert_denied(reply: &Reply, would_do: Option<&str>) {
    assert_eq!(reply.status, 403, "{reply}");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{reply}");
    assert_eq!(reply.json()["data"]["error"], "insufficient_scope");
    assert_eq!(reply.json()["data"]["scope"].as_str(), would_do, "{reply}");
}

#[tokio::test]
async fn a_limited_credential_learns_nothing_about_other_tables() {
    for library in everywhere().await {
        library.stock().await;
        let client = library.app.confidential_client().await;
        let token = access(&library.app, &client, &library.ada, "readonly", "books").await;
        let get = async |path: &str| library.app.get(&format!("/api/collections{path}")).bearer(&token).await;
        let (there, absent, ours) = (get("/authors").await, get("/nowhere").await, get("/_ayb_users").await);
        for reply in [&there, &absent, &ours] {
            assert_denied(reply, None);
            assert_eq!(reply.json(), there.json(), "the same answer whether there is such a table or not");
        }
        for path in
            ["/books?expand=author_id", "/books/1?expand=author_id", "/books?filter=author_id.name%3D'Ada'"]
        {
            assert_denied(&get(path).await, None);
        }
        let seen = get("").await.json();
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&seen["items"][0]["name"], &seen["items"][0]["references"]),
            (&json!("books"), &json!([]))
        );
        let document = get("/openapi.json").await.text();
        assert!(document.contains("/api/collections/books") && !document.contains("authors"));
        assert_eq!(get("/books").await.status, 200);
    }
}

#[tokio::test]
async fn without_a_living_credential_with_words_about_tables_nothing_opens() {
    for library in everywhere().await {
        let app = &library.app;
        for path in ["", "/openapi.json", "/books", "/books/1", "/nowhere"] {
            let path = format!("/api/collections{path}");
            let missing = app.get(&path).await;
            assert_eq!(
                (missing.status.as_u16(), missing.header("www-authenticate")),
                (401, "Bearer realm=\"ayb\"")
            );
            let dead = app.get(&path).bearer("ayb_at_dead").await;
            assert_eq!(dead.status, 401, "{dead}");
            assert!(dead.header("www-authenticate").contains("invalid_token"));
        }
        let client = app.confidential_client().await;
        let identity = access(app, &client, &library.ada, "openid email", "").await;
        let reply = app.get("/api/collections/books").bearer(&identity).await;
        assert_denied(&reply, Some("readonly"));
        let live = access(app, &client, &library.ada, "readonly", "").await;
        assert_eq!(app.get("/api/collections/books").bearer(&live).await.status, 200);
        app.revoke(&client, &live).await;
        assert_eq!(app.get("/api/collections/books").bearer(&live).await.status, 401);
    }
}

#[tokio::test]
async fn rows_with_an_owner_are_seen_by_their_owner_with_any_credential() {
    for library in everywhere().await {
        let app = &library.app;
        let bob = app.user("bob").await;
        let client = app.confidential_client().await;
        let of_bob = access(app, &client, &bob, "readwrite", "").await;
        let made = library.post("/notes", &json!({"id": 1, "text": "ada's"})).await;
        assert_eq!(made.json()["owner_id"], library.ada.id.to_string(), "{made}");
        let made =
            app.post("/api/collections/notes").bearer(&of_bob).json(&json!({"id": 2, "text": "bob's"})).await;
        assert_eq!(made.status, 201, "{made}");
        let of_ada = access(app, &client, &library.ada, "readwrite", "").await;
        for (token, expected) in [(&library.token, "ada's"), (&of_ada, "ada's"), (&of_bob, "bob's")] {
            let listed = app.get("/api/collections/notes").bearer(token).await.json();
            let texts: Vec<_> = listed["items"].as_array().unwrap().iter().map(|row| &row["text"]).collect();
            assert_eq!((texts, &listed["totalItems"]), (vec![&Value::from(expected)], &json!(1)));
        }
        let at = |method: Method| app.request(method, "/api/collections/notes/1").bearer(&of_bob);
        for call in [at(Method::GET), at(Method::DELETE), at(Method::PATCH).json(&json!({"text": "x"}))] {
            assert_eq!(call.await.status, 404);
        }
        let stolen = app.post("/api/collections/notes").bearer(&of_bob);
        let stolen = stolen.json(&json!({"id": 3, "owner_id": library.ada.id.to_string()})).await;
        assert_eq!((stolen.status.as_u16(), &stolen.json()["data"]["field"]), (422, &json!("owner_id")));
        let machine =
            app.token_request(&client, &[("grant_type", "client_credentials"), ("scope", "readwrite")]).await;
        let machine = machine.member("access_token");
        let seen = app.get("/api/collections/notes").bearer(&machine).await.json();
        assert_eq!(seen["items"], json!([]), "a client of its own is nobody");
        let made = app.post("/api/collections/notes").bearer(&machine).json(&json!({"text": "x"})).await;
        assert_eq!(made.status, 403, "{made}");
        assert_eq!(app.get("/api/collections/books").bearer(&machine).await.status, 200);
    }
}

#[tokio::test]
async fn the_api_exists_when_it_is_switched_on() {
    let off = TestApp::with(|config| config.tables.enabled = false).await;
    let ada = off.user("ada").await;
    let token = off.session_token(&ada).await;
    for path in ["/api/collections", "/api/collections/books", "/api/collections/openapi.json"] {
        assert_eq!(off.get(path).bearer(&token).await.status, 404, "{path}");
    }
    assert!(!off.get("/api/openapi.json").await.text().contains("/api/collections"));
}

#[tokio::test]
async fn scripts_of_other_origins_read_and_write() {
    let library = everywhere().await.remove(0);
    let preflight = library.app.request(Method::OPTIONS, "/api/collections/books/1");
    let preflight = preflight
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(!preflight.header("access-control-max-age").is_empty());
    let reply = library
        .app
        .get("/api/collections/books")
        .bearer(&library.token)
        .header("origin", "https://app.example")
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
}
