//! One connection to PostgreSQL and the statements that are prepared on it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use quick_cache::sync::Cache;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, Statement};

use super::address::Address;
use super::codec::{self, Cells};
use super::tls::Tls;
use crate::db::row::{self, Row};
use crate::db::{DbOptions, Value};
use crate::error::StoreError;

/// How old a connection is at least that is given up because its server takes no writes: while that lasts, not every
/// statement opens one.
const WORN: Duration = Duration::from_secs(1);

/// After a failed attempt, how long everybody else is told so instead of trying as well.
const PAUSE: Duration = Duration::from_millis(200);

/// Statements with a text of their own that stay prepared on a connection.
const DYNAMIC: usize = 128;
/// The longest text of those, in bytes: a longer one would hardly come again, and costs memory on both sides.
const DYNAMIC_TEXT: usize = 8 << 10;

/// What every connection is told first. Statements of ours find their rows by an index, and their plans are kept: one made
/// while a table was small must not read all of it when it has grown. Compiling a plan takes longer than they do.
const MANNERS: &str = "set enable_seqscan = off; set jit = off";

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    tls: Tls,
    deadline: Duration,
    failure: Mutex<Option<(Instant, StoreError)>>,
}

impl Connector {
    pub(super) fn new(address: Address, options: &DbOptions) -> Self {
        let Address { mut config, tls } = address;
        let deadline = options.deadline;
        config.application_name(if options.is_server { "ayb" } else { "ayb command" });
        config.connect_timeout(deadline).tcp_user_timeout(deadline);
        config.keepalives_idle(Duration::from_secs(30));
        Self { config, tls, deadline, failure: Mutex::new(None) }
    }

    /// A new connection, or the reason why there is none, at the latest when the deadline has passed.
    pub(super) async fn connect(&self) -> Result<Connection, StoreError> {
        if let Some(error) = self.recent_failure() {
            return Err(error);
        }
        let outcome = match tokio::time::timeout(self.deadline, self.open()).await {
            Ok(outcome) => outcome.map_err(codec::error),
            Err(_) => Err(StoreError::unavailable("postgresql: no connection in time")),
        };
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) =
            outcome.as_ref().err().map(|error| (Instant::now(), error.clone()));
        Ok(Connection {
            client: outcome?,
            statements: RwLock::default(),
            dynamic: Box::new(Cache::new(DYNAMIC)),
            since: Instant::now(),
            read_only: AtomicBool::new(false),
        })
    }

    async fn open(&self) -> Result<Client, Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // Ends with the connection; whoever uses the client then sees that it is closed.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %codec::error(error), "a connection to PostgreSQL ended");
            }
        });
        client.batch_execute(MANNERS).await?;
        Ok(client)
    }

    fn recent_failure(&self) -> Option<StoreError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().filter(|(at, _)| at.elapsed() < PAUSE).map(|(_, error)| error.clone())
    }
}

/// One connection. Many tasks may use it at once: their statements travel together.
pub(super) struct Connection {
    client: Client,
    statements: RwLock<HashMap<&'static str, Statement>>,
    /// Statements with a text of their own, of which only the latest stay prepared.
    dynamic: Box<Cache<String, Statement>>,
    since: Instant,
    /// The server said that it takes no writes. It may be a standby by now, or this session began while writes were
    /// switched off: only a new connection finds out.
    read_only: AtomicBool,
}

/// The rows of one statement, and how many it changed or found.
pub(super) type Answer = (Vec<Row>, u64);

impl Connection {
    /// Whether it is of no more use.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed() || (self.read_only.load(Ordering::Relaxed) && self.since.elapsed() > WORN)
    }

    fn note(&self, error: &Error) {
        if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            self.read_only.store(true, Ordering::Relaxed);
        }
    }

    /// The statement, prepared on the first use in this connection.
    pub(super) async fn prepare(&self, sql: &'static str) -> Result<Statement, Error> {
        let known = self.statements.read().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.write().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }

    /// The statement with a text of its own, prepared unless it was needed lately.
    pub(super) async fn prepare_dynamic(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.dynamic.get(sql) {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        if sql.len() <= DYNAMIC_TEXT {
            self.dynamic.insert(sql.to_owned(), statement.clone());
        }
        Ok(statement)
    }

    /// Forgets what is prepared, when the server has forgotten it too.
    pub(super) fn forget(&self) {
        self.statements.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.dynamic.clear();
    }

    /// Runs a prepared statement. The request leaves with the first poll.
    pub(super) async fn run(&self, statement: &Statement, params: &[Value]) -> Result<Answer, Error> {
        let outcome = self.fetch(statement, params).await;
        outcome.inspect_err(|error| self.note(error))
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Answer, Error> {
        let stream = self.client.query_raw(statement, params.iter()).await?;
        pin_mut!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await {
            rows.push(Row(row::Cells::Postgres(Cells(row?))));
        }
        Ok((rows, stream.rows_affected().unwrap_or(0)))
    }

    /// Prepares and runs; text that is not static is prepared for this once.
    pub(super) async fn query(&self, sql: Cow<'static, str>, params: &[Value]) -> Result<Answer, Error> {
        let statement = match sql {
            Cow::Borrowed(sql) => self.prepare(sql).await?,
            Cow::Owned(sql) => self.client.prepare(&sql).await?,
        };
        self.run(&statement, params).await
    }

    /// Runs text without parameters: `begin`, `commit`, migrations.
    pub(super) async fn script(&self, sql: &str) -> Result<Answer, Error> {
        let outcome = self.client.batch_execute(sql).await.map(|()| (Vec::new(), 0));
        outcome.inspect_err(|error| self.note(error))
    }
}
