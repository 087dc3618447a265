//! Databases for the tests of this crate.

use ayb_store::db::{Db, DbOptions, migrate};
use ayb_testkit::databases;

/// Runs `test` on an empty database of every kind.
pub(crate) async fn each(test: impl AsyncFn(Db)) {
    each_url(async |url: &str| test(open(url).await).await).await;
}

/// Runs `test` on a database of every kind that has all tables.
pub(crate) async fn each_migrated(test: impl AsyncFn(Db)) {
    each(async |db: Db| {
        migrate::up(&db).await.unwrap();
        test(db).await;
    })
    .await;
}

/// Runs `test` with the address of an empty database of every kind.
pub(crate) async fn each_url(test: impl AsyncFn(&str)) {
    for database in databases().await {
        eprintln!("on {}", database.kind);
        test(&database.url).await;
    }
}

/// Opens a database with the usual options.
pub(crate) async fn open(url: &str) -> Db {
    Db::open(url, DbOptions::default()).await.unwrap()
}
