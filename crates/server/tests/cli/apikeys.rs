use ayb_server::cli::Exit;
use serde_json::{Value, json};

use super::run::FakeServer;

const KEY: &str = "0199c0de-0000-7000-8000-000000000001";
const USER: &str = "0199c0de-0000-7000-8000-000000000002";
const APP: &str = "0199c0de-0000-7000-8000-000000000003";
const ALL: &str = "/api/admin/api-keys";

fn key(tables: &Value, revoked: &Value) -> Value {
    json!({
        "id": KEY, "userId": USER, "name": "Import", "keyPrefix": "ayb_01234567", "scope": "readonly",
        "allowedTables": tables, "appId": null, "createdAt": "2026-11-21T10:00:00Z", "expiresAt": null,
        "lastUsedAt": null, "revokedAt": revoked
    })
}

fn list(items: &[Value]) -> String {
    json!({"items": items, "page": 1, "perPage": 100, "totalItems": items.len(), "totalPages": 1}).to_string()
}

#[test]
fn create_sends_what_was_asked_and_shows_the_key_once() {
    let created =
        json!({"key": "ayb_5ec7e7", "apiKey": key(&json!(["notes", "tags"]), &json!(null))}).to_string();
    let server = FakeServer::answering(&[(201, &created), (201, &created), (201, &created)]);
    let create = ["apikeys", "create", USER, "--name", "Import"];
    let ran = server.run(&create);
    let text = format!(
        "API key created: {KEY} (Import)\nScope: readonly\nTables: notes, tags\nAPI Key: ayb_5ec7e7\n\
         Save the key now: it is shown only this once.\n"
    );
    assert_eq!((ran.exit, ran.out), (Exit::Done, text));
    let further = [
        "--scope",
        "*",
        "--tables",
        "notes,tags",
        "--app",
        APP,
        "--expires-at",
        "2030-01-01T00:00:00Z",
        "--json",
    ];
    let ran = server.run(&[&create[..], &further].concat());
    assert_eq!(ran.out, created.clone() + "\n");
    let ran = server.run(&[&create[..], &["--output", "csv"]].concat());
    assert_eq!(ran.out.lines().next(), Some("Key ID,Name,Scope,Tables,API Key"), "{}", ran.out);
    let seen = server.seen();
    assert_eq!(seen[0].line, format!("POST {ALL}"));
    let least = json!({
        "userId": USER, "name": "Import", "scope": "readonly", "allowedTables": [], "appId": null, "expiresAt": null
    });
    assert_eq!(seen[0].body, least);
    let most = json!({
        "userId": USER, "name": "Import", "scope": "*", "allowedTables": ["notes", "tags"], "appId": APP,
        "expiresAt": "2030-01-01T00:00:00Z"
    });
    assert_eq!(seen[1].body, most);
}

#[test]
fn list_shows_how_keys_begin_and_whether_they_work() {
    let items = [key(&json!(null), &json!(null)), key(&json!(["notes"]), &json!("2026-11-21T10:00:00Z"))];
    let server = FakeServer::answering(&[(200, &list(&items)), (200, &list(&items)), (200, &list(&[]))]);
    let table = server.run(&["apikeys", "list"]).out;
    assert!(
        table.contains("ayb_01234567…") && table.contains("active") && table.contains("revoked"),
        "{table}"
    );
    assert!(table.contains("all") && table.ends_with("\n2 API keys\n"), "{table}");
    let csv = server.run(&["apikeys", "list", "--user", USER, "--output", "csv"]).out;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert_eq!(server.run(&["apikeys", "list"]).out, "No API keys.\n");
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    let page = format!("GET {ALL}?page=1&perPage=100");
    assert_eq!(lines, [page.clone(), format!("{page}&userId={USER}"), page]);
}

#[test]
fn revoke_asks_for_the_one_that_is_named() {
    let server =
        FakeServer::answering(&[(204, ""), (404, r#"{"code":404,"message":"there is no such API key"}"#)]);
    let ran = server.run(&["apikeys", "revoke", KEY]);
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("API key {KEY} revoked.\n")));
    let ran = server.run(&["apikeys", "revoke", KEY]);
    assert_eq!((ran.exit, ran.err.lines().next()), (Exit::NotFound, Some("error: there is no such API key")));
    assert_eq!(server.seen()[0].line, format!("DELETE {ALL}/{KEY}"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let server = FakeServer::answering(&[]);
    for arguments in [
        &["apikeys", "create", USER][..],
        &["apikeys", "create", "ada", "--name", "x"],
        &["apikeys", "create", USER, "--name", "x", "--scope", "openid"],
        &["apikeys", "revoke", "ayb_0123456789abcdef"],
        &["apikeys", "list", "--page", "0"],
        &["apikeys"],
    ] {
        assert_eq!(server.run(arguments).exit, Exit::Usage, "{arguments:?}");
    }
}
