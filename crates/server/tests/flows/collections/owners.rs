//! What keeps a server from starting with rows open that are meant to have owners.

use ayb_server::config::Config;
use ayb_testkit::Kind;

use super::everywhere;
use crate::kit::TestApp;
use crate::kit::app::MASTER_KEY;

#[tokio::test]
async fn an_owner_that_is_not_there_keeps_the_server_from_starting() {
    for library in everywhere().await {
        let start = async |owner: &str| {
            let owners = vec!["notes.owner_id".to_owned(), owner.to_owned()];
            let change = move |config: &mut Config| config.tables.owners = owners;
            let started = library.app.reopened(change, MASTER_KEY).await;
            started.err().map(|error| error.to_string()).unwrap_or_default()
        };
        for owner in ["note.owner_id", "books.owner_id"] {
            let refused = start(owner).await;
            assert!(
                refused.contains(&format!("tables.owners names {owner}, which is not there")),
                "{refused}"
            );
            assert!(refused.contains("hint: "), "{refused}");
        }
        let shouted = start("Notes.Owner_ID").await;
        assert_eq!(shouted.is_empty(), library.app.kind == Kind::Sqlite, "SQLite knows no case: {shouted}");
    }
}

#[tokio::test]
async fn an_owner_that_is_not_there_is_no_matter_while_the_tables_are_closed() {
    let app = TestApp::with(|config| {
        config.tables.enabled = false;
        config.tables.owners = vec!["note.owner_id".to_owned()];
    })
    .await;
    assert_eq!(app.get("/health/ready").await.status, 200);
}
