use std::fs;
use std::path::Path;

use ayb_server::cli::Exit;
use serde_json::json;

use super::run::{FakeServer, Ran, ayb_with};

fn run(server: &FakeServer, home: &Path, arguments: &[&str], input: &str) -> Ran {
    let data_dir = home.join("data");
    let data_dir = data_dir.to_str().unwrap();
    let variables =
        [("AYB_URL", server.url.as_str()), ("HOME", home.to_str().unwrap()), ("AYB_DATA_DIR", data_dir)];
    ayb_with(arguments, &variables, input)
}

#[test]
fn login_saves_a_token_that_later_commands_use() {
    let home = tempfile::tempdir().unwrap();
    let server = FakeServer::answering(&[(200, r#"{"token":"fresh"}"#), (200, r#"{"items":[]}"#)]);
    let login = run(&server, home.path(), &["admin", "login"], "opensesame\n");
    assert_eq!(login.exit, Exit::Done, "{}", login.err);
    assert!(!login.out.contains("fresh") && !login.out.contains("opensesame"), "{}", login.out);
    assert_eq!(run(&server, home.path(), &["users", "list"], "").exit, Exit::Done);
    let seen = server.seen();
    assert_eq!((seen[0].line.as_str(), seen[0].authorization.as_str()), ("POST /api/admin/auth", ""));
    assert_eq!(seen[0].body, json!({"password": "opensesame"}));
    assert_eq!(seen[1].authorization, "Bearer fresh");
}

#[cfg(unix)]
#[test]
fn the_saved_token_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let server = FakeServer::answering(&[(200, r#"{"token":"fresh"}"#)]);
    run(&server, home.path(), &["admin", "login"], "opensesame\n");
    let saved = fs::metadata(home.path().join(".config/ayb/admin-token")).unwrap();
    assert_eq!(saved.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_saved_token_is_sent_to_no_other_server() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/ayb");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("admin-token"), "fresh\nhttps://id.example.com\n").unwrap();
    let server = FakeServer::answering(&[]);
    let ran = run(&server, home.path(), &["users", "list"], "");
    assert_eq!(ran.exit, Exit::Unauthorized);
    assert!(ran.err.contains("no administrator's token for http://127.0.0.1"), "{}", ran.err);
    assert!(ran.err.contains("hint: sign in with `ayb admin login`"), "{}", ran.err);
}

#[test]
fn the_token_is_looked_for_in_the_documented_order() {
    let home = tempfile::tempdir().unwrap();
    let (user, data) = (home.path().join(".config/ayb"), home.path().join("data"));
    let server = FakeServer::answering(&[(200, "{}"), (200, "{}"), (200, "{}"), (200, "{}")]);
    fs::create_dir_all(&user).unwrap();
    fs::create_dir_all(&data).unwrap();
    fs::write(user.join("admin-token"), format!("user\n{}\n", server.url)).unwrap();
    run(&server, home.path(), &["users", "list"], "");
    fs::write(data.join("admin-token"), "data").unwrap();
    run(&server, home.path(), &["users", "list"], "");
    server.run(&["users", "list", "--data-dir", data.to_str().unwrap()]);
    server.run(&["users", "list", "--admin-token", "flag"]);
    let tokens: Vec<String> = server.seen().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(tokens, ["Bearer user", "Bearer data", "Bearer secret-token", "Bearer flag"]);
}

#[test]
fn a_wrong_password_is_not_authorized_and_saves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = FakeServer::answering(&[(401, r#"{"code":401,"message":"invalid password"}"#)]);
    let ran = run(&server, home.path(), &["admin", "login"], "wrong\n");
    assert_eq!(ran.exit, Exit::Unauthorized);
    assert_eq!(ran.err, "error: invalid password\n  cause: HTTP status 401\n");
    assert!(!home.path().join(".config").exists());
}

#[test]
fn the_password_can_be_changed_by_whoever_knows_it() {
    let server = FakeServer::answering(&[(204, "")]);
    let ran = server.run_with_input(&["admin", "set-password"], "the old password\na new password\n");
    assert_eq!(
        ran.out, "The administrator has a new password. Sign in again with `ayb admin login`.\n",
        "{}",
        ran.err
    );
    let seen = server.seen();
    assert_eq!(seen[0].line, "PUT /api/admin/password");
    assert_eq!(seen[0].body, json!({"currentPassword": "the old password", "newPassword": "a new password"}));

    let silent = FakeServer::answering(&[]);
    let ran = silent.run_with_input(&["admin", "set-password"], "the old password\n");
    assert_eq!(ran.exit, Exit::Usage, "half of it is not enough");
}

#[test]
fn secrets_do_not_travel_in_the_clear_to_other_machines() {
    for arguments in [&["users", "list"][..], &["admin", "login"], &["admin", "set-password"]] {
        for url in ["http://192.0.2.1:8090", "http://localhost.evil.example"] {
            let ran =
                ayb_with(arguments, &[("AYB_URL", url), ("AYB_ADMIN_TOKEN", "x")], "password\npassword\n");
            assert_eq!(ran.exit, Exit::Usage, "{arguments:?} {url}");
            assert!(ran.err.contains("--allow-plain-http"), "{}", ran.err);
        }
    }
}
