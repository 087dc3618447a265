//! Databases on the PostgreSQL server of this test process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

use crate::cluster::Cluster;

/// Where the databases of this process are made.
enum Server {
    Private(Cluster),
    Given(String),
}

impl Server {
    /// The server of this process, started on first use.
    fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::find).as_ref()
    }

    #[expect(clippy::disallowed_methods, reason = "tests have no configuration to read it from")]
    fn find() -> Option<Self> {
        if let Ok(url) = std::env::var("AYB_TEST_POSTGRES_URL") {
            return Some(Self::Given(url));
        }
        let found = Cluster::start("").map(Self::Private);
        if found.is_none() {
            let missing = "no PostgreSQL: install its server, or name one in AYB_TEST_POSTGRES_URL";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
            eprintln!("SKIP {missing}");
        }
        found
    }

    fn url(&self, database: &str) -> String {
        let given = match self {
            Self::Private(cluster) => return cluster.url(database),
            Self::Given(given) => given,
        };
        let (base, query) = given.split_once('?').unwrap_or((given, ""));
        let authority = base.split_once("://").map_or(0, |(scheme, _)| scheme.len() + 3);
        let host = base[authority..].find('/').map_or(base, |slash| &base[..authority + slash]);
        format!("{host}/{database}?{query}")
    }

    fn administration(&self) -> String {
        match self {
            Self::Private(cluster) => cluster.url("postgres"),
            Self::Given(given) => given.clone(),
        }
    }
}

/// An empty database. It is deleted when this value is dropped.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    name: String,
}

impl Database {
    /// Makes an empty database; `None` where there is no PostgreSQL.
    pub async fn create() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = tokio::task::spawn_blocking(Server::shared).await.expect("PostgreSQL starts")?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ayb_test_{}_{number}", std::process::id());
        run(server, &format!("create database {name}")).await;
        Some(Self { url: server.url(&name), name })
    }
}

async fn run(server: &Server, sql: &str) {
    let (client, connection) =
        tokio_postgres::connect(&server.administration(), NoTls).await.expect("a PostgreSQL that answers");
    let task = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("PostgreSQL does it");
    drop(client);
    // The connection ends after its last answer; how is of no interest.
    let _ended = task.await;
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("drop database if exists {} with (force)", self.name);
        // The test's own runtime may be about to stop.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let (Ok(runtime), Some(server)) = (runtime, Server::shared()) {
                runtime.block_on(run(server, &drop));
            }
        });
        // A database that could not be deleted goes with its server.
        let _outcome = thread.join();
    }
}
