//! Why a request over somebody's tables is not done.

use ayb_provider::access::Denied;

use crate::error::StoreError;

/// Why a request is not done. Its texts are fixed and repeat nothing that the caller sent; names of columns are those of
/// the schema.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TableError {
    /// There is no such table, or none that may be known of.
    #[error("no such table")]
    UnknownTable,
    /// There is no such row, or none that the caller may see.
    #[error("no such row")]
    NoRow,
    /// The credential does not reach a table on the way to the rows, or may not do this with it.
    #[error("denied")]
    Denied(Denied),
    /// The database, or the rule about owners, forbids it.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The table takes no writes.
    #[error("read only")]
    ReadOnly,
    /// The table has no primary key, so its rows have no address.
    #[error("no primary key")]
    NoKey,
    /// The question makes no sense.
    #[error("{parameter}: {message}")]
    Query {
        /// The parameter of the query.
        parameter: &'static str,
        /// What is wrong.
        message: &'static str,
        /// Where in the parameter, in characters counted from 1.
        position: Option<usize>,
    },
    /// A value breaks a rule of its column.
    #[error("{message}")]
    Value {
        /// The column, as the schema or, when it is unknown there, the caller names it.
        field: Option<String>,
        /// What is wrong.
        message: &'static str,
    },
    /// The rows of the answer are larger than [`MAX_ANSWER`](crate::db::MAX_ANSWER) together. Nothing was changed.
    #[error("too large for one answer")]
    TooLarge,
    /// Another row stands in the way.
    #[error("{0}")]
    Conflict(&'static str),
    /// Our own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a batch is not done, and which of its operations was the reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchError {
    /// The place of the operation, counted from zero; none when the database said no at the end.
    pub index: Option<usize>,
    /// Why.
    pub error: TableError,
}

impl TableError {
    pub(super) fn value(column: &str, message: &'static str) -> Self {
        Self::Value { field: Some(column.to_owned()), message }
    }

    pub(super) fn query(parameter: &'static str, message: &'static str) -> Self {
        Self::Query { parameter, message, position: None }
    }

    pub(super) fn filter(position: usize, message: &'static str) -> Self {
        Self::Query { parameter: "filter", message, position: Some(position) }
    }
}
