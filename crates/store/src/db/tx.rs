//! A transaction in the hands of its body.

use super::row::Row;
use super::{Engine, Value, postgres, sqlite};
use crate::error::StoreError;

/// A write: the statement and its parameters.
pub type Write = (&'static str, Vec<Value>);

/// An open transaction. Its body reads and locks, decides, writes, and returns.
pub struct Tx {
    session: Session,
    /// The first failure of a statement. PostgreSQL refuses everything after it, so SQLite does as well.
    pub(super) failure: Option<StoreError>,
}

enum Session {
    Sqlite(sqlite::Session),
    Postgres(postgres::Session),
}

impl Tx {
    pub(super) fn on_sqlite(session: sqlite::Session) -> Self {
        Self { session: Session::Sqlite(session), failure: None }
    }

    pub(super) fn on_postgres(session: postgres::Session) -> Self {
        Self { session: Session::Postgres(session), failure: None }
    }

    pub(super) fn sqlite(&mut self) -> Result<&mut sqlite::Session, StoreError> {
        match &mut self.session {
            Session::Sqlite(session) => Ok(session),
            Session::Postgres(_) => Err(StoreError::unavailable("a transaction of the other database")),
        }
    }

    pub(super) fn postgres(&mut self) -> Result<&mut postgres::Session, StoreError> {
        match &mut self.session {
            Session::Postgres(session) => Ok(session),
            Session::Sqlite(_) => Err(StoreError::unavailable("a transaction of the other database")),
        }
    }

    /// Which database this is.
    pub const fn engine(&self) -> Engine {
        match self.session {
            Session::Sqlite(_) => Engine::Sqlite,
            Session::Postgres(_) => Engine::Postgres,
        }
    }

    /// The first row that a statement finds (or, with `returning`, writes).
    pub async fn one(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let found = match &mut self.session {
            Session::Sqlite(session) => session.run(sql, params, 1).map(|(mut rows, _)| rows.pop()),
            Session::Postgres(session) => session.rows(sql, params).await.map(|rows| rows.into_iter().next()),
        };
        self.note(found)
    }

    /// All rows that a statement finds (or, with `returning`, writes).
    pub async fn many(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let found = match &mut self.session {
            Session::Sqlite(session) => session.run(sql, params, usize::MAX).map(|(rows, _)| rows),
            Session::Postgres(session) => session.rows(sql, params).await,
        };
        self.note(found)
    }

    /// Reads one row and keeps others from changing it until the end of the transaction.
    ///
    /// The statement ends in `for update`, `for no key update` or `for share`, with `of alias` where it joins. SQLite
    /// knows no such clause and needs none, because nobody else writes meanwhile: there the text stops before it.
    pub async fn lock_opt(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let plain = without_lock(sql);
        if plain.len() == sql.len() {
            return self.note(Err(StoreError::unavailable("a locking read without a locking clause")));
        }
        match &self.session {
            Session::Sqlite(_) => self.one(plain, params).await,
            Session::Postgres(_) => self.one(sql, params).await,
        }
    }

    /// One write; the answer is the number of rows it changed.
    pub async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let changed = match &mut self.session {
            Session::Sqlite(session) => session.run(sql, params, 0).map(|(_, changed)| changed),
            Session::Postgres(session) => session.execute(sql, params).await,
        };
        self.note(changed)
    }

    /// Writes in this order, whose counts nobody needs. PostgreSQL sends them together with whatever comes next, which
    /// for the last writes is the commit; a failure of theirs is then the answer of the whole transaction.
    pub async fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        let done = match &mut self.session {
            Session::Sqlite(session) => {
                writes.iter().try_for_each(|(sql, params)| session.run(sql, params, 0).map(|_| ()))
            }
            Session::Postgres(session) => {
                session.defer(writes);
                Ok(())
            }
        };
        self.note(done)
    }

    /// Several statements without parameters, for migrations.
    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let done = match &mut self.session {
            Session::Sqlite(session) => session.script(sql),
            Session::Postgres(session) => session.script(sql).await,
        };
        self.note(done)
    }

    /// The plan of a statement, line by line.
    pub(super) async fn plan(&mut self, explain: &str, params: &[Value]) -> Result<Vec<String>, StoreError> {
        let (rows, column) = match &mut self.session {
            Session::Sqlite(session) => (session.run_text(explain, params)?, 3),
            Session::Postgres(session) => (session.query(explain, params).await?, 0),
        };
        rows.iter().map(|row| Ok(row.text(column)?.to_owned())).collect()
    }

    fn note<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Err(error), None) = (&outcome, &self.failure) {
            self.failure = Some(error.clone());
        }
        outcome
    }
}

/// The statement up to its locking clause.
pub(super) fn without_lock(sql: &'static str) -> &'static str {
    let clause = sql.rfind(" for ").filter(|start| {
        let words = sql[*start..].trim_start_matches(" for ");
        ["update", "no key update", "share", "key share"].iter().any(|lock| words.starts_with(lock))
    });
    clause.map_or(sql, |start| &sql[..start])
}

#[cfg(test)]
mod tests {
    use super::without_lock;

    #[test]
    fn only_a_locking_clause_at_the_end_is_cut_off() {
        assert_eq!(without_lock("select a from t where b = $1 for update"), "select a from t where b = $1");
        assert_eq!(without_lock("select a from t for no key update of t"), "select a from t");
        assert_eq!(without_lock("select substring(a for 3) from t"), "select substring(a for 3) from t");
        assert_eq!(without_lock("select a from t"), "select a from t");
    }
}
