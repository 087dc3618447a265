//! Statements, rows and errors of SQLite.

use std::ops::Range;

use ayb_protocol::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ffi};
use uuid::Uuid;

use super::bind::{bind, bind_known};
use crate::db::row::{self, Row, mismatch};
use crate::db::{Refused, Scalar, Value};
use crate::error::StoreError;

/// A row copied out of the statement, so that no statement stays open. All of its texts share one piece of memory, and all of
/// its bytes another.
pub(in crate::db) struct Cells {
    cells: Vec<Cell>,
    text: String,
    bytes: Vec<u8>,
}

enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(Range<usize>),
    /// Text with bytes that are none, which are replaced.
    BrokenText(Range<usize>),
    Bytes(Range<usize>),
}

impl Cells {
    fn push(&mut self, value: ValueRef<'_>) {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Real(number) => Cell::Real(number),
            ValueRef::Blob(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Cell::Bytes(start..self.bytes.len())
            }
            ValueRef::Text(bytes) => {
                let start = self.text.len();
                match std::str::from_utf8(bytes) {
                    Ok(text) => {
                        self.text.push_str(text);
                        Cell::Text(start..self.text.len())
                    }
                    Err(_) => {
                        self.text.push_str(&String::from_utf8_lossy(bytes));
                        Cell::BrokenText(start..self.text.len())
                    }
                }
            }
        };
        self.cells.push(cell);
    }

    fn cell(&self, column: usize) -> Result<&Cell, StoreError> {
        self.cells.get(column).ok_or_else(|| mismatch(column, "in the statement's list"))
    }

    pub(in crate::db) fn scalar(&self, column: usize) -> Result<Scalar<'_>, StoreError> {
        Ok(match self.cell(column)? {
            Cell::Null => Scalar::Null,
            Cell::Int(number) => Scalar::Int(*number),
            Cell::Real(number) => Scalar::Real(*number),
            Cell::Text(place) | Cell::BrokenText(place) => Scalar::Text(&self.text[place.clone()]),
            Cell::Bytes(place) => Scalar::Bytes(&self.bytes[place.clone()]),
        })
    }

    pub(in crate::db) fn text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(place) => Ok(Some(&self.text[place.clone()])),
            _ => Err(mismatch(column, "text")),
        }
    }

    pub(in crate::db) fn int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(number) => Ok(Some(*number)),
            _ => Err(mismatch(column, "a whole number")),
        }
    }

    pub(in crate::db) fn bool(&self, column: usize) -> Result<Option<bool>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(0) => Ok(Some(false)),
            Cell::Int(1) => Ok(Some(true)),
            _ => Err(mismatch(column, "a truth value")),
        }
    }

    pub(in crate::db) fn uuid(&self, column: usize) -> Result<Option<Uuid>, StoreError> {
        let Some(bytes) = self.bytes(column)? else { return Ok(None) };
        Uuid::from_slice(bytes).map(Some).map_err(|_| mismatch(column, "an identifier"))
    }

    pub(in crate::db) fn hex(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.bytes(column)?.map(<[u8]>::to_vec))
    }

    pub(in crate::db) fn time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.int(column)?.map(Timestamp::from_millis))
    }

    pub(in crate::db) fn list(&self, column: usize) -> Result<Option<Vec<String>>, StoreError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| mismatch(column, "a list of texts"))
    }

    pub(in crate::db) fn bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(place) => Ok(Some(&self.bytes[place.clone()])),
            _ => Err(mismatch(column, "bytes")),
        }
    }
}

/// Runs one statement of the code: its first `limit` rows, and how many rows it changed.
pub(super) fn run(
    connection: &Connection,
    sql: &'static str,
    params: &[Value],
    limit: usize,
) -> Result<(Vec<Row>, u64), rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    bind_known(&mut statement, sql, params)?;
    finish(statement, limit)
}

/// Runs one statement with a text of its own: its first `limit` rows, and how many rows it changed.
pub(super) fn run_text(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    limit: usize,
) -> Result<(Vec<Row>, u64), rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    finish(statement, limit)
}

fn finish(mut statement: CachedStatement<'_>, limit: usize) -> Result<(Vec<Row>, u64), rusqlite::Error> {
    let columns = statement.column_count();
    if columns == 0 {
        return Ok((Vec::new(), statement.raw_execute()? as u64));
    }
    let (mut found, mut changed) = (Vec::new(), 0);
    let mut rows = statement.raw_query();
    // A write with RETURNING must be stepped to its end, also when nobody wants further rows.
    while let Some(row) = rows.next()? {
        changed += 1;
        if found.len() < limit {
            found.push(copy(row, columns)?);
        }
    }
    Ok((found, changed))
}

/// Runs one statement: its rows, as long as there is room for them in the answer; none when there is not. `room` is in
/// bytes of JSON and becomes less by what they take.
pub(super) fn run_within(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    room: &mut usize,
) -> Result<Option<Vec<Row>>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    // Each name stands in quotes, with a colon behind it and a comma behind its value.
    let names: usize = statement.column_names().map(|name| name.len() + 4).sum();
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut size = names;
        for column in 0..columns {
            size += written(row.get_ref(column)?);
        }
        let Some(left) = room.checked_sub(size) else { return Ok(None) };
        *room = left;
        found.push(copy(row, columns)?);
    }
    Ok(Some(found))
}

/// How long a value is in JSON, at most.
fn written(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 24,
        ValueRef::Blob(bytes) => 2 * bytes.len() + 5,
        ValueRef::Text(bytes) => {
            // A byte that is no part of a text becomes U+FFFD.
            let other = if std::str::from_utf8(bytes).is_ok() { 1 } else { 3 };
            let size = |byte: &u8| match byte {
                0..0x20 => 6,
                b'"' | b'\\' => 2,
                0x80.. => other,
                _ => 1,
            };
            bytes.iter().map(size).sum::<usize>() + 2
        }
    }
}

fn copy(row: &rusqlite::Row<'_>, columns: usize) -> Result<Row, rusqlite::Error> {
    // About as much as a row of ours needs.
    let (text, bytes) = (String::with_capacity(8 * columns), Vec::with_capacity(8 * columns));
    let mut cells = Cells { cells: Vec::with_capacity(columns), text, bytes };
    for column in 0..columns {
        cells.push(row.get_ref(column)?);
    }
    Ok(Row(row::Cells::Sqlite(cells)))
}

/// What a driver's error means to the store.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn error(error: rusqlite::Error) -> StoreError {
    let (failure, message) = match &error {
        rusqlite::Error::SqliteFailure(failure, Some(message)) => (failure, message),
        rusqlite::Error::FromSqlConversionFailure(..) => return StoreError::corrupt("text is not UTF-8"),
        _ => return StoreError::unavailable(format!("sqlite: {error}")),
    };
    let subject = message.split_once(": ").map_or("", |(_, subject)| subject);
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE => StoreError::Duplicate { constraint: constraint(subject, false) },
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            StoreError::Duplicate { constraint: constraint(subject, true) }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => StoreError::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_DATATYPE => {
            StoreError::Check { constraint: subject.to_owned() }
        }
        _ => StoreError::unavailable(format!("sqlite: {message}")),
    }
}

/// What SQLite has against a statement over the tables of others.
pub(super) fn refusal(failure: rusqlite::Error) -> Refused {
    let (code, message) = match &failure {
        rusqlite::Error::SqliteFailure(code, Some(message)) => (code, message),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg),
        _ => return Refused::Store(error(failure)),
    };
    let column = || message.rsplit_once('.').map(|(_, column)| column.to_owned());
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_NOTNULL => return Refused::Null { column: column() },
        ffi::SQLITE_CONSTRAINT_DATATYPE => return Refused::Value { column: column() },
        ffi::SQLITE_CONSTRAINT_TRIGGER => return Refused::Rule,
        ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG | ffi::SQLITE_RANGE => {
            return Refused::Value { column: None };
        }
        ffi::SQLITE_SCHEMA => return Refused::Outdated,
        ffi::SQLITE_ERROR => return of_text(message),
        _ => {}
    }
    match error(failure) {
        StoreError::Duplicate { constraint } => Refused::Duplicate { constraint },
        StoreError::ForeignKey => Refused::Reference,
        StoreError::Check { constraint } => Refused::Check { constraint },
        other => Refused::Store(other),
    }
}

/// SQLite has one code for most of what can be wrong with a statement; only its words differ.
fn of_text(message: &str) -> Refused {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["no such column", "no such table", "has no column named", "no such index"]) {
        return Refused::Outdated;
    }
    if says(&["malformed JSON", "bad JSON path", "too complex", "integer overflow", "cannot hold BLOB"]) {
        return Refused::Value { column: None };
    }
    if says(&[
        "is a view",
        "cannot modify",
        "cannot UPDATE",
        "cannot INSERT",
        "too many",
        "may not be modified",
    ]) {
        return Refused::Rule;
    }
    Refused::Store(StoreError::unavailable(format!("sqlite: {message}")))
}

/// The name that PostgreSQL gives to the constraint, from SQLite's `table.column, table.column`.
fn constraint(columns: &str, primary: bool) -> String {
    let table = columns.split('.').next().unwrap_or_default();
    if primary {
        return format!("{table}_pkey");
    }
    let mut name = table.to_owned();
    for column in columns.split(", ") {
        name.push('_');
        name.push_str(column.rsplit('.').next().unwrap_or_default());
    }
    name.push_str("_key");
    name
}

#[cfg(test)]
mod tests {
    use super::constraint;

    #[test]
    fn constraints_are_named_as_postgresql_names_them() {
        assert_eq!(constraint("_ayb_users.email", false), "_ayb_users_email_key");
        assert_eq!(constraint("t.user_id, t.client_id", false), "t_user_id_client_id_key");
        assert_eq!(constraint("_ayb_users.id", true), "_ayb_users_pkey");
    }
}
