//! One file is the whole product: alone in a folder, without environment or argument, it serves everything.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::binary::Setup;
use super::caller::Pair;

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

/// Addresses of the files that a page loads.
fn loaded(page: &str) -> Vec<&str> {
    let parts = page.split("href=\"").skip(1).chain(page.split("src=\"").skip(1));
    let addresses = parts.filter_map(|rest| rest.split('"').next());
    addresses.filter(|address| address.contains("/assets/")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_binary_alone_in_an_empty_folder_serves_api_pages_assets_and_description() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::alone_in(folder.path());
    assert_eq!(names(folder.path()), BTreeSet::from(["ayb".to_owned()]));
    let mut init = Command::new(folder.path().join("ayb"));
    let done = init.arg("init").current_dir(folder.path()).env_clear().output().unwrap();
    assert!(done.status.success(), "{done:?}");

    let ayb = setup.start().await;
    let caller = &ayb.caller;
    // The administration's API, sign-in, the consent page, the API of accounts, and the provider.
    let world = caller.world(&ayb.admin_token()).await;
    let code = caller.code(&world).await.unwrap().unwrap();
    let tokens = Pair::of(&caller.redeem(&world, &code).await.unwrap());
    assert_eq!(caller.userinfo(&tokens.access).await.unwrap().status, 200);
    let health = caller.get("/health").await.unwrap();
    assert_eq!((health.status, health.text.as_str()), (200, r#"{"status":"ok","database":"ok"}"#));

    let page = caller.get("/login").await.unwrap().text;
    let origin = "http://localhost:8090";
    let files = loaded(&page);
    assert!(files.len() >= 2, "a style sheet and an icon: {page}");
    for file in files {
        let reply = caller.get(file.strip_prefix(origin).unwrap_or(file)).await.unwrap();
        assert!(reply.status == 200 && reply.text.len() > 100, "{file}: {reply:?}");
    }
    let description = caller.get("/api/openapi.json").await.unwrap().json();
    assert!(description["paths"].get("/oauth/token").is_some(), "{description}");
    let known = ["ayb", "ayb-data", "ayb.toml"].map(str::to_owned);
    assert_eq!(names(folder.path()), BTreeSet::from(known), "it keeps to its own folder");
    assert!(ayb.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_needs_no_set_up_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::alone_in(folder.path());
    let ayb = setup.start().await;
    for path in ["/", "/login", "/signup", "/health", "/api/openapi.json"] {
        assert_eq!(ayb.caller.status(path).await, 200, "{path}");
    }
    assert!(ayb.said().contains("  Admin password  "), "{}", ayb.said());
    let apps = ayb.caller.admin(&ayb.admin_token(), "apps", None).await.unwrap();
    assert_eq!(apps.status, 200, "{apps:?}");
    assert!(ayb.stop().await.success());
}
