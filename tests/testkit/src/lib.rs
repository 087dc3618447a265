//! Databases for tests. Every test gets its own, empty one, on each kind of database that ayb speaks to:
//!
//! ```no_run
//! # async fn example() {
//! for database in ayb_testkit::databases().await {
//!     println!("{} is at {}", database.kind, database.url);
//! }
//! # }
//! ```
//!
//! PostgreSQL is a private server of the test process, started from the binaries of the system, or the one that
//! `AYB_TEST_POSTGRES_URL` names. Without either, its tests are skipped with a line on standard error, or fail when
//! `CI=true`.

pub mod cluster;
pub mod postgres;
pub mod rows;

use std::fmt;

use tempfile::TempDir;

/// The kind of a database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database on a server.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// An empty database. It is deleted when this value is dropped.
#[derive(Debug)]
pub struct Database {
    /// Its kind.
    pub kind: Kind,
    /// Its address, as `database.url` takes it.
    pub url: String,
    _owned: Owned,
}

#[derive(Debug)]
enum Owned {
    Elsewhere,
    Folder {
        _folder: TempDir,
    },
    Postgres {
        _database: postgres::Database,
    },
    /// A database of a server that goes as a whole.
    Borrowed,
}

impl cluster::Cluster {
    /// A database of this server, which exists.
    pub fn database(&self, name: &str) -> Database {
        Database { kind: Kind::Postgres, url: self.url(name), _owned: Owned::Borrowed }
    }
}

/// A SQLite file that somebody else looks after.
pub fn sqlite_at(url: &str) -> Database {
    Database { kind: Kind::Sqlite, url: url.to_owned(), _owned: Owned::Borrowed }
}

/// An empty SQLite file in a folder of its own.
pub fn sqlite() -> Database {
    let folder = tempfile::Builder::new().prefix("ayb-test-").tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("ayb.db").display());
    Database { kind: Kind::Sqlite, url, _owned: Owned::Folder { _folder: folder } }
}

/// A database that somebody else looks after, such as one of a [`cluster::Cluster`].
pub fn elsewhere(kind: Kind, url: impl Into<String>) -> Database {
    Database { kind, url: url.into(), _owned: Owned::Elsewhere }
}

/// An empty PostgreSQL database; `None` where there is no PostgreSQL, which has then been said on standard error.
pub async fn postgres() -> Option<Database> {
    let database = postgres::Database::create().await?;
    let url = database.url.clone();
    Some(Database { kind: Kind::Postgres, url, _owned: Owned::Postgres { _database: database } })
}

/// An empty database of every kind.
pub async fn databases() -> Vec<Database> {
    let mut databases = vec![sqlite()];
    databases.extend(postgres().await);
    databases
}
