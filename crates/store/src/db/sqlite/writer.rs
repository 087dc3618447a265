//! The writer thread. It owns the only connection that writes, takes what waits in its queue into one transaction,
//! commits once and answers only then: a hundred writers share the cost of one flush to the disk.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, ErrorCode};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::codec;
use crate::db::row::Row;
use crate::db::{DbOptions, Dynamic, Refused, Tx, Value};
use crate::error::StoreError;

/// Jobs that share one commit.
const GROUP: usize = 512;

/// Without a write for so long, the log is copied back.
const REST: Duration = Duration::from_secs(1);

/// The write connection while a transaction is open.
pub(in crate::db) struct Session {
    connection: Connection,
    /// Scripts so far: SQLite counts changed rows, and theirs are tables.
    scripts: u64,
    /// The disk failed or is full: SQLite asks for a rollback of the whole transaction.
    damaged: bool,
}

impl Session {
    /// Runs one statement: its first `limit` rows and how many rows it changed.
    pub(in crate::db) fn run(
        &mut self,
        sql: &'static str,
        params: &[Value],
        limit: usize,
    ) -> Result<(Vec<Row>, u64), StoreError> {
        codec::run(&self.connection, sql, params, limit).map_err(|error| self.note(error))
    }

    /// Runs one statement with a text of its own, for tests of query plans: all rows.
    pub(in crate::db) fn run_text(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let ran = codec::run_text(&self.connection, sql, params, usize::MAX);
        ran.map(|(rows, _)| rows).map_err(|error| self.note(error))
    }

    /// Runs one statement over the tables of others.
    pub(super) fn dynamic(&mut self, statement: &Dynamic, room: &mut usize) -> Result<Vec<Row>, Refused> {
        let Dynamic { sql, params, unless } = statement;
        if let Some(unless) = unless {
            let (found, _) =
                codec::run_text(&self.connection, unless, &[], 1).map_err(|error| self.judge(error))?;
            if !found.is_empty() {
                return Err(Refused::Exhausted);
            }
        }
        let found = codec::run_within(&self.connection, sql, params, room);
        found.map_err(|error| self.judge(error))?.ok_or(Refused::TooLarge)
    }

    /// A table that has no number left for another row says the same as a full disk. After either the transaction is
    /// whole when it is still open: SQLite has undone the statement alone, and what comes next shows which it was.
    fn judge(&mut self, error: rusqlite::Error) -> Refused {
        if error.sqlite_error_code() != Some(ErrorCode::DiskFull) {
            self.note_damage(&error);
        }
        codec::refusal(error)
    }

    /// Runs several statements without parameters, for migrations.
    pub(in crate::db) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.scripts += 1;
        self.connection.execute_batch(sql).map_err(|error| self.note(error))
    }

    /// Counts up with whatever changes the database.
    fn changes(&self) -> u64 {
        self.connection.total_changes().wrapping_add(self.scripts)
    }

    pub(super) fn control(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.run(sql, &[], 0).map(|_| ())
    }

    fn note(&mut self, error: rusqlite::Error) -> StoreError {
        self.note_damage(&error);
        codec::error(error)
    }

    fn note_damage(&mut self, error: &rusqlite::Error) {
        use ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, OutOfMemory, SystemIoFailure};
        self.damaged |= matches!(
            error.sqlite_error_code(),
            Some(DiskFull | SystemIoFailure | OutOfMemory | DatabaseCorrupt | NotADatabase)
        );
    }

    /// Whether the transaction of the group is beyond saving.
    pub(super) fn lost(&self) -> bool {
        self.damaged || self.connection.is_autocommit()
    }

    fn rollback(&mut self) {
        self.damaged = false;
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.control("rollback") {
            tracing::error!(%error, "SQLite could not roll back");
        }
    }
}

/// Something to do inside the group's transaction. It is answered after the commit.
trait Job: Send {
    /// Nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Runs the job, which may have run before in a group that was rolled back.
    fn run(&mut self, tx: &mut Tx, care: Care) -> Left;
    /// The runtime in which somebody waits for the answer.
    fn home(&self) -> &Handle;
    fn answer(self: Box<Self>, commit: &Result<(), StoreError>);
}

/// How a job of several statements is kept from leaving half of itself in the group's transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Care {
    /// Not at all: whoever fails half-way has the whole group run again. Almost nobody does, and a savepoint costs a
    /// copy of every page that is changed.
    Hope,
    /// A savepoint around each of them.
    Savepoint,
}

/// What a job leaves behind in the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Left {
    /// All of itself, or nothing.
    Whole,
    /// A part that must not be committed.
    Half,
}

struct Work<T, B> {
    name: &'static str,
    body: B,
    /// Whether a failure of the body must undo what the body did before. One statement undoes itself.
    several: bool,
    outcome: Option<Result<T, StoreError>>,
    asker: oneshot::Sender<Result<T, StoreError>>,
    home: Handle,
}

impl<T, B> Job for Work<T, B>
where
    T: Send,
    B: FnMut(&mut Tx) -> Result<T, StoreError> + Send,
{
    fn abandoned(&self) -> bool {
        self.asker.is_closed()
    }

    fn run(&mut self, tx: &mut Tx, care: Care) -> Left {
        let (outcome, left) = match (self.several, care) {
            (false, _) => ((self.body)(tx), Left::Whole),
            (true, Care::Hope) => self.hopeful(tx),
            (true, Care::Savepoint) => (self.guarded(tx), Left::Whole),
        };
        self.outcome = Some(outcome);
        left
    }

    fn home(&self) -> &Handle {
        &self.home
    }

    fn answer(self: Box<Self>, commit: &Result<(), StoreError>) {
        let outcome = match (self.outcome, commit) {
            (Some(Ok(_)) | None, Err(error)) => Err(error.clone()),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => Err(StoreError::unavailable("the job was abandoned")),
        };
        // Whoever asked may have gone; what was committed stays committed.
        let _gone = self.asker.send(outcome);
    }
}

impl<T, B> Work<T, B>
where
    B: FnMut(&mut Tx) -> Result<T, StoreError>,
{
    fn caught(&mut self, tx: &mut Tx) -> Result<T, StoreError> {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.body)(tx)));
        outcome.unwrap_or_else(|panic| Err(panicked(self.name, panic.as_ref())))
    }

    fn hopeful(&mut self, tx: &mut Tx) -> (Result<T, StoreError>, Left) {
        let before = match tx.sqlite() {
            Ok(session) => session.changes(),
            Err(error) => return (Err(error), Left::Whole),
        };
        let outcome = self.caught(tx);
        let changed = tx.sqlite().map_or(true, |session| session.changes() != before);
        let left = if outcome.is_err() && changed { Left::Half } else { Left::Whole };
        (outcome, left)
    }

    fn guarded(&mut self, tx: &mut Tx) -> Result<T, StoreError> {
        tx.sqlite()?.control("savepoint job")?;
        let outcome = self.caught(tx);
        let session = tx.sqlite()?;
        if session.lost() {
            return outcome.and(Err(StoreError::unavailable("sqlite: the transaction was rolled back")));
        }
        if outcome.is_err() {
            session.control("rollback to job")?;
        }
        session.control("release job")?;
        outcome
    }
}

fn panicked(name: &str, panic: &(dyn Any + Send)) -> StoreError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    StoreError::unavailable(format!("transaction {name} panicked: {}", text.unwrap_or("no message")))
}

/// The handle of the writer thread. The thread stops when the handle is dropped.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    deadline: Duration,
}

impl Writer {
    pub(super) fn start(connection: Connection, options: &DbOptions) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let session = Session { connection, scripts: 0, damaged: false };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(jobs, Tx::on_sqlite(session)))
            .map_err(|error| StoreError::unavailable(format!("sqlite: no writer thread: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), deadline: options.deadline })
    }

    pub(super) async fn statement(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<(Option<Row>, u64), StoreError> {
        let body = move |tx: &mut Tx| {
            let (mut rows, changed) = tx.sqlite()?.run(sql, &params, 1)?;
            Ok((rows.pop(), changed))
        };
        self.submit("statement", false, body).await
    }

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
        let body = move |tx: &mut Tx| {
            tx.failure = None;
            let outcome = at_once(body(tx, &ask))?;
            tx.failure.take().map_or(Ok(outcome), Err)
        };
        self.submit(name, true, body).await
    }

    pub(super) async fn submit<T, B>(
        &self,
        name: &'static str,
        several: bool,
        body: B,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        B: FnMut(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    {
        let (asker, answer) = oneshot::channel();
        let job = Box::new(Work { name, body, several, outcome: None, asker, home: Handle::current() });
        let stopped = || StoreError::unavailable("sqlite: the writer has stopped");
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        let room = tokio::time::timeout(self.deadline, queue.reserve()).await;
        let room = room.map_err(|_| StoreError::unavailable("sqlite: the queue of the writer is full"))?;
        room.map_err(|_| stopped())?.send(job);
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Waits for the thread, so that the file is whole and closed when the last handle is gone.
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        let inside = thread.thread().id() == std::thread::current().id();
        if !inside && thread.join().is_err() {
            tracing::error!("the SQLite writer panicked");
        }
    }
}

/// The result of a body, which on this database never has anything to wait for.
fn at_once<T>(body: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, StoreError> {
    match pin!(body).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            Err(StoreError::unavailable("a transaction waited for something that is not its own"))
        }
    }
}

fn serve(mut jobs: mpsc::Receiver<Box<dyn Job>>, mut tx: Tx) {
    let mut group = Vec::with_capacity(GROUP);
    // Whoever had the file before may have left something there.
    let mut log = Log::Written;
    loop {
        match gather(&mut jobs, &mut group, log) {
            Next::End => return,
            Next::Rest => {
                log = copy_back(&mut tx);
                continue;
            }
            Next::Work => log = Log::Written,
        }
        join(&mut jobs, &mut group);
        let commit = run_group(&mut tx, &mut group);
        if let Err(error) = &commit {
            tracing::error!(%error, jobs = group.len(), "SQLite lost a group of writes");
        }
        answer(&mut group, commit);
    }
}

/// Whether there is something in the write-ahead log that is not in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Log {
    Written,
    Copied,
}

/// What the writer does next.
#[derive(Debug, Eq, PartialEq)]
enum Next {
    /// What has been gathered.
    Work,
    /// Nobody has written for a while.
    Rest,
    /// Nobody will write any more.
    End,
}

/// Wakes the writer.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    listener: Condvar,
}

impl Bell {
    /// Whether it rings in time.
    fn rings(&self, longest: Duration) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.listener.wait_timeout_while(rung, longest, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut rung)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.listener.notify_one();
    }
}

/// Waits for jobs; when the log has been written, not longer than a rest.
fn gather(jobs: &mut mpsc::Receiver<Box<dyn Job>>, group: &mut Vec<Box<dyn Job>>, log: Log) -> Next {
    if log == Log::Copied {
        return if jobs.blocking_recv_many(group, GROUP) > 0 { Next::Work } else { Next::End };
    }
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let mut next = || match jobs.poll_recv_many(&mut context, group, GROUP) {
        Poll::Ready(0) => Some(Next::End),
        Poll::Ready(_) => Some(Next::Work),
        Poll::Pending => None,
    };
    loop {
        // A bell may ring before what it rings for can be seen.
        if let Some(next) = next() {
            return next;
        }
        if !bell.rings(REST) {
            return next().unwrap_or(Next::Rest);
        }
    }
}

/// Copies the log into the file, so that readers find everything there, without a look into the log and by the mapping of
/// the file. While others write, SQLite does so after every so many pages. Whoever reads an older state keeps the rest from
/// being copied; that is tried again after another rest, and so is what fails.
fn copy_back(tx: &mut Tx) -> Log {
    let copied = tx.sqlite().and_then(|session| {
        let (rows, _) = session.run("pragma wal_checkpoint(passive)", &[], 1)?;
        let Some(row) = rows.first() else { return Ok(false) };
        Ok(row.int(1)? == row.int(2)?)
    });
    match copied {
        Ok(true) => return Log::Copied,
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "SQLite could not copy its log back"),
    }
    Log::Written
}

/// Answers everybody who waits for a group. Each answer from this thread would wake a thread of the runtime, which takes
/// the core away, serves one caller and sleeps again: several are handed over together and answered from over there.
fn answer(group: &mut Vec<Box<dyn Job>>, commit: Result<(), StoreError>) {
    let tell = |jobs: Vec<Box<dyn Job>>, commit: &Result<(), StoreError>| {
        for job in jobs {
            job.answer(commit);
        }
    };
    let jobs = std::mem::replace(group, Vec::with_capacity(group.len()));
    let mut waiting = jobs.iter().filter(|job| !job.abandoned()).map(|job| job.home());
    // Who still waits has a runtime that runs, and only who is of the same one is answered from there.
    let home = waiting.next().filter(|home| jobs.len() > 1 && waiting.all(|other| other.id() == home.id()));
    match home.cloned() {
        Some(home) => drop(home.spawn(async move { tell(jobs, &commit) })),
        None => tell(jobs, &commit),
    }
}

/// Whoever is just about to write may come along: a flush for more of them costs no more. Nobody waits for a clock;
/// where every core is idle this is over at once.
fn join(jobs: &mut mpsc::Receiver<Box<dyn Job>>, group: &mut Vec<Box<dyn Job>>) {
    std::thread::yield_now();
    while group.len() < GROUP
        && let Ok(job) = jobs.try_recv()
    {
        group.push(job);
    }
}

fn run_group(tx: &mut Tx, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    if run_jobs(tx, group, Care::Hope)? == Left::Half {
        run_jobs(tx, group, Care::Savepoint)?;
    }
    let session = tx.sqlite()?;
    let commit = match session.lost() {
        true => Err(StoreError::unavailable("sqlite: the group of writes was rolled back")),
        false => session.control("commit"),
    };
    session.rollback();
    commit
}

/// Runs the jobs in a new transaction; stops early at what spoils it.
fn run_jobs(tx: &mut Tx, group: &mut [Box<dyn Job>], care: Care) -> Result<Left, StoreError> {
    // Nothing of an earlier group, or of an earlier run of this one, may reach into this one.
    tx.sqlite()?.rollback();
    tx.sqlite()?.control("begin immediate")?;
    for job in group.iter_mut().filter(|job| !job.abandoned()) {
        let left = job.run(tx, care);
        if tx.sqlite()?.lost() {
            break;
        }
        if left == Left::Half {
            return Ok(Left::Half);
        }
    }
    Ok(Left::Whole)
}
