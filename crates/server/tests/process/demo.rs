//! The demo: a person, an app and a client with well-known credentials, for this machine and nobody else.

use ayb_server::demo::{DEMO_EMAIL, DEMO_PASSWORD};
use ayb_testkit::sqlite_at;
use serde_json::json;

use super::binary::{ADMIN_PASSWORD, Ayb, Setup, free_port};

fn demo(setup: Setup) -> Setup {
    setup.argument("--demo")
}

/// What the demo put into the database: the person with their hash, the app, the client.
async fn seeded(setup: &Setup) -> Vec<Vec<Option<String>>> {
    let sql = "select u.id, u.email, u.password_hash, a.id, c.client_id, c.created_at
         from _ayb_users u, _ayb_apps a, _ayb_oauth_clients c where c.app_id = a.id";
    sqlite_at(&setup.sqlite()).rows(sql).await
}

/// The page works with this client, and the person of the page can sign in.
async fn assert_open(ayb: &Ayb, client_id: &str) {
    let page = ayb.caller.get("/demo").await.unwrap();
    assert!(page.status == 200 && page.text.contains(client_id), "{page:?}");
    assert!(page.text.contains(DEMO_EMAIL) && page.text.contains(DEMO_PASSWORD), "{page:?}");
    let reply = ayb.caller.log_in(DEMO_EMAIL, DEMO_PASSWORD).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_keeps_the_client_of_the_demo_and_its_credentials() {
    let setup = demo(Setup::new()).without("AYB_ADMIN_PASSWORD");
    let first = setup.start().await;
    let rows = seeded(&setup).await;
    assert_eq!(rows.len(), 1, "one person, one app, one client: {rows:?}");
    let client_id = rows[0][4].clone().unwrap();
    assert_open(&first, &client_id).await;
    let told = |said: &str| said.matches("The admin password is shown this once").count();
    assert_eq!(told(&first.said()), 1, "an administrator, whose password is random");
    assert!(first.stop().await.success());

    let second = setup.start().await;
    assert_eq!(seeded(&setup).await, rows);
    assert_open(&second, &client_id).await;
    assert!(second.said().contains("Admin password  as set earlier"));
    assert!(second.stop().await.success());

    let without = Setup::at(&setup.data_dir).start().await;
    assert_eq!(without.caller.status("/demo").await, 404, "without --demo there is no demo");
}

#[tokio::test]
async fn a_server_that_others_can_reach_has_no_demo() {
    let everywhere = Setup::new().argument("--host").argument("0.0.0.0");
    let by_variable = Setup::new().with("AYB_SERVER_HOST", "0.0.0.0");
    let behind_a_proxy = Setup::new().with("AYB_SERVER_PUBLIC_URL", "https://id.example.com");
    for setup in [everywhere, by_variable, behind_a_proxy].map(demo) {
        let setup = setup.argument("--port").argument(&free_port().to_string());
        let refused = setup.refused();
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let words = "error: the demo has a well-known password, so it starts for this machine only\n";
        assert!(refused.err.contains(words) && refused.err.contains("hint: "), "{refused:?}");
        assert!(refused.out.is_empty() && !refused.err.contains(ADMIN_PASSWORD), "{refused:?}");
        let users = sqlite_at(&setup.sqlite()).rows("select count(*) from _ayb_users").await;
        assert_eq!(users, [[Some("0".to_owned())]], "nothing was put into the database");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_notes_of_the_demo_belong_to_who_writes_them() {
    let setup = demo(Setup::new());
    let ayb = setup.start().await;
    let token = ayb.caller.log_in(DEMO_EMAIL, DEMO_PASSWORD).await.unwrap().member("token");
    let made = ayb
        .caller
        .bearer(&token, "/api/collections/notes", Some(json!({"title": "Buy milk"})))
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let person = seeded(&setup).await[0][1].clone();
    assert_eq!(person.as_deref(), Some(DEMO_EMAIL));
    let listed = ayb.caller.bearer(&token, "/api/collections/notes", None).await.unwrap().json();
    assert_eq!((&listed["totalItems"], &listed["items"][0]["title"]), (&json!(1), &json!("Buy milk")));
    let everybody = ayb.caller.get("/api/collections/notes").await.unwrap();
    assert_eq!(everybody.status, 401, "{everybody:?}");
    assert!(ayb.stop().await.success());
    let rows = sqlite_at(&setup.sqlite()).rows("select count(*) from notes where owner_id <> ''").await;
    assert_eq!(rows, [[Some("1".to_owned())]]);
}
