use std::net::TcpListener;

use ayb_server::cli::Exit;

use super::run::{FakeServer, ayb_with};

#[test]
fn each_answer_of_the_server_has_its_exit_code() {
    for (status, body, exit, message) in [
        (400, r#"{"code":400,"message":"name is required"}"#, Exit::Failed, "name is required"),
        (401, r#"{"code":401,"message":"unauthorized"}"#, Exit::Unauthorized, "unauthorized"),
        (403, r#"{"code":403,"message":"forbidden"}"#, Exit::Unauthorized, "forbidden"),
        (404, r#"{"code":404,"message":"not found"}"#, Exit::NotFound, "not found"),
        (409, r#"{"code":409,"message":"conflict"}"#, Exit::Failed, "conflict"),
        (429, r#"{"code":429,"message":"too many requests"}"#, Exit::Failed, "too many requests"),
        (500, "<html>oops</html>", Exit::Failed, "the server refused the request"),
        (502, "", Exit::Unreachable, "the server refused the request"),
        (302, "", Exit::Failed, "the server refused the request"),
        (200, "<html>hello</html>", Exit::Failed, "did not answer in JSON"),
        (400, r#"{"error":"invalid_request","error_description":"bad"}"#, Exit::Failed, "bad"),
        (400, "{\"message\":\"\\u001b[2Jgone\"}", Exit::Failed, "\\u{1b}[2Jgone"),
    ] {
        let server = FakeServer::answering(&[(status, body)]);
        let ran = server.run(&["users", "list"]);
        assert_eq!(ran.exit, exit, "{status} {body}: {}", ran.err);
        assert!(ran.err.starts_with("error: ") && ran.err.contains(message), "{status}: {}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.contains("secret-token") && !ran.err.contains('\u{1b}'));
    }
}

#[test]
fn the_exit_codes_are_the_documented_numbers() {
    let numbers =
        [Exit::Done, Exit::Failed, Exit::Usage, Exit::Unreachable, Exit::Unauthorized, Exit::NotFound];
    assert_eq!(numbers.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn details_of_a_refusal_are_shown() {
    let body = r#"{"code":400,"message":"invalid client","data":{"redirectUris":"must be https"}}"#;
    let server = FakeServer::answering(&[(400, body)]);
    let ran = server.run(&["users", "list"]);
    assert!(ran.err.contains(r#"cause: HTTP status 400, {"redirectUris":"must be https"}"#), "{}", ran.err);
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for arguments in [&["status"][..], &["users", "list"]] {
        let ran = ayb_with(arguments, &[("AYB_URL", &url), ("AYB_ADMIN_TOKEN", "x")], "");
        assert_eq!(ran.exit, Exit::Unreachable, "{}", ran.err);
        assert!(
            ran.err.starts_with(&format!("error: cannot reach the server at {url}/\n  cause: ")),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("\n  hint: start it with `ayb start`"), "{}", ran.err);
    }
}

#[test]
fn a_server_that_runs_and_does_not_answer_is_not_told_to_be_started() {
    let folder = tempfile::tempdir().unwrap();
    let claim = ayb_server::cli::process::claim(folder.path()).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let arguments = ["status", "--data-dir", folder.path().to_str().unwrap()];
    let ran = || ayb_with(&arguments, &[("AYB_SERVER_PORT", &free)], "");
    let running = ran();
    let hint = format!("hint: a server runs here (process {}): its log", std::process::id());
    assert!(running.exit == Exit::Unreachable && running.err.contains(&hint), "{}", running.err);
    drop(claim);
    assert!(ran().err.contains("hint: start it with `ayb start`"));
}

/// Else the command would go to whichever server is at the default address.
#[test]
fn a_configuration_file_that_cannot_be_read_names_no_server() {
    for arguments in [
        &["status", "--config", "/nowhere/ayb.toml"][..],
        &["users", "list", "--config", "/nowhere/ayb.toml"],
    ] {
        let ran = ayb_with(arguments, &[("AYB_ADMIN_TOKEN", "x")], "");
        assert_eq!(ran.exit, Exit::Failed, "{}", ran.err);
        assert!(ran.err.contains("/nowhere/ayb.toml: cannot be opened"), "{}", ran.err);
    }
    let server = FakeServer::answering(&[(200, r#"{"status":"ok","database":"ok"}"#)]);
    assert_eq!(server.run(&["status", "--config", "/nowhere/ayb.toml"]).exit, Exit::Done, "it was named");
}

#[test]
fn hostile_server_urls_are_refused() {
    for url in [
        "",
        "localhost:8090",
        "ftp://localhost",
        "http://user:pw@localhost",
        "http://localhost/?a=b",
        "http://localhost/#x",
    ] {
        let ran = ayb_with(&["users", "list", "--url", url], &[("AYB_ADMIN_TOKEN", "x")], "");
        assert_eq!(ran.exit, Exit::Usage, "{url}: {}", ran.err);
    }
}

#[test]
fn status_shows_health_and_fails_when_there_is_none() {
    let healthy = FakeServer::answering(&[(200, r#"{"status":"ok","database":"ok"}"#)]);
    let ran = healthy.run(&["status"]);
    let said = format!("Server: {}/\nStatus: ok\nDatabase: ok\n", healthy.url);
    assert_eq!((ran.exit, ran.out), (Exit::Done, said));
    let seen = healthy.seen();
    assert_eq!((seen[0].line.as_str(), seen[0].authorization.as_str()), ("GET /health", ""));
    let degraded = FakeServer::answering(&[(503, r#"{"status":"degraded","database":"unreachable"}"#)]);
    let ran = degraded.run(&["status"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.out.ends_with("/\nStatus: degraded\nDatabase: unreachable\n"), "{}", ran.out);
    assert!(ran.err.contains("is not healthy"), "{}", ran.err);
}
