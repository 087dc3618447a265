//! SQLite: one writer thread with group commit, read-only connections for everything else.

mod bind;
mod codec;
mod dynamic;
mod reader;
mod writer;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

pub(super) use self::codec::Cells;
use self::reader::Readers;
pub(super) use self::writer::Session;
use self::writer::Writer;
use super::row::Row;
use super::{DbOptions, Reading, Tx, Value};
use crate::error::StoreError;

/// Older libraries can damage a WAL database when two connections write and checkpoint at the same moment.
const OLDEST: i32 = 3_051_003;

/// How long a connection waits for the lock of another process, for example of the command line.
const BUSY: Duration = Duration::from_secs(5);

/// The longest pattern of `like` and `glob`, in bytes. The work of one is the length of the pattern times that of the
/// text, and nothing can stop it in between. A pattern of a caller comes to 600 bytes, with each character in brackets.
const PATTERN: i32 = 1000;

/// How much of the file is mapped, in bytes: as much as SQLite is built for (`.cargo/config.toml`). It is address space, not
/// memory.
const MAPPED: i64 = 0x100_0000_0000;

/// One database file.
pub(super) struct Database {
    writer: Writer,
    readers: Readers,
}

impl Database {
    /// Opens the file, and creates it when it is absent, readable by its owner only.
    pub(super) fn open(path: &Path, options: &DbOptions) -> Result<Self, StoreError> {
        let version = rusqlite::version_number();
        if version < OLDEST {
            return Err(StoreError::unavailable(format!("SQLite {version} is older than {OLDEST}")));
        }
        let path = match &options.data_dir {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        };
        create(&path)?;
        let writer = Writer::start(connect_writer(&path)?, options)?;
        Ok(Self { writer, readers: Readers::new(path) })
    }

    /// Reads inline: a hop to another thread costs more than a point read.
    pub(super) fn one(
        &self,
        reading: Reading,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        self.readers.inline(reading, |connection| Ok(codec::run(connection, sql, params, 1)?.0.pop()))
    }

    /// Reads on a blocking thread, for lists.
    pub(super) async fn many(
        &self,
        sql: Cow<'static, str>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.readers
            .apart(move |connection| Ok(codec::run_text(connection, &sql, &params, usize::MAX)?.0))
            .await
    }

    /// One durable statement: its first row and how many rows it changed.
    pub(super) async fn write(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<(Option<Row>, u64), StoreError> {
        self.writer.statement(sql, params).await
    }

    /// The body as one durable transaction.
    pub(super) async fn transaction<A, T, F>(
        &self,
        name: &'static str,
        ask: A,
        body: F,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        self.writer.transaction(name, ask, body).await
    }
}

/// Creates the file before SQLite does, because SQLite would let others read it; its companion files copy the mode.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut file = std::fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let opened = file.open(path);
    opened.map_err(|error| StoreError::unavailable(format!("{}: {error}", path.display())))?;
    Ok(())
}

fn connect_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(codec::error)?;
    connection.busy_timeout(BUSY).map_err(codec::error)?;
    keep_plans(&connection).map_err(codec::error)?;
    names_are_no_strings(&connection).map_err(codec::error)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN).map_err(codec::error)?;
    connection.set_prepared_statement_cache_capacity(256);
    let settings = "pragma journal_mode = wal;
         pragma synchronous = full;
         pragma foreign_keys = on;
         pragma trusted_schema = off;
         pragma cache_size = -8192;
         pragma wal_autocheckpoint = 8192;
         pragma journal_size_limit = 67108864;";
    connection.execute_batch(settings).map_err(codec::error)?;
    connection.pragma_update(None, "mmap_size", MAPPED).map_err(codec::error)?;
    Ok(connection)
}

fn connect_reader(path: &Path, reading: Reading) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    keep_plans(&connection)?;
    names_are_no_strings(&connection)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN)?;
    connection.set_prepared_statement_cache_capacity(128);
    let settings = "pragma query_only = on;
         pragma trusted_schema = off;
         pragma cache_size = -1024;";
    connection.execute_batch(settings)?;
    // A mapping spares the copy of each page, but SQLite gives it up whenever the file has changed since the last read.
    let mapped = if reading == Reading::Often { MAPPED } else { 0 };
    connection.pragma_update(None, "mmap_size", mapped)?;
    Ok(connection)
}

/// A prepared statement keeps its plan. Otherwise SQLite plans anew whenever a parameter changes that could make a
/// partial index fit, which costs more than the search itself.
fn keep_plans(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// A name in double quotes that no column has is an error. SQLite would take it for a string, and a column that is gone
/// would go unnoticed.
fn names_are_no_strings(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map(|_| ())
}

/// The path of a `sqlite://` address: everything behind the two slashes, taken literally.
pub(super) fn path(address: &str) -> Result<PathBuf, StoreError> {
    if address.is_empty() || address.contains(['?', '#']) || address.starts_with(':') {
        return Err(StoreError::unavailable("the address of a SQLite database is sqlite:// and a path"));
    }
    Ok(PathBuf::from(address))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::{Database, path};
    use crate::db::DbOptions;

    /// Pages in the log, and those of them that have been copied into the file.
    fn log(file: &Path) -> (i64, i64) {
        let connection = Connection::open(file).unwrap();
        connection
            .query_row("pragma wal_checkpoint(noop)", [], |row| Ok((row.get_unwrap(1), row.get_unwrap(2))))
            .unwrap()
    }

    #[tokio::test]
    async fn the_log_is_in_the_file_when_nobody_writes_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ayb.db");
        let database = Database::open(&file, &DbOptions::default()).unwrap();
        for sql in ["create table a (b int)", "insert into a values (1)"] {
            database.write(sql, vec![]).await.unwrap();
            let (written, copied) = log(&file);
            assert!(copied < written, "{copied} of {written} at once");
            until_copied(&file).await;
        }
        // Whoever reads an older state keeps what came after it from being copied, and only as long as they do.
        database.write("insert into a values (2)", vec![]).await.unwrap();
        let reader = Connection::open(&file).unwrap();
        reader.execute_batch("begin; select * from a").unwrap();
        database.write("insert into a values (3)", vec![]).await.unwrap();
        let before = log(&file).1;
        while log(&file).1 == before {
            tokio::task::yield_now().await;
        }
        let (written, copied) = log(&file);
        assert!(copied < written, "{copied} of {written} beside a reader");
        drop(reader);
        until_copied(&file).await;
    }

    async fn until_copied(file: &Path) {
        while log(file).0 != log(file).1 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn addresses_are_paths_and_nothing_else() {
        assert_eq!(path("ayb.db").unwrap().to_str(), Some("ayb.db"));
        assert_eq!(path("/var/lib/ayb.db").unwrap().to_str(), Some("/var/lib/ayb.db"));
        for refused in ["", ":memory:", "a.db?mode=ro", "a.db#x"] {
            assert!(path(refused).is_err(), "{refused}");
        }
    }
}
