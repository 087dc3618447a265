use ayb_server::cli::Exit;
use serde_json::json;

use super::run::FakeServer;

const USER: &str = "0199c0de-0000-7000-8000-000000000002";

fn user() -> String {
    let fields = json!({
        "id": USER, "email": "ada@example.com", "emailVerified": true, "name": null, "disabledAt": null,
        "createdAt": "2026-11-21T10:00:00Z", "updatedAt": "2026-11-21T10:00:00Z"
    });
    fields.to_string()
}

#[test]
fn every_command_asks_the_right_path() {
    let list = json!({"items": [], "totalItems": 0}).to_string();
    let one = format!("/api/admin/users/{USER}");
    let cases: [(&[&str], u16, &str, String); 6] = [
        (&["users", "list"], 200, "No users.\n", "GET /api/admin/users?page=1&perPage=100".to_owned()),
        (&["users", "disable", USER], 204, "disabled.\n", format!("POST {one}/disable")),
        (&["users", "enable", USER], 200, "enabled.\n", format!("POST {one}/enable")),
        (&["users", "delete", USER], 204, "deleted.\n", format!("DELETE {one}")),
        (
            &["users", "get", USER],
            200,
            "Email: ada@example.com\nVerified: true\nName: -\n",
            format!("GET {one}"),
        ),
        (&["users", "set-password", USER], 204, "has a new password.\n", format!("PUT {one}/password")),
    ];
    for (arguments, status, says, asks) in cases {
        let body = match status {
            204 => String::new(),
            _ if arguments[1] == "list" => list.clone(),
            _ => user(),
        };
        let server = FakeServer::answering(&[(status, &body)]);
        let ran = server.run_with_input(arguments, "correct horse\n");
        assert!(ran.out.contains(says), "{arguments:?}: {} {}", ran.out, ran.err);
        assert_eq!(server.seen()[0].line, asks);
    }
}

#[test]
fn a_password_comes_from_the_pipe_and_never_from_the_command_line() {
    let server = FakeServer::answering(&[(201, &user())]);
    let create = ["users", "create", "--email", "ada@example.com", "--name", "Ada"];
    let ran = server.run_with_input(&create, "correct horse\nmore");
    assert_eq!(ran.out, format!("User created: {USER} (ada@example.com)\n"));
    let expected = json!({"email": "ada@example.com", "password": "correct horse", "name": "Ada"});
    assert_eq!(server.seen()[0].body, expected);

    let silent = FakeServer::answering(&[]);
    let ran = silent.run_with_input(&create, "");
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.err.starts_with("error: no password was given"), "{}", ran.err);
}
