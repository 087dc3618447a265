//! Creating, changing, replacing and deleting rows, one or up to a thousand in one transaction.

use ayb_provider::access::Write;
use serde_json::value::RawValue;

use super::change::{Made, Statement};
use super::error::{BatchError, TableError};
use super::explain::RULE;
use super::options::Asker;
use super::run::{Purpose, Question, Tables};
use super::schema::Table;
use super::scope::Scope;
use super::shape::Shape;
use crate::db::{Engine, Row, Scalar};
use crate::error::StoreError;

/// The most operations of one batch.
pub const MAX_BATCH: usize = 1000;

/// The columns of a row that are given, as JSON values.
pub type Cells = Vec<(String, Box<RawValue>)>;

/// One change.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Adds a row.
    Create {
        /// Its columns; the others get their defaults.
        cells: Cells,
    },
    /// Changes the columns given.
    Update {
        /// The parts of its primary key.
        id: Vec<String>,
        /// The columns.
        cells: Cells,
    },
    /// Gives every column the value given, or its default.
    Replace {
        /// The parts of its primary key.
        id: Vec<String>,
        /// The columns.
        cells: Cells,
    },
    /// Takes a row away.
    Delete {
        /// The parts of its primary key.
        id: Vec<String>,
    },
}

/// A row as it is after a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The row as a JSON object; none when it was deleted.
    pub row: Option<String>,
    /// The parts of its primary key.
    pub id: Vec<String>,
}

impl Tables {
    /// Does all of these in one transaction, or nothing.
    ///
    /// # Errors
    /// [`BatchError`] says which operation was refused, and why.
    pub async fn change(
        &self,
        asker: &Asker<'_>,
        table: &str,
        operations: &[Operation],
    ) -> Result<Vec<Written>, BatchError> {
        let prepare = |scope: Scope<'_>| {
            let table = scope.permitted(&scope.permit::<Write>(table)?)?;
            if !table.writable {
                return Err(TableError::ReadOnly.into());
            }
            let shape = Shape::new(scope, table, None, &[])?;
            let (statements, places, purposes) = (Vec::new(), Vec::new(), Vec::new());
            let mut question = Question { statements, places, purposes, by_key: true };
            for (index, operation) in operations.iter().enumerate() {
                let statement = Statement::new(self.engine(), scope, table, &shape);
                let at = |error| BatchError { index: Some(index), error };
                let Made { checks, write } = statement.write(operation).map_err(at)?;
                for (is_check, (statement, places)) in
                    checks.into_iter().map(|check| (true, check)).chain([(false, write)])
                {
                    question.statements.push(statement);
                    question.places.push(places);
                    question.purposes.push(Purpose { operation: index, is_check });
                }
            }
            Ok(question)
        };
        let (schema, found) =
            self.write(asker, prepare).await.map_err(|error| not_made(operations, error))?;
        let scope = self.scope(&schema, asker);
        let table = scope.table(table)?;
        let shape = Shape::new(scope, table, None, &[])?;
        let read = |(operation, rows): (&Operation, &Vec<Row>)| {
            let row = rows.first().ok_or_else(|| StoreError::corrupt("a write without a row"))?;
            written(self.engine(), table, &shape, operation, row)
        };
        let written: Result<Vec<_>, StoreError> = operations.iter().zip(&found).map(read).collect();
        written.map_err(|error| TableError::from(error).into())
    }
}

/// A row that was to be made and is not there is one that a trigger did not let in.
fn not_made(operations: &[Operation], error: BatchError) -> BatchError {
    let operation = error.index.and_then(|index| operations.get(index));
    match (operation, error.error) {
        (Some(Operation::Create { .. }), TableError::NoRow) => BatchError { error: RULE, ..error },
        (_, reason) => BatchError { index: error.index, error: reason },
    }
}

fn written(
    engine: Engine,
    table: &Table,
    shape: &Shape<'_>,
    operation: &Operation,
    row: &Row,
) -> Result<Written, StoreError> {
    if let Operation::Delete { id } = operation {
        return Ok(Written { row: None, id: id.clone() });
    }
    let (json, at) = shape.read(engine, row)?;
    let parts = (0..table.primary_key.len()).map(|index| row.scalar(at + index).map(as_text));
    Ok(Written { row: Some(json), id: parts.collect::<Result<_, _>>()? })
}

/// Part of the address of a row.
fn as_text(value: Scalar<'_>) -> String {
    match value {
        Scalar::Null => String::new(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Real(number) => number.to_string(),
        Scalar::Text(text) => text.to_owned(),
        Scalar::Bytes(bytes) => format!(r"\x{}", ayb_protocol::hex::encode(bytes)),
    }
}
