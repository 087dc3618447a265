//! Read-only connections: two per runtime thread for point reads, a few for lists.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{codec, connect_reader};
use crate::db::Reading;
use crate::error::StoreError;

/// Lists that run at the same time. Each holds a connection and a thread.
const LISTS: usize = 4;

/// The readers of one database file.
pub(super) struct Readers {
    shared: Arc<Shared>,
    lists: Arc<Semaphore>,
}

struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

struct Local {
    database: Weak<Shared>,
    reading: Reading,
    connection: Connection,
}

thread_local! {
    /// The connections of this thread: one for each database that is open in the process, and each kind of reading.
    static LOCAL: RefCell<Vec<Local>> = const { RefCell::new(Vec::new()) };
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        let shared = Arc::new(Shared { path, idle: Mutex::new(Vec::new()) });
        Self { shared, lists: Arc::new(Semaphore::new(LISTS)) }
    }

    /// Runs `read` on this thread's own connection for this kind of reading.
    pub(super) fn inline<T>(
        &self,
        reading: Reading,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        LOCAL.with_borrow_mut(|local| {
            let own = |entry: &Local| {
                entry.reading == reading && std::ptr::eq(entry.database.as_ptr(), Arc::as_ptr(&self.shared))
            };
            let position = match local.iter().position(own) {
                Some(position) => position,
                None => {
                    local.retain(|entry| entry.database.strong_count() > 0);
                    let connection = connect_reader(&self.shared.path, reading).map_err(codec::error)?;
                    local.push(Local { database: Arc::downgrade(&self.shared), reading, connection });
                    local.len() - 1
                }
            };
            read(&local[position].connection).map_err(codec::error)
        })
    }

    /// Runs `read` on a blocking thread, with one of a few connections. The turn ends with the read, not with the
    /// patience of whoever asked: a read that has begun goes on when nobody waits for it any more.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::unavailable("sqlite: a reading thread stopped");
        let turn = Arc::clone(&self.lists).acquire_owned().await.map_err(|_| stopped())?;
        let shared = Arc::clone(&self.shared);
        let work = tokio::task::spawn_blocking(move || {
            let found = shared.list(read);
            drop(turn);
            found
        });
        work.await.map_err(|_| stopped())?.map_err(codec::error)
    }
}

impl Shared {
    fn list<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect_reader(&self.path, Reading::Often)?,
        };
        let found = read(&mut connection)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(found)
    }
}
