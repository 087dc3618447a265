//! Clean-up is the server's own work: nobody calls for it.

use ayb_protocol::time::Timestamp;
use ayb_testkit::databases;

use super::binary::{Setup, eventually};
use crate::kit::TestApp;
use crate::kit::app::MASTER_KEY;

/// Long before any clock that this test may run under.
const LONG_AGO: i64 = 1_600_000_000;

/// What dies; sessions of people only, because the server makes one for the command line at its start.
const MORTAL: &str = "select (select count(*) from _ayb_oauth_authorization_codes),
    (select count(*) from _ayb_oauth_tokens), (select count(*) from _ayb_oauth_grants),
    (select count(*) from _ayb_sessions where user_id is not null)";
const LASTING: &str = "select (select count(*) from _ayb_users), (select count(*) from _ayb_oauth_clients),
    (select count(*) from _ayb_oauth_consents)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_deletes_what_has_been_dead_for_a_day() {
    for database in databases().await {
        let past = TestApp::on(database).await;
        past.clock.set(Timestamp::from_seconds(LONG_AGO));
        let (ada, client) = (past.user("ada").await, past.confidential_client().await);
        past.tokens(&client, &ada, "openid").await;
        let counts = past.db_rows(MORTAL).await;
        assert_eq!(counts, [["1", "2", "1", "1"].map(|count| Some(count.to_owned()))], "{}", past.kind);
        let lasting = past.db_rows(LASTING).await;
        // The kit makes its signing keys in the future of a clock that is right.
        past.db_rows("delete from _ayb_signing_keys").await;

        let master_key = ayb_protocol::hex::encode(MASTER_KEY);
        let setup = Setup::new().on(&past.database.url);
        let ayb = setup.with("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", &master_key).start().await;
        let nothing = [["0"; 4].map(|count| Some(count.to_owned()))];
        eventually("the clean-up", async || past.db_rows(MORTAL).await == nothing).await;
        assert_eq!(past.db_rows(LASTING).await, lasting, "{}: what does not die stays", past.kind);
        assert_eq!(ayb.caller.status("/health/ready").await, 200);
        assert!(ayb.stop().await.success());
    }
}
