//! Statements whose text is made while the program runs, over tables that belong to others.
//!
//! Their failures are the caller's as often as ours, so they are told apart here more finely than in [`StoreError`].

use super::{Db, Driver, Row, Value};
use crate::error::StoreError;

/// A statement and its parameters. The text holds names that the database itself told, and no value.
#[derive(Clone, Debug)]
pub struct Dynamic {
    /// The text.
    pub sql: String,
    /// The parameters of `$1`, `$2`, …
    pub params: Vec<Value>,
    /// SQLite: a question that finds a row when the statement is not to be run, because it would end the transaction of
    /// everybody.
    pub unless: Option<String>,
}

/// The most that the rows of one answer may come to as JSON, in bytes: what one request can make the server hold.
pub const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// On whose behalf statements run. PostgreSQL is told for the length of the transaction; SQLite knows no such thing.
#[derive(Clone, Default)]
pub struct Behalf {
    /// The database role that the statements run as; the connection's own without it.
    pub role: Option<String>,
    /// The person, as `ayb.user_id`; empty when there is none.
    pub user_id: String,
    /// The person's address, as `ayb.user_email`; empty when there is none.
    pub user_email: String,
    /// The client, as `ayb.client_id`; empty when there is none.
    pub client_id: String,
    /// The scope, as `ayb.scope`.
    pub scope: String,
}

impl Behalf {
    /// The parameters of the statement that tells PostgreSQL.
    pub(super) fn params(&self) -> [Value; 4] {
        [&self.user_id, &self.user_email, &self.client_id, &self.scope].map(Value::from)
    }
}

/// What the database has against a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// A write found no row, or may not see it.
    NoRow,
    /// A value does not fit its column, which is named when the database says so.
    Value {
        /// The column.
        column: Option<String>,
    },
    /// A column needs a value.
    Null {
        /// The column.
        column: Option<String>,
    },
    /// A `check` of the table.
    Check {
        /// Its name.
        constraint: String,
    },
    /// Another row has the same key.
    Duplicate {
        /// The name of the key.
        constraint: String,
    },
    /// The row that is referred to is absent, or other rows refer to this one.
    Reference,
    /// The type has no such operation.
    Operator,
    /// The role may not do this, or a policy of the table forbids it.
    Privilege,
    /// Another rule of the database: a trigger, a view that takes no writes, a bound of the database itself.
    Rule,
    /// A table that counts its rows has no number left for another.
    Exhausted,
    /// The rows are larger than [`MAX_ANSWER`] together.
    TooLarge,
    /// A table or a column is not what it was when the statement was made.
    Outdated,
    /// Our own trouble.
    Store(StoreError),
}

/// Which of several statements was refused, and why. Nothing of any of them remains.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failed {
    /// Its place, counted from zero; none when the database said no at the end.
    pub index: Option<usize>,
    /// Why.
    pub refused: Refused,
}

impl Failed {
    pub(super) fn whole(refused: Refused) -> Self {
        Self { index: None, refused }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::whole(Refused::Store(error))
    }
}

/// The rows of each statement.
pub type Found = Vec<Vec<Row>>;

/// One value of a row as the database keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'r> {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Real(f64),
    /// Text. Bytes that are none are replaced by U+FFFD.
    Text(&'r str),
    /// Bytes.
    Bytes(&'r [u8]),
}

impl Db {
    /// Runs reads that see one state of the database. `by_key`: they are over so soon that on SQLite the calling
    /// thread runs them.
    pub async fn read_dynamic(
        &self,
        behalf: &Behalf,
        statements: Vec<Dynamic>,
        by_key: bool,
    ) -> Result<Found, Failed> {
        match &*self.0 {
            Driver::Sqlite(database) => database.read_dynamic(statements, by_key).await,
            Driver::Postgres(database) => database.run_dynamic(behalf, &statements, false).await,
        }
    }

    /// Runs writes as one durable transaction. Each must give at least one row; otherwise nothing is written.
    pub async fn write_dynamic(&self, behalf: &Behalf, statements: Vec<Dynamic>) -> Result<Found, Failed> {
        match &*self.0 {
            Driver::Sqlite(database) => database.write_dynamic(statements).await,
            Driver::Postgres(database) => database.run_dynamic(behalf, &statements, true).await,
        }
    }

    /// Runs reads that have nothing to do with each other; which of them the database refuses for a value.
    pub async fn unfit_dynamic(
        &self,
        behalf: &Behalf,
        statements: &[Dynamic],
    ) -> Result<Option<usize>, StoreError> {
        match &*self.0 {
            Driver::Sqlite(_) => Ok(None),
            Driver::Postgres(database) => database.unfit_dynamic(behalf, statements).await,
        }
    }

    /// Runs several statements without parameters, as one transaction.
    pub async fn script_dynamic(&self, script: String) -> Result<(), StoreError> {
        self.transaction("script", script, |tx, script| Box::pin(tx.script(script))).await
    }

    /// The plan of a statement that was made while the program runs, as [`Db::explain`] gives it.
    pub async fn explain_dynamic(&self, statement: Dynamic) -> Result<String, StoreError> {
        let text = match self.engine() {
            super::Engine::Sqlite => format!("explain query plan {}", statement.sql),
            super::Engine::Postgres => format!("explain {}", statement.sql),
        };
        let rows = self.transaction("explain", (text, statement.params), |tx, (text, params)| {
            Box::pin(tx.plan(text, params))
        });
        Ok(rows.await?.join("\n"))
    }
}
