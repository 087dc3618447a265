//! Rows of an answer, read by the position of the column.

use ayb_protocol::time::Timestamp;
use uuid::Uuid;

use super::{Scalar, postgres, sqlite};
use crate::error::StoreError;

/// One row of an answer. Columns are read by position, in the order of the statement's list; a value of another
/// type, or NULL where none is expected, is [`StoreError::Corrupt`].
pub struct Row(pub(super) Cells);

/// The row as the driver gave it.
pub(super) enum Cells {
    Sqlite(sqlite::Cells),
    Postgres(postgres::Cells),
}

macro_rules! columns {
    ($($(#[$doc:meta])+ $name:ident, $opt:ident -> $type:ty;)+) => {
        $(
            $(#[$doc])+
            pub fn $name(&self, column: usize) -> Result<$type, StoreError> {
                self.$opt(column)?.ok_or_else(|| null(column))
            }

            $(#[$doc])+
            ///
            /// `None` is NULL.
            pub fn $opt(&self, column: usize) -> Result<Option<$type>, StoreError> {
                match &self.0 {
                    Cells::Sqlite(cells) => cells.$name(column),
                    Cells::Postgres(cells) => cells.$name(column),
                }
            }
        )+
    };
}

impl Row {
    /// A value as the database keeps it: of SQLite anything, of PostgreSQL text or NULL.
    pub fn scalar(&self, column: usize) -> Result<Scalar<'_>, StoreError> {
        match &self.0 {
            Cells::Sqlite(cells) => cells.scalar(column),
            Cells::Postgres(cells) => Ok(cells.text(column)?.map_or(Scalar::Null, Scalar::Text)),
        }
    }

    /// Bytes whose written form is `prefix` and lowercase hexadecimal.
    pub fn hex(&self, column: usize, prefix: &str) -> Result<Vec<u8>, StoreError> {
        self.opt_hex(column, prefix)?.ok_or_else(|| null(column))
    }

    /// Bytes whose written form is `prefix` and lowercase hexadecimal.
    ///
    /// `None` is NULL.
    pub fn opt_hex(&self, column: usize, prefix: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            Cells::Sqlite(cells) => cells.hex(column),
            Cells::Postgres(cells) => cells.hex(column, prefix),
        }
    }

    columns! {
        /// Text, or the text of a JSON document.
        text, opt_text -> &str;
        /// A whole number.
        int, opt_int -> i64;
        /// A truth value.
        bool, opt_bool -> bool;
        /// An identifier.
        uuid, opt_uuid -> Uuid;
        /// A point in time.
        time, opt_time -> Timestamp;
        /// A list of texts.
        list, opt_list -> Vec<String>;
        /// Bytes.
        bytes, opt_bytes -> &[u8];
    }
}

fn null(column: usize) -> StoreError {
    StoreError::corrupt(format!("column {column} is null"))
}

/// The error of a column whose value has another type than the reader expects.
pub(super) fn mismatch(column: usize, expected: &str) -> StoreError {
    StoreError::corrupt(format!("column {column} is not {expected}"))
}
