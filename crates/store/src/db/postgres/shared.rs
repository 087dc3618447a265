//! The connections that all single statements share.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::connection::{Answer, Connection, Connector};
use super::{ATTEMPTS, codec, late};
use crate::db::{DbOptions, Value};
use crate::error::StoreError;

/// A few connections, on each of which many statements are in flight.
pub(super) struct Shared {
    connector: Arc<Connector>,
    slots: Vec<Slot>,
    next: AtomicUsize,
    deadline: Duration,
}

/// The place of a shared connection.
#[derive(Default)]
struct Slot {
    current: RwLock<Option<Arc<Connection>>>,
    connecting: Mutex<()>,
}

impl Shared {
    pub(super) fn new(connector: Arc<Connector>, options: &DbOptions) -> Self {
        let slots = (0..options.shared_connections.max(1)).map(|_| Slot::default()).collect();
        Self { connector, slots, next: AtomicUsize::new(0), deadline: options.deadline }
    }

    /// Opens up to `count` connections before anybody asks; how many there can be.
    pub(super) async fn open_ahead(&self, count: usize) -> Result<usize, StoreError> {
        for slot in self.slots.iter().take(count) {
            timeout(self.deadline, self.connection(slot)).await.map_err(|_| late())??;
        }
        Ok(self.slots.len())
    }

    /// One statement on a shared connection. `again`: whether it may be sent a second time when its fate is unknown.
    pub(super) async fn single(
        &self,
        sql: &'static str,
        params: &[Value],
        again: bool,
    ) -> Result<Answer, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = &self.slots[turn % self.slots.len()];
        let mut attempt = 1;
        loop {
            let connection = timeout(self.deadline, self.connection(slot)).await.map_err(|_| late())??;
            let Ok(outcome) = timeout(self.deadline, connection.query(Cow::Borrowed(sql), params)).await
            else {
                slot.give_up(&connection);
                return Err(late());
            };
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let outdated = codec::outdated(&error);
            if outdated {
                connection.forget();
            }
            let retry = outdated || codec::lost_race(&error) || (again && connection.is_closed());
            if !retry || attempt == ATTEMPTS {
                return Err(codec::error(error));
            }
            attempt += 1;
        }
    }

    async fn connection(&self, slot: &Slot) -> Result<Arc<Connection>, StoreError> {
        if let Some(connection) = slot.living() {
            return Ok(connection);
        }
        let _connecting = slot.connecting.lock().await;
        if let Some(connection) = slot.living() {
            return Ok(connection);
        }
        let connection = Arc::new(self.connector.connect().await?);
        *slot.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

impl Slot {
    fn living(&self) -> Option<Arc<Connection>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|connection| !connection.is_closed()).cloned()
    }

    /// Nobody knows whether a connection that does not answer ever will: the next caller gets a new one.
    fn give_up(&self, connection: &Arc<Connection>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            *current = None;
        }
    }
}
