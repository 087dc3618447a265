//! `ayb` against the real server.

use ayb_server::admin::{password, sessions};
use ayb_server::cli::Exit;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Desk;
use crate::cli::run::{Ran, ayb_with};
use crate::kit::TestApp;

/// Runs a command line against a server, on a thread of its own because it has a runtime of its own.
async fn ayb(url: &str, token: &str, arguments: &[&str], input: &'static str) -> Ran {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let (url, token) = (url.to_owned(), token.to_owned());
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        ayb_with(&arguments, &[("AYB_URL", &url), ("AYB_ADMIN_TOKEN", &token)], input)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn every_command_of_the_administration_works_with_the_real_server() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let listening = app.listen().await;
    let url = listening.url("");
    let run = async |arguments: &[&str], input: &'static str| {
        let ran = ayb(&url, &desk.token, arguments, input).await;
        assert_eq!(ran.exit, Exit::Done, "{arguments:?}: {}", ran.err);
        ran.out
    };
    let json = async |arguments: &[&str], input: &'static str| -> Value {
        let arguments = [arguments, &["--json"]].concat();
        serde_json::from_str(&run(&arguments, input).await).unwrap()
    };
    assert_eq!(run(&["users", "list"], "").await, "No users.\n");
    let ada =
        json(&["users", "create", "--email", "ada@example.com", "--name", "Ada"], "correct horse\n").await;
    let ada = ada["id"].as_str().unwrap();
    assert!(run(&["users", "list"], "").await.contains("1 user\n"));
    assert!(run(&["users", "get", ada], "").await.contains("Email: ada@example.com\n"));
    assert_eq!(run(&["users", "disable", ada], "").await, format!("User {ada} disabled.\n"));
    assert!(run(&["users", "get", ada], "").await.contains("Status: disabled\n"));
    assert_eq!(run(&["users", "enable", ada], "").await, format!("User {ada} enabled.\n"));
    let said = run(&["users", "set-password", ada], "battery staple\n").await;
    assert_eq!(said, format!("User {ada} has a new password.\n"));
    let said = run(&["users", "revoke", ada], "").await;
    assert_eq!(said, format!("User {ada} has no session, token, API key or consent any more.\n"));

    assert_eq!(run(&["apps", "list"], "").await, "No apps.\n");
    let create = ["apps", "create", "--name", "Shop", "--description", "Sells", "--owner", ada];
    let shop = json(&create, "").await;
    let shop = shop["id"].as_str().unwrap();
    assert_eq!(
        run(&["apps", "update", shop, "--rate-limit", "100"], "").await,
        format!("App {shop} updated.\n")
    );
    let shown = run(&["apps", "get", shop], "").await;
    assert!(
        shown.contains("Rate Limit: 100 per 60 s\n") && shown.contains("Description: Sells\n"),
        "{shown}"
    );

    assert_eq!(run(&["oauth", "clients", "list"], "").await, "No OAuth clients.\n");
    let create = [
        "oauth",
        "clients",
        "create",
        shop,
        "--name",
        "Web",
        "--redirect-uris",
        "https://shop.example/cb,http://localhost/cb",
        "--scopes",
        "readonly,openid",
        "--token-format",
        "jwt",
        "--signing-alg",
        "ES256",
        "--audience",
        "https://api.example",
        "--no-refresh-tokens",
        "--refresh-grace-seconds",
        "5",
    ];
    let created = json(&create, "").await;
    let secret = created["clientSecret"].as_str().unwrap().to_owned();
    let client = created["client"]["clientId"].as_str().unwrap().to_owned();
    let update = ["oauth", "clients", "update", &client, "--name", "Shop Web"];
    assert_eq!(run(&update, "").await, format!("OAuth client {client} updated.\n"));
    let kept = json(&["oauth", "clients", "get", &client], "").await;
    for name in [
        "redirectUris",
        "scopes",
        "tokenFormat",
        "signingAlg",
        "audience",
        "refreshTokens",
        "refreshGraceSeconds",
    ] {
        assert_eq!(kept[name], created["client"][name], "an update keeps {name}");
    }
    assert_eq!(kept["name"], "Shop Web");
    assert!(!run(&["oauth", "clients", "list"], "").await.contains(&secret), "the secret is shown once");
    let rotated = run(&["oauth", "clients", "rotate-secret", &client], "").await;
    assert!(rotated.starts_with("New Client Secret: ayb_cs_") && !rotated.contains(&secret), "{rotated}");
    let said = run(&["oauth", "clients", "delete", &client], "").await;
    assert_eq!(said, format!("OAuth client {client} revoked.\n"));
    assert!(run(&["oauth", "clients", "get", &client], "").await.contains("Status: revoked\n"));
    assert!(run(&["keys", "list"], "").await.contains("active"));
    assert!(json(&["keys", "rotate", "--now"], "").await["items"].as_array().unwrap().len() == 6);
    assert!(json(&["keys", "rotate", "--withdraw"], "").await["items"].as_array().unwrap().len() == 3);

    let create = [
        "apikeys",
        "create",
        ada,
        "--name",
        "Import",
        "--scope",
        "readwrite",
        "--tables",
        "notes",
        "--app",
        shop,
    ];
    let created = json(&create, "").await;
    let (key, id) = (created["key"].as_str().unwrap(), created["apiKey"]["id"].as_str().unwrap());
    assert_eq!(app.get("/api/auth/me").bearer(key).await.member("id"), ada);
    let listed = run(&["apikeys", "list", "--user", ada], "").await;
    assert!(listed.contains(&key[..12]) && !listed.contains(&key[..13]), "the key is shown once: {listed}");
    assert_eq!(run(&["apikeys", "revoke", id], "").await, format!("API key {id} revoked.\n"));
    assert_eq!(app.get("/api/auth/me").bearer(key).await.status, 401);
    assert!(run(&["apikeys", "list"], "").await.contains("revoked"));

    let refused = ayb(&url, &desk.token, &["apps", "delete", shop], "").await;
    assert_eq!(refused.exit, Exit::Failed);
    assert!(refused.err.contains("{\"apiKeys\":1,\"clients\":1}"), "{}", refused.err);
    let gone = ayb(&url, &desk.token, &["oauth", "clients", "delete", &client], "").await;
    assert_eq!(
        (gone.exit, gone.err.lines().next()),
        (Exit::NotFound, Some("error: there is no such client"))
    );
    let wrong = ayb(&url, "ayb_adm_wrong", &["users", "list"], "").await;
    assert_eq!(wrong.exit, Exit::Unauthorized);
    assert_eq!(run(&["users", "delete", ada], "").await, format!("User {ada} deleted.\n"));
    assert!(run(&["status"], "").await.contains("Status: ok\n"));
    listening.stop().await;
}

#[tokio::test]
async fn the_administrator_signs_in_and_changes_the_password_from_the_command_line() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let url = listening.url("");
    let first = Zeroizing::new("opensesame".to_owned());
    password::reset(&app.app.store, &app.app.passwords, first, app.clock.now()).await.unwrap();
    let desk = Desk::at(&app).await;
    let short = ayb(&url, &desk.token, &["admin", "set-password"], "opensesame\nshort\n").await;
    assert_eq!(short.exit, Exit::Failed);
    assert!(short.err.contains("at least 8 characters"), "{}", short.err);
    let changed = ayb(&url, &desk.token, &["admin", "set-password"], "opensesame\na new password\n").await;
    assert_eq!(changed.exit, Exit::Done, "{}", changed.err);
    let over = ayb(&url, &desk.token, &["users", "list"], "").await;
    assert_eq!(over.exit, Exit::Unauthorized);

    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap().to_owned();
    let login = move |input: &'static str| {
        let (url, home) = (url.clone(), home.clone());
        tokio::task::spawn_blocking(move || {
            let login = ayb_with(&["admin", "login"], &[("AYB_URL", &url), ("HOME", &home)], input);
            let list = ayb_with(&["users", "list"], &[("AYB_URL", &url), ("HOME", &home)], "");
            (login, list)
        })
    };
    let (refused, list) = login("opensesame\n").await.unwrap();
    assert_eq!((refused.exit, list.exit), (Exit::Unauthorized, Exit::Unauthorized));
    let (done, list) = login("a new password\n").await.unwrap();
    assert_eq!((done.exit, list.exit), (Exit::Done, Exit::Done), "{} {}", done.err, list.err);
    listening.stop().await;
}

#[tokio::test]
async fn whoever_has_the_servers_files_can_reset_the_administrators_password() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        let desk = Desk::at(&app).await;
        let folder = app.app.config.server.data_dir.clone();
        std::fs::create_dir_all(&folder).unwrap();
        sessions::write_local_token(&app.app).await.unwrap();
        let reset = async |input: &'static str, more: &'static [(&'static str, &'static str)]| {
            let (url, folder) = (app.database.url.clone(), folder.to_str().unwrap().to_owned());
            let run = move || {
                let mut variables =
                    vec![("AYB_DATABASE_URL", url.as_str()), ("AYB_DATA_DIR", folder.as_str())];
                variables.extend(more);
                ayb_with(&["admin", "reset-password"], &variables, input)
            };
            tokio::task::spawn_blocking(run).await.unwrap()
        };
        let short = reset("short\n", &[]).await;
        assert_eq!(short.exit, Exit::Failed);
        assert!(short.err.contains("at least 8 characters"), "{}", short.err);
        let configured = reset("a new password\n", &[("AYB_ADMIN_PASSWORD", "opensesame")]).await;
        assert!(configured.err.contains("admin.password in the configuration"), "{}", configured.err);
        assert_eq!(desk.get(super::USERS).await.status, 200, "a refused reset changes nothing");

        let done = reset("a new password\n", &[]).await;
        assert_eq!(done.exit, Exit::Done, "{} {}", app.kind, done.err);
        assert_eq!(desk.get(super::USERS).await.status, 401, "every session is over");
        assert!(!folder.join("admin-token").exists(), "a dead token is in nobody's way");
        for (password, status) in [(made.as_str(), 401), ("a new password", 200)] {
            let reply = app.post("/api/admin/auth").json(&json!({"password": password})).await;
            assert_eq!(reply.status, status);
        }
    }
}
