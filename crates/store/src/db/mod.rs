//! One SQL facade over two databases. Nothing outside this folder names a driver.
//!
//! Statements are shared text: parameters are `$1`, `$2`, …; `returning` and `on conflict` are fine; `now()`, casts,
//! array and JSON operators are not. Where one database needs another type, [`Value`] and [`Row`] translate.

mod dynamic;
pub mod migrate;
mod postgres;
mod row;
mod sqlite;
mod tx;
mod value;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use self::dynamic::{Behalf, Dynamic, Failed, Found, MAX_ANSWER, Refused, Scalar};
pub use self::row::Row;
pub use self::tx::{Tx, Write};
pub use self::value::Value;
use crate::error::StoreError;

/// Which database is behind a [`Db`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// The embedded database: one file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Where a relative path of a SQLite file starts; the working directory without it.
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL: connections that all single statements share.
    pub shared_connections: usize,
    /// PostgreSQL: further connections, for transactions and lists, opened when needed.
    pub max_connections: usize,
    /// PostgreSQL: connections of both kinds together that are open from the start, at least one.
    pub min_connections: usize,
    /// Writes that may wait: on SQLite for the writer thread, on PostgreSQL for the next shared commit.
    pub queue: usize,
    /// How long to wait for a place in the queue, a connection, a statement or a transaction before the database
    /// counts as unavailable.
    pub deadline: Duration,
    /// PostgreSQL: whether the connections are those of a server, and not of a command. Others see it
    /// ([`migrate::servers`]).
    pub is_server: bool,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            shared_connections: 4,
            max_connections: 8,
            min_connections: 1,
            queue: 4096,
            deadline: Duration::from_secs(5),
            is_server: false,
        }
    }
}

/// How a row is read, which SQLite prepares for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reading {
    /// Again and again, perhaps with nothing written in between.
    Often,
    /// Along with a write.
    Once,
}

/// A database. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Db(Arc<Driver>);

/// A name as it stands in a statement: in double quotes, whatever it is.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

enum Driver {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Db {
    /// Opens `sqlite://path` (the file is created when absent) or `postgres://…`.
    ///
    /// Fails when the address makes no sense or the database does not answer. Migrations are not applied here.
    pub async fn open(url: &str, options: DbOptions) -> Result<Self, StoreError> {
        let driver = if let Some(path) = url.strip_prefix("sqlite://") {
            Driver::Sqlite(sqlite::Database::open(&sqlite::path(path)?, &options)?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Driver::Postgres(postgres::Database::open(url, &options).await?)
        } else {
            return Err(StoreError::unavailable("a database address starts with sqlite:// or postgres://"));
        };
        Ok(Self(Arc::new(driver)))
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        match &*self.0 {
            Driver::Sqlite(_) => Engine::Sqlite,
            Driver::Postgres(_) => Engine::Postgres,
        }
    }

    /// The first row that a read finds. For reads by key: on SQLite the read happens on the calling thread.
    pub async fn one(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => database.one(Reading::Once, sql, params),
            Driver::Postgres(database) => database.one(sql, params).await,
        }
    }

    /// The row with a key, for what is read all the time. `one` finds it by the key `$1`; `many` is the same statement for
    /// an array of keys, with the key in its first column, and is what PostgreSQL is asked on behalf of everybody who
    /// reads at the same moment.
    pub async fn one_of_many(
        &self,
        one: &'static str,
        many: &'static str,
        key: Uuid,
        reading: Reading,
    ) -> Result<Option<Arc<Row>>, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => Ok(database.one(reading, one, &[key.into()])?.map(Arc::new)),
            Driver::Postgres(database) => database.one_of_many(many, key).await,
        }
    }

    /// All rows that a read finds; the statement has a `limit`. A `&'static str` is prepared once, a `String` is for
    /// lists whose filters differ.
    pub async fn many(
        &self,
        sql: impl Into<Cow<'static, str>> + Send,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => database.many(sql.into(), params).await,
            Driver::Postgres(database) => database.many(sql.into(), params).await,
        }
    }

    /// One durable write; the answer is the number of rows it changed.
    pub async fn execute(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => Ok(database.write(sql, params).await?.1),
            Driver::Postgres(database) => database.execute(sql, &params).await,
        }
    }

    /// One durable write that stands on rows which it reads and keeps as they are until it is done. Like the
    /// statements of [`Tx::lock_opt`] it ends in a locking clause, which SQLite does not need.
    pub async fn execute_locking(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => Ok(database.write(tx::without_lock(sql), params).await?.1),
            Driver::Postgres(database) => database.execute_locking(sql, params).await,
        }
    }

    /// One durable write that does nothing but add a row of its own; the answer is how many it added. Many of them
    /// share a commit, on PostgreSQL too: such statements lock nothing that another one could be waiting for.
    pub async fn append(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => Ok(database.write(sql, params).await?.1),
            Driver::Postgres(database) => database.append(sql, params).await,
        }
    }

    /// One durable write with `returning`; the answer is the first row it returned.
    pub async fn execute_returning(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        match &*self.0 {
            Driver::Sqlite(database) => Ok(database.write(sql, params).await?.0),
            Driver::Postgres(database) => database.execute_returning(sql, &params).await,
        }
    }

    /// Runs `body` as one durable transaction: `Ok` commits, `Err` rolls back.
    ///
    /// `ask` is what the body works on; it is handed back by reference on every run, because PostgreSQL may ask to
    /// run the body again. The body awaits nothing but `tx`: on SQLite it runs on the writer thread, which every
    /// other write is waiting for. When a statement failed, nothing is committed, whatever the body returns.
    ///
    /// ```
    /// # use ayb_store::{db::{Db, Value}, error::StoreError};
    /// # async fn example(db: &Db, key: String) -> Result<bool, StoreError> {
    /// db.transaction("count", key, |tx, key| {
    ///     Box::pin(async move {
    ///         let found = tx.lock_opt("select n from counters where key = $1 for update", &[key.into()]).await?;
    ///         let Some(row) = found else { return Ok(false) };
    ///         let next = row.int(0)? + 1;
    ///         tx.apply(vec![("update counters set n = $1 where key = $2", vec![next.into(), key.into()])]).await?;
    ///         Ok(true)
    ///     })
    /// })
    /// .await
    /// # }
    /// ```
    pub async fn transaction<A, T, F>(&self, name: &'static str, ask: A, body: F) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        match &*self.0 {
            Driver::Sqlite(database) => database.transaction(name, ask, body).await,
            Driver::Postgres(database) => database.transaction(name, &ask, &body).await,
        }
    }

    /// A transaction that may take as long as it needs, and wait as long for others.
    async fn long_transaction<A, T, F>(&self, name: &'static str, ask: A, body: F) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        match &*self.0 {
            Driver::Sqlite(database) => database.transaction(name, ask, body).await,
            Driver::Postgres(database) => database.long_transaction(name, &ask, &body).await,
        }
    }

    /// How the database would run a statement, as it prints it, for tests of query plans.
    pub async fn explain(&self, sql: &'static str, params: Vec<Value>) -> Result<String, StoreError> {
        let text = match self.engine() {
            Engine::Sqlite => format!("explain query plan {}", tx::without_lock(sql)),
            Engine::Postgres => format!("explain {sql}"),
        };
        let rows =
            self.transaction("explain", (text, params), |tx, (text, params)| Box::pin(tx.plan(text, params)));
        Ok(rows.await?.join("\n"))
    }
}
