//! Connections for one user at a time: transactions and lists.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, Connector};
use crate::error::StoreError;

/// How long an abandoned transaction may take to roll back before its connection is given up.
const ROLLBACK: Duration = Duration::from_secs(2);

/// A bounded set of connections, opened when needed.
pub(super) struct Pool {
    connector: Arc<Connector>,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, size: usize) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(size.max(1)));
        Arc::new(Self { connector, turns, idle: Mutex::default() })
    }

    /// A connection that belongs to the caller until the lease is dropped.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::unavailable("postgresql: the pool is closed"))?;
        let connection = match self.idle_connection() {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        Ok(Lease { pool: Arc::clone(self), held: Some((connection, turn)), open: false })
    }

    /// Opens connections before anybody asks for them, at most as many as there may be.
    pub(super) async fn open_ahead(&self, count: usize) -> Result<(), StoreError> {
        for _ in 0..count.min(self.turns.available_permits()) {
            self.give_back(self.connector.connect().await?);
        }
        Ok(())
    }

    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    fn give_back(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// A connection in use by one transaction or list.
pub(super) struct Lease {
    pool: Arc<Pool>,
    /// Present until the lease is dropped.
    held: Option<(Connection, OwnedSemaphorePermit)>,
    /// Whether a transaction is open on the connection.
    pub(super) open: bool,
}

impl Deref for Lease {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "only drop takes the connection away")]
    fn deref(&self) -> &Connection {
        &self.held.as_ref().expect("a lease holds its connection").0
    }
}

impl Drop for Lease {
    /// A transaction that nobody finished, because its request was cancelled, is rolled back before the next user.
    fn drop(&mut self) {
        let Some((connection, turn)) = self.held.take() else { return };
        if !self.open {
            return self.pool.give_back(connection);
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let pool = Arc::clone(&self.pool);
        runtime.spawn(async move {
            if let Ok(Ok(_)) = tokio::time::timeout(ROLLBACK, connection.script("rollback")).await {
                pool.give_back(connection);
            }
            drop(turn);
        });
    }
}
