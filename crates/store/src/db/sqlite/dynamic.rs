//! Statements over the tables of others.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::{Database, codec};
use crate::db::row::Row;
use crate::db::{Dynamic, Failed, Found, MAX_ANSWER, Reading, Refused, Tx};
use crate::error::StoreError;

/// How long a read of others' tables may take before it is given up, so that it cannot hold its thread for ever.
const LONGEST: Duration = Duration::from_secs(5);
/// After how many steps of SQLite's machine the time is looked at: a few rows, because one step may be a `like` over a
/// long text, within which nobody looks.
const STEPS: i32 = 50;

impl Database {
    pub(in crate::db) async fn read_dynamic(
        &self,
        statements: Vec<Dynamic>,
        by_key: bool,
    ) -> Result<Found, Failed> {
        if by_key {
            return self
                .readers
                .inline(Reading::Often, |connection| Ok(read_all(connection, &statements)))?;
        }
        self.readers.apart(move |connection| Ok(in_time(connection, &statements))).await?
    }

    pub(in crate::db) async fn write_dynamic(&self, statements: Vec<Dynamic>) -> Result<Found, Failed> {
        self.writer.submit("tables", true, move |tx: &mut Tx| write_all(tx, &statements)).await?
    }
}

/// Reads with an end to the patience.
fn in_time(connection: &mut Connection, statements: &[Dynamic]) -> Result<Found, Failed> {
    let start = Instant::now();
    let watched = connection.progress_handler(STEPS, Some(move || start.elapsed() > LONGEST));
    watched.map_err(codec::error)?;
    let found = read_all(connection, statements);
    connection.progress_handler(0, None::<fn() -> bool>).map_err(codec::error)?;
    found
}

/// Several reads are one transaction, so that they see the same state.
fn read_all(connection: &Connection, statements: &[Dynamic]) -> Result<Found, Failed> {
    let several = statements.len() > 1;
    if several {
        connection.execute_batch("begin").map_err(codec::error)?;
    }
    let mut room = MAX_ANSWER;
    let read = |statement| read(connection, statement, &mut room);
    let found = statements.iter().map(read).collect::<Result<Found, _>>();
    if several {
        connection.execute_batch("commit").map_err(codec::error)?;
    }
    found.map_err(Failed::whole)
}

fn read(connection: &Connection, statement: &Dynamic, room: &mut usize) -> Result<Vec<Row>, Refused> {
    let found = codec::run_within(connection, &statement.sql, &statement.params, room);
    found.map_err(codec::refusal)?.ok_or(Refused::TooLarge)
}

/// A refusal undoes what the statements before it did, and nothing that others wrote in the same group.
fn write_all(tx: &mut Tx, statements: &[Dynamic]) -> Result<Result<Found, Failed>, StoreError> {
    let session = tx.sqlite()?;
    session.control("savepoint tables")?;
    let mut found = Vec::with_capacity(statements.len());
    let mut room = MAX_ANSWER;
    for (index, statement) in statements.iter().enumerate() {
        let refused = match session.dynamic(statement, &mut room) {
            Ok(rows) if rows.is_empty() => Refused::NoRow,
            Ok(rows) => {
                found.push(rows);
                continue;
            }
            Err(refused) => refused,
        };
        if session.lost() {
            return Err(StoreError::unavailable("sqlite: the transaction was rolled back"));
        }
        session.control("rollback to tables")?;
        session.control("release tables")?;
        return Ok(Err(Failed { index: Some(index), refused }));
    }
    session.control("release tables")?;
    Ok(Ok(found))
}
