use ayb_server::cli::Exit;
use serde_json::{Value, json};

use super::run::{FakeServer, ayb_with};

const APP: &str = "0199c0de-0000-7000-8000-000000000001";

fn client_id() -> String {
    format!("ayb_cid_{}", "0a".repeat(24))
}

fn client() -> Value {
    json!({
        "id": APP, "appId": APP, "clientId": client_id(), "name": "Shop", "redirectUris": ["https://shop.example/cb"],
        "scopes": ["readonly", "openid"], "clientType": "confidential", "createdAt": "2026-11-21T10:00:00Z",
        "updatedAt": "2026-11-21T10:00:00Z", "revokedAt": null, "tokenFormat": "opaque", "signingAlg": "RS256",
        "audience": null, "allowedOrigins": ["https://shop.example"], "postLogoutRedirectUris": [],
        "refreshTokens": true, "refreshGraceSeconds": 0, "activeAccessTokenCount": 1, "activeRefreshTokenCount": 2,
        "totalGrants": 3, "lastTokenIssuedAt": null
    })
}

fn list(items: &[Value], total: usize) -> String {
    json!({"items": items, "page": 1, "perPage": 100, "totalItems": total, "totalPages": total.div_ceil(100)})
        .to_string()
}

#[test]
fn create_sends_what_was_asked_and_shows_the_secret_once() {
    let created = json!({"clientSecret": "ayb_cs_5ec7e7", "client": client()}).to_string();
    let server = FakeServer::answering(&[(201, &created)]);
    let ran = server.run(&[
        "oauth",
        "clients",
        "create",
        APP,
        "--name",
        "Shop",
        "--redirect-uris",
        "https://shop.example/cb, http://localhost/cb",
        "--scopes",
        "readonly,openid",
    ]);
    let text = format!(
        "OAuth client created: {} (Shop)\nType: confidential\nScopes: readonly, openid\nClient Secret: ayb_cs_5ec7e7\n\
         Save the secret now: it is shown only this once.\n",
        client_id()
    );
    assert_eq!((ran.exit, ran.out), (Exit::Done, text));
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/admin/oauth/clients");
    assert_eq!(seen[0].authorization, "Bearer secret-token");
    let expected = json!({
        "appId": APP, "name": "Shop", "clientType": "confidential", "scopes": ["readonly", "openid"],
        "redirectUris": ["https://shop.example/cb", "http://localhost/cb"]
    });
    assert_eq!(seen[0].body, expected);
}

#[test]
fn create_sends_every_further_setting() {
    let created = json!({"client": client()}).to_string();
    let server = FakeServer::answering(&[(201, &created)]);
    let ran = server.run(&[
        "oauth",
        "clients",
        "create",
        APP,
        "--name",
        "Shop",
        "--type",
        "public",
        "--redirect-uris",
        "https://shop.example/cb",
        "--scopes",
        "*",
        "--token-format",
        "jwt",
        "--signing-alg",
        "ES256",
        "--audience",
        "https://api.example",
        "--allowed-origins",
        "https://a.example,https://b.example",
        "--post-logout-redirect-uris",
        "https://a.example/bye",
        "--no-refresh-tokens",
        "--refresh-grace-seconds",
        "5",
        "--json",
    ]);
    assert_eq!((ran.exit, ran.out), (Exit::Done, created + "\n"));
    let body = &server.seen()[0].body;
    for (name, value) in [
        ("clientType", json!("public")),
        ("tokenFormat", json!("jwt")),
        ("signingAlg", json!("ES256")),
        ("audience", json!("https://api.example")),
        ("allowedOrigins", json!(["https://a.example", "https://b.example"])),
        ("postLogoutRedirectUris", json!(["https://a.example/bye"])),
        ("refreshTokens", json!(false)),
        ("refreshGraceSeconds", json!(5)),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
}

#[test]
fn a_public_client_has_no_secret_to_show() {
    let mut public = client();
    public["clientType"] = json!("public");
    let server = FakeServer::answering(&[(201, &json!({"client": public}).to_string())]);
    let ran = server.run(&[
        "oauth",
        "clients",
        "create",
        APP,
        "--name",
        "S",
        "--redirect-uris",
        "https://s.example",
        "--scopes",
        "*",
    ]);
    assert!(ran.out.contains("Type: public\n") && !ran.out.contains("Secret"), "{}", ran.out);
}

#[test]
fn create_refuses_missing_and_wrong_flags_without_asking_the_server() {
    let all = ["--name", "S", "--redirect-uris", "https://s.example", "--scopes", "readonly"];
    let cases: [(&[&str], &str); 7] = [
        (&["oauth", "clients", "create", APP, all[2], all[3], all[4], all[5]], "--name"),
        (&["oauth", "clients", "create", APP, all[0], all[1], all[4], all[5]], "--redirect-uris"),
        (&["oauth", "clients", "create", APP, all[0], all[1], all[2], all[3]], "--scopes"),
        (
            &[
                "oauth",
                "clients",
                "create",
                APP,
                all[0],
                all[1],
                all[2],
                all[3],
                "--scopes",
                "readonly,admin",
            ],
            "admin",
        ),
        (&["oauth", "clients", "create", APP, all[0], all[1], all[2], all[3], "--scopes", ""], "--scopes"),
        (
            &[
                "oauth", "clients", "create", APP, all[0], all[1], all[2], all[3], all[4], all[5], "--type",
                "x",
            ],
            "--type",
        ),
        (
            &["oauth", "clients", "create", "no-uuid", all[0], all[1], all[2], all[3], all[4], all[5]],
            "APP_ID",
        ),
    ];
    for (arguments, named) in cases {
        let ran = ayb_with(arguments, &[("AYB_ADMIN_TOKEN", "x"), ("AYB_URL", "http://127.0.0.1:1")], "");
        assert_eq!(ran.exit, Exit::Usage, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(named), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn list_is_a_table_with_a_closing_count() {
    let mut revoked = client();
    revoked["revokedAt"] = json!("2026-11-21T11:00:00Z");
    revoked["name"] = json!("Old");
    let server = FakeServer::answering(&[(200, &list(&[client(), revoked], 2))]);
    let ran = server.run(&["oauth", "clients", "list"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    let titles = ["Client ID", "Name", "App ID", "Type", "Scopes", "Created", "Status"];
    assert_eq!(
        lines[0].split("  ").map(str::trim).filter(|title| !title.is_empty()).collect::<Vec<_>>(),
        titles
    );
    assert!(lines[1].contains("Shop") && lines[1].ends_with("active"));
    assert!(lines[2].contains("Old") && lines[2].ends_with("revoked"));
    assert_eq!(lines[3..], ["", "2 OAuth clients"]);
    assert!(!ran.out.contains("ayb_cs_"));
    assert_eq!(server.seen()[0].line, "GET /api/admin/oauth/clients?page=1&perPage=100");
}

#[test]
fn an_empty_list_is_one_line() {
    let server = FakeServer::answering(&[(200, &list(&[], 0))]);
    assert_eq!(server.run(&["oauth", "clients", "list"]).out, "No OAuth clients.\n");
    let beyond = r#"{"items":[],"page":3,"perPage":100,"totalItems":120,"totalPages":2}"#;
    let server = FakeServer::answering(&[(200, beyond)]);
    assert_eq!(
        server.run(&["oauth", "clients", "list", "--page", "3"]).out,
        "No OAuth clients on page 3 of 2.\n"
    );
}

#[test]
fn a_list_of_several_pages_says_so() {
    let server = FakeServer::answering(&[(200, &list(&[client()], 57))]);
    let ran = server.run(&["oauth", "clients", "list", "--page", "2", "--per-page", "1"]);
    assert!(ran.out.contains("1 of 57 OAuth clients (page 1 of 1"), "{}", ran.out);
    assert_eq!(server.seen()[0].line, "GET /api/admin/oauth/clients?page=2&perPage=1");
}

#[test]
fn json_is_the_servers_body_and_csv_is_quoted() {
    let body = list(&[client()], 1);
    let server = FakeServer::answering(&[(200, &body), (200, &body)]);
    let json = server.run(&["oauth", "clients", "list", "--json"]);
    assert_eq!(json.out, body + "\n");
    let csv = server.run(&["--output", "csv", "oauth", "clients", "list"]);
    let expected = format!(
        "Client ID,Name,App ID,Type,Scopes,Created,Status\r\n{},Shop,{APP},confidential,\"readonly, openid\",2026-11-21T10:00:00Z,active\r\n",
        client_id()
    );
    assert_eq!(csv.out, expected);
}

#[test]
fn get_shows_every_field() {
    let server = FakeServer::answering(&[(200, &client().to_string())]);
    let ran = server.run(&["oauth", "clients", "get", &client_id()]);
    for line in
        ["Name: Shop", "Redirect URIs: https://shop.example/cb", "Audience: -", "Grants: 3", "Status: active"]
    {
        assert!(ran.out.lines().any(|found| found == line), "{line} is not in {}", ran.out);
    }
    assert_eq!(server.seen()[0].line, format!("GET /api/admin/oauth/clients/{}", client_id()));
}

#[test]
fn update_keeps_what_is_not_named() {
    let server = FakeServer::answering(&[(200, &client().to_string()), (200, &client().to_string())]);
    let ran =
        server.run(&["oauth", "clients", "update", &client_id(), "--name", "New", "--allowed-origins", ""]);
    assert_eq!(ran.out, format!("OAuth client {} updated.\n", client_id()));
    let seen = server.seen();
    assert_eq!(seen[1].line, format!("PUT /api/admin/oauth/clients/{}", client_id()));
    let expected = json!({
        "name": "New", "redirectUris": ["https://shop.example/cb"], "scopes": ["readonly", "openid"],
        "tokenFormat": "opaque", "signingAlg": "RS256", "audience": null, "allowedOrigins": [],
        "postLogoutRedirectUris": [], "refreshTokens": true, "refreshGraceSeconds": 0
    });
    assert_eq!(seen[1].body, expected);
}

#[test]
fn update_without_a_change_is_a_mistake() {
    let server = FakeServer::answering(&[]);
    let ran = server.run(&["oauth", "clients", "update", &client_id()]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.err.starts_with("error: there is nothing to change\n  hint: "), "{}", ran.err);
}

#[test]
fn delete_and_rotate_say_what_happened() {
    let server = FakeServer::answering(&[(204, ""), (204, ""), (200, r#"{"clientSecret":"ayb_cs_fresh"}"#)]);
    let id = client_id();
    assert_eq!(server.run(&["oauth", "clients", "delete", &id]).out, format!("OAuth client {id} revoked.\n"));
    assert_eq!(server.run(&["oauth", "clients", "delete", &id, "--json"]).out, "");
    let rotated = server.run(&["oauth", "clients", "rotate-secret", &id]);
    assert_eq!(
        rotated.out,
        "New Client Secret: ayb_cs_fresh\nSave the secret now: it is shown only this once.\n"
    );
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    let path = format!("/api/admin/oauth/clients/{id}");
    assert_eq!(
        lines,
        [format!("DELETE {path}"), format!("DELETE {path}"), format!("POST {path}/rotate-secret")]
    );
}

#[test]
fn identifiers_that_are_none_never_reach_the_server() {
    for id in ["..", "ayb_cid_", "ayb_cid_../../users", "", "0199c0de-0000-7000-8000-000000000001"] {
        for command in ["get", "delete", "rotate-secret", "update"] {
            let ran = ayb_with(&["oauth", "clients", command, id], &[("AYB_ADMIN_TOKEN", "x")], "");
            assert_eq!(ran.exit, Exit::Usage, "{command} {id}: {}", ran.err);
        }
    }
}

#[test]
fn a_hostile_name_cannot_reach_the_terminal_or_the_spreadsheet() {
    let mut hostile = client();
    hostile["name"] = json!("\u{1b}]0;owned\u{7}=cmd()");
    let created = json!({"client": hostile}).to_string();
    let listed = list(&[hostile], 1);
    let mut formula = client();
    formula["name"] = json!("=cmd|' /C calc'!A0");
    let formulas = list(&[formula], 1);
    let server = FakeServer::answering(&[(201, &created), (200, &listed), (200, &formulas)]);
    let create = [
        "oauth",
        "clients",
        "create",
        APP,
        "--name",
        "x",
        "--redirect-uris",
        "https://s.example",
        "--scopes",
        "*",
    ];
    for arguments in [&create[..], &["oauth", "clients", "list"]] {
        let out = server.run(arguments).out;
        assert!(out.contains("owned") && !out.contains('\u{1b}') && !out.contains('\u{7}'), "{out:?}");
    }
    let csv = server.run(&["oauth", "clients", "list", "--output", "csv"]).out;
    assert!(csv.contains(",\"'=cmd|' /C calc'!A0\","), "{csv}");
}
