//! SQLite with nothing around it: one writer that commits what waits together, and a reader.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Result;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::Fresh;
use super::notes::{Deed, SQLITE};

/// A database file.
pub struct Sqlite {
    path: String,
    writer: Sender<Job>,
}

enum Job {
    Insert { id: i64, hash: [u8; 32], done: oneshot::Sender<bool> },
    Rotate { old: i64, old_hash: [u8; 32], ids: [i64; 2], hashes: [[u8; 32]; 2], done: oneshot::Sender<bool> },
    Note { deed: Deed, done: oneshot::Sender<Option<String>> },
}

/// What a job's caller is told once it is committed.
enum Told {
    Done(oneshot::Sender<bool>, bool),
    Row(oneshot::Sender<Option<String>>, Option<String>),
}

const SCHEMA: &str = "create table if not exists token(id integer primary key, hash blob not null, kind integer not null,
    client text not null, scope text not null, created integer not null, expires integer not null, gone integer)";
const INSERT: &str = "insert into token(id, hash, kind, client, scope, created, expires) values (?1, ?2, 1, 'bench', 'readonly', 1, 2)";
const RETIRE: &str = "update token set gone = 1 where id = ?1 and hash = ?2 and gone is null";
const READ: &str = "select hash, expires, client, scope from token where id = ?1 and gone is null";

impl Sqlite {
    /// Opens the file.
    pub fn open(path: String) -> Result<Self> {
        let (writer, jobs) = channel();
        let connection = Connection::open(&path)?;
        connection
            .execute_batch("pragma journal_mode=wal; pragma synchronous=full; pragma mmap_size=1073741824")?;
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch(SQLITE.schema)?;
        thread::spawn(move || write(connection, &jobs));
        Ok(Self { path, writer })
    }

    /// Stores a row.
    pub async fn insert(&self, row: &Fresh) -> bool {
        let (done, waits) = oneshot::channel();
        let _ = self.writer.send(Job::Insert { id: row.id, hash: row.hash, done });
        waits.await.unwrap_or(false)
    }

    /// Retires a row and stores two others; a row zero need not exist.
    pub async fn rotate(&self, old: (i64, [u8; 32]), new: [&Fresh; 2]) -> bool {
        let (done, waits) = oneshot::channel();
        let (ids, hashes) = (new.map(|row| row.id), new.map(|row| row.hash));
        let _ = self.writer.send(Job::Rotate { old: old.0, old_hash: old.1, ids, hashes, done });
        waits.await.unwrap_or(false)
    }

    /// The hash in a row.
    pub fn read(&self, id: i64) -> Option<Vec<u8>> {
        self.look(|connection| connection.prepare_cached(READ)?.query_row([id], |row| row.get(0)))
    }

    fn look<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        READER
            .with_borrow_mut(|reader| {
                let connection = match reader {
                    Some(connection) => connection,
                    None => reader.insert(Connection::open(&self.path)?),
                };
                question(connection)
            })
            .ok()
    }

    /// Reads or writes notes; what came of it, as JSON.
    pub async fn note(&self, deed: Deed) -> Option<String> {
        match deed {
            Deed::Read(_) | Deed::List | Deed::Filtered(_) => self.look(|connection| run(connection, &deed)),
            Deed::Create(_) | Deed::Update(..) => {
                let (done, waits) = oneshot::channel();
                let _ = self.writer.send(Job::Note { deed, done });
                waits.await.ok().flatten()
            }
        }
    }
}

fn run(connection: &Connection, deed: &Deed) -> rusqlite::Result<String> {
    let first = |row: &rusqlite::Row<'_>| row.get(0);
    let prepare = |sql| connection.prepare_cached(sql);
    match deed {
        Deed::Read(id) => prepare(SQLITE.read)?.query_row([id], first),
        Deed::List => prepare(SQLITE.list)?.query_row([], first),
        Deed::Filtered(n) => prepare(SQLITE.filtered)?.query_row([n], first),
        Deed::Create(draft) => {
            prepare(SQLITE.create)?.query_row(params![draft.title, draft.body, draft.n], first)
        }
        Deed::Update(id, title) => prepare(SQLITE.update)?.query_row(params![id, title], first),
    }
}

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

fn write(mut connection: Connection, jobs: &Receiver<Job>) {
    let mut batch = Vec::with_capacity(512);
    while let Ok(job) = jobs.recv() {
        batch.push(job);
        batch.extend(jobs.try_iter().take(511));
        let mut answers = Vec::with_capacity(batch.len());
        let committed = connection.transaction().and_then(|transaction| {
            for job in batch.drain(..) {
                answers.push(apply(&transaction, job)?);
            }
            transaction.commit()
        });
        for told in answers {
            match told {
                Told::Done(done, worked) => drop(done.send(worked && committed.is_ok())),
                Told::Row(done, row) => drop(done.send(row.filter(|_| committed.is_ok()))),
            }
        }
    }
}

fn apply(connection: &Connection, job: Job) -> rusqlite::Result<Told> {
    let mut insert = connection.prepare_cached(INSERT)?;
    match job {
        Job::Insert { id, hash, done } => {
            insert.execute(params![id, hash])?;
            Ok(Told::Done(done, true))
        }
        Job::Note { deed, done } => {
            let row = run(connection, &deed)?;
            Ok(Told::Row(done, Some(row)))
        }
        Job::Rotate { old, old_hash, ids, hashes, done } => {
            let retired = connection.prepare_cached(RETIRE)?.execute(params![old, old_hash])? == 1;
            for (id, hash) in ids.into_iter().zip(hashes) {
                insert.execute(params![id, hash])?;
            }
            // The first token of a chain is made here.
            Ok(Told::Done(done, retired || old == 0))
        }
    }
}
