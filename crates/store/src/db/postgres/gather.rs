//! Reads by key that come at the same moment are one statement. What starts a statement, its locks and its plan among it,
//! costs more than to find another row.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::shared::Shared;
use crate::db::row::Row;
use crate::db::{DbOptions, Value};
use crate::error::StoreError;

/// Rows that one statement finds at most.
const GROUP: usize = 256;
/// Statements in flight at the same time. While they are under way the next ones gather; nobody waits for a clock, and
/// every read begins after it was asked for.
const FLIGHTS: usize = 2;

/// One row to find.
struct Ask {
    sql: &'static str,
    key: Uuid,
    asker: oneshot::Sender<Found>,
}

type Found = Result<Option<Arc<Row>>, StoreError>;

/// The queue of the rows to find. The tasks behind it end with it.
pub(super) struct Gatherer(mpsc::Sender<Ask>);

impl Gatherer {
    pub(super) fn start(shared: &Arc<Shared>, options: &DbOptions) -> Self {
        let (sender, asks) = mpsc::channel(options.queue.max(1));
        let asks = Arc::new(Mutex::new(asks));
        for _ in 0..FLIGHTS {
            tokio::spawn(serve(Arc::clone(shared), Arc::clone(&asks)));
        }
        Self(sender)
    }

    /// The row with this key. The statement takes an array of keys and gives the key in the first column.
    pub(super) async fn one(&self, sql: &'static str, key: Uuid) -> Found {
        let stopped = || StoreError::unavailable("postgresql: the reader has stopped");
        let (asker, answer) = oneshot::channel();
        self.0.send(Ask { sql, key, asker }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn serve(shared: Arc<Shared>, asks: Arc<Mutex<mpsc::Receiver<Ask>>>) {
    let mut group = Vec::with_capacity(GROUP);
    while asks.lock().await.recv_many(&mut group, GROUP).await > 0 {
        // Who has gone away wants nothing read.
        group.retain(|ask: &Ask| !ask.asker.is_closed());
        while let Some(sql) = group.first().map(|ask| ask.sql) {
            let (alike, rest): (Vec<_>, _) = group.drain(..).partition(|ask| std::ptr::eq(ask.sql, sql));
            group = rest;
            let found = find(&shared, sql, &alike).await;
            for ask in alike {
                let row = found.as_ref().map(|rows| rows.get(&ask.key).cloned()).map_err(Clone::clone);
                // Whoever asked may have gone.
                let _gone = ask.asker.send(row);
            }
        }
    }
}

/// The rows by their keys.
async fn find(
    shared: &Shared,
    sql: &'static str,
    asks: &[Ask],
) -> Result<HashMap<Uuid, Arc<Row>>, StoreError> {
    let keys = Value::Uuids(asks.iter().map(|ask| ask.key).collect());
    let (rows, _) = shared.single(sql, &[keys], true).await?;
    rows.into_iter().map(|row| Ok((row.uuid(0)?, Arc::new(row)))).collect()
}
