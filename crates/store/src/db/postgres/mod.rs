//! PostgreSQL: a few connections that all single statements share, and a bounded pool for transactions and lists.
//!
//! Nothing that has to be right lives in a session, so that a pooler may stand in between; one that hands out connections
//! by transaction must know prepared statements (PgBouncer from 1.21 with `max_prepared_statements`).

mod address;
mod codec;
mod connection;
mod dynamic;
mod gather;
mod group;
mod pool;
mod shared;
mod tls;
mod transaction;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use self::address::Address;
pub(super) use self::codec::Cells;
use self::connection::Connector;
use self::gather::Gatherer;
use self::group::Appender;
use self::pool::Pool;
use self::shared::Shared;
pub(super) use self::transaction::Session;
use super::row::Row;
use super::{DbOptions, Tx, Value};
use crate::error::StoreError;

/// Runs of one transaction before the caller hears that it could not be done.
const ATTEMPTS: u32 = 5;

/// One server.
pub(super) struct Database {
    shared: Arc<Shared>,
    gatherer: Gatherer,
    pool: Arc<Pool>,
    /// Connections of the pool that statements over the tables of others may hold: the rest is for what is ours.
    guests: Semaphore,
    appender: Appender,
    locking: Appender,
    deadline: Duration,
}

impl Database {
    pub(super) async fn open(url: &str, options: &DbOptions) -> Result<Self, StoreError> {
        let connector = Arc::new(Connector::new(Address::parse(url)?, options));
        let pool = Pool::new(Arc::clone(&connector), options.max_connections);
        let shared = Arc::new(Shared::new(connector, options));
        let database = Self {
            gatherer: Gatherer::start(&shared, options),
            shared,
            guests: Semaphore::new((options.max_connections / 2).max(1)),
            appender: Appender::start(Arc::clone(&pool), options),
            locking: Appender::start(Arc::clone(&pool), options),
            pool,
            deadline: options.deadline,
        };
        database.open_ahead(options.min_connections.max(1)).await?;
        Ok(database)
    }

    /// Opens connections before anybody asks: those that everybody shares first. None is ever closed for being idle.
    async fn open_ahead(&self, count: usize) -> Result<(), StoreError> {
        let opened = self.shared.open_ahead(count).await?;
        self.pool.open_ahead(count.saturating_sub(opened)).await
    }

    /// Reads twice when the first connection turns out to be dead: reading again harms nobody.
    pub(super) async fn one(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let (rows, _) = self.shared.single(sql, params, true).await?;
        Ok(rows.into_iter().next())
    }

    /// The row with a key, by a statement that takes many keys; whoever asks at the same moment shares it.
    pub(super) async fn one_of_many(
        &self,
        sql: &'static str,
        key: Uuid,
    ) -> Result<Option<Arc<Row>>, StoreError> {
        self.in_time(self.gatherer.one(sql, key)).await
    }

    pub(super) async fn many(
        &self,
        sql: Cow<'static, str>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let list = async {
            let mut lease = self.pool.lease().await?;
            // Whoever walks away leaves a query behind that the next user must not wait for.
            lease.open = true;
            let answer = lease.query(sql, &params).await.map_err(codec::error);
            lease.open = false;
            answer
        };
        Ok(self.in_time(list).await?.0)
    }

    pub(super) async fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        Ok(self.shared.single(sql, params, false).await?.1)
    }

    pub(super) async fn append(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        self.in_time(self.appender.append(sql, params)).await
    }

    /// A write that may have to wait for a lock, and so does not go with those that never wait. Locks that one
    /// transaction takes for many callers are one entry in the row; taken by each of them, they are a list that every
    /// next one has to write anew.
    pub(super) async fn execute_locking(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<u64, StoreError> {
        self.in_time(self.locking.append(sql, params)).await
    }

    pub(super) async fn execute_returning(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let (rows, _) = self.shared.single(sql, params, false).await?;
        Ok(rows.into_iter().next())
    }

    pub(super) async fn transaction<A, T, F>(
        &self,
        name: &'static str,
        ask: &A,
        body: &F,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        self.in_time(self.long_transaction(name, ask, body)).await
    }

    /// A transaction without a deadline.
    pub(super) async fn long_transaction<A, T, F>(
        &self,
        name: &'static str,
        ask: &A,
        body: &F,
    ) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let mut attempt = 1;
        loop {
            let mut tx = Tx::on_postgres(Session::new(self.pool.lease().await?));
            let outcome = attempt_once(&mut tx, ask, body).await;
            let Err(error) = outcome else { return outcome };
            if attempt == ATTEMPTS || !tx.postgres()?.may_run_again() {
                return Err(error);
            }
            tracing::debug!(name, attempt, %error, "a transaction runs again");
            attempt += 1;
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        timeout(self.deadline, work).await.map_err(|_| late())?
    }
}

fn late() -> StoreError {
    StoreError::unavailable("postgresql: no answer in time")
}

async fn attempt_once<A, T, F>(tx: &mut Tx, ask: &A, body: &F) -> Result<T, StoreError>
where
    F: for<'t> Fn(&'t mut Tx, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
{
    let outcome = body(tx, ask).await;
    let failure = tx.failure.take();
    let session = tx.postgres()?;
    match (outcome, failure) {
        (Ok(value), None) => session.commit().await.map(|()| value),
        (Err(error), _) | (Ok(_), Some(error)) => {
            session.rollback().await;
            Err(error)
        }
    }
}
