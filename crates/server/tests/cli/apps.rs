use ayb_server::cli::Exit;
use serde_json::json;

use super::run::FakeServer;

const APP: &str = "0199c0de-0000-7000-8000-000000000001";
const OWNER: &str = "0199c0de-0000-7000-8000-000000000002";

fn app() -> String {
    let fields = json!({
        "id": APP, "name": "Shop", "description": "Sells", "ownerUserId": OWNER, "rateLimitRps": 100,
        "rateLimitWindowSeconds": 60, "allowedOrigins": ["https://shop.example"],
        "createdAt": "2026-11-21T10:00:00Z", "updatedAt": "2026-11-21T10:00:00Z"
    });
    fields.to_string()
}

#[test]
fn create_sends_name_description_and_owner() {
    let server = FakeServer::answering(&[(201, &app())]);
    let ran = server.run(&["apps", "create", "--name", "Shop", "--description", "Sells", "--owner", OWNER]);
    assert_eq!(ran.out, format!("App created: {APP} (Shop)\n"));
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/admin/apps");
    assert_eq!(seen[0].body, json!({"name": "Shop", "description": "Sells", "ownerUserId": OWNER}));
}

#[test]
fn update_keeps_what_is_not_named() {
    let server = FakeServer::answering(&[(200, &app()), (200, &app())]);
    let ran = server.run(&["apps", "update", APP, "--rate-limit", "0"]);
    assert_eq!(ran.out, format!("App {APP} updated.\n"));
    let expected = json!({
        "name": "Shop", "description": "Sells", "rateLimitRps": 0, "rateLimitWindowSeconds": 60,
        "allowedOrigins": ["https://shop.example"]
    });
    assert_eq!(server.seen()[1].body, expected);
}

#[test]
fn origins_are_named_replaced_and_taken_away() {
    let server = FakeServer::answering(&[(201, &app()), (200, &app()), (200, &app())]);
    let origins = "https://a.example, https://b.example,";
    server.run(&["apps", "create", "--name", "Shop", "--allowed-origins", origins]);
    server.run(&["apps", "update", APP, "--allowed-origins", ""]);
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies[0]["allowedOrigins"], json!(["https://a.example", "https://b.example"]));
    assert_eq!(bodies[2]["allowedOrigins"], json!([]));
}

#[test]
fn list_get_and_delete_ask_the_right_paths() {
    let list = json!({"items": [], "page": 1, "perPage": 100, "totalItems": 0, "totalPages": 0}).to_string();
    let server = FakeServer::answering(&[(200, &list), (200, &app()), (204, "")]);
    assert_eq!(server.run(&["apps", "list"]).out, "No apps.\n");
    let shown = server.run(&["apps", "get", APP]).out;
    assert!(shown.contains("Rate Limit: 100 per 60 s\nAllowed Origins: https://shop.example\n"), "{shown}");
    assert_eq!(server.run(&["apps", "delete", APP]).out, format!("App {APP} deleted.\n"));
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    let one = format!("/api/admin/apps/{APP}");
    assert_eq!(
        lines,
        ["GET /api/admin/apps?page=1&perPage=100".to_owned(), format!("GET {one}"), format!("DELETE {one}")]
    );
}

#[test]
fn the_servers_reason_is_shown_when_an_app_cannot_be_deleted() {
    let refusal = r#"{"code":409,"message":"app still has OAuth clients"}"#;
    let server = FakeServer::answering(&[(409, refusal)]);
    let ran = server.run(&["apps", "delete", APP]);
    assert_eq!(ran.exit, Exit::Failed);
    assert_eq!(ran.err, "error: app still has OAuth clients\n  cause: HTTP status 409\n");
}
