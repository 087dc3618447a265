//! Group commit: rows that many callers add at the same time share one transaction, one flush to the disk and one round
//! trip. While a group is under way the next one gathers, so nobody waits for a clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::pool::Pool;
use super::transaction::{Session, Unwritten};
use super::{ATTEMPTS, late};
use crate::db::{DbOptions, Value};
use crate::error::StoreError;

/// Rows that share one commit.
const GROUP: usize = 256;

/// One row to add.
struct Job {
    sql: &'static str,
    params: Vec<Value>,
    asker: oneshot::Sender<Result<u64, StoreError>>,
}

/// The queue of the rows to add. The task behind it ends with it.
pub(super) struct Appender(mpsc::Sender<Job>);

impl Appender {
    pub(super) fn start(pool: Arc<Pool>, options: &DbOptions) -> Self {
        let (sender, jobs) = mpsc::channel(options.queue.max(1));
        tokio::spawn(serve(Writer { pool, deadline: options.deadline }, jobs));
        Self(sender)
    }

    /// Adds a row; the answer comes after the commit.
    pub(super) async fn append(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        let stopped = || StoreError::unavailable("postgresql: the appender has stopped");
        let (asker, answer) = oneshot::channel();
        self.0.send(Job { sql, params, asker }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn serve(writer: Writer, mut jobs: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        // Who has gone away wants nothing written.
        group.retain(|job: &Job| !job.asker.is_closed());
        match writer.write(&group).await {
            Ok(counts) => {
                for (job, count) in group.drain(..).zip(counts) {
                    answer(job, count);
                }
            }
            Err(refused) if refused.nothing_written => writer.one_by_one(&mut group).await,
            Err(refused) => {
                for job in group.drain(..) {
                    answer(job, Err(refused.error.clone()));
                }
            }
        }
    }
}

fn answer(job: Job, outcome: Result<u64, StoreError>) {
    // Whoever asked may have gone; what was committed stays committed.
    let _gone = job.asker.send(outcome);
}

/// What writes groups.
struct Writer {
    pool: Arc<Pool>,
    deadline: Duration,
}

impl Writer {
    /// Writes a group in one transaction: how many rows each statement added.
    async fn write(&self, group: &[Job]) -> Result<Vec<Result<u64, StoreError>>, Unwritten> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let writes: Vec<_> = group.iter().map(|job| (job.sql, job.params.as_slice())).collect();
        let work = timeout(self.deadline, write(&self.pool, &writes)).await;
        work.unwrap_or_else(|_| Err(unknown(late())))
    }

    /// A group that was refused as a whole: one row of it was at fault, and the others must not pay for it.
    async fn one_by_one(&self, group: &mut Vec<Job>) {
        for job in group.drain(..).filter(|job| !job.asker.is_closed()) {
            let work = timeout(self.deadline, write_alone(&self.pool, job.sql, &job.params)).await;
            answer(job, work.unwrap_or_else(|_| Err(late())));
        }
    }
}

/// One write as a transaction of its own, again when it lost a race.
async fn write_alone(pool: &Arc<Pool>, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
    let mut attempt = 1;
    loop {
        match write(pool, &[(sql, params)]).await {
            Ok(counts) => return counts.into_iter().next().unwrap_or(Ok(0)),
            Err(refused) if refused.again && attempt < ATTEMPTS => attempt += 1,
            Err(refused) => return Err(refused.error),
        }
    }
}

async fn write(
    pool: &Arc<Pool>,
    writes: &[(&'static str, &[Value])],
) -> Result<Vec<Result<u64, StoreError>>, Unwritten> {
    let mut session = Session::new(pool.lease().await.map_err(unknown)?);
    session.write_and_commit(writes).await
}

/// A failure that says nothing about what was written.
fn unknown(error: StoreError) -> Unwritten {
    Unwritten { error, nothing_written: false, again: false }
}
