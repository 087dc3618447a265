//! A transaction on PostgreSQL in as few round trips as it needs: `begin` travels with the first statement, writes
//! whose counts nobody needs with the next one, and `commit` with the last.

use std::borrow::Cow;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio_postgres::{Error, Statement};

use super::codec;
use super::connection::Answer;
use super::pool::Lease;
use crate::db::Value;
use crate::db::row::Row;
use crate::db::tx::Write;
use crate::error::StoreError;

/// Row locks and conditions in the writes settle every race, so the weakest level is enough on every server.
const BEGIN: &str = "begin isolation level read committed";

/// The connection of a transaction.
pub(in crate::db) struct Session {
    lease: Lease,
    deferred: Vec<Write>,
    committing: bool,
    again: bool,
}

impl Session {
    pub(super) fn new(lease: Lease) -> Self {
        Self { lease, deferred: Vec::new(), committing: false, again: false }
    }

    /// Whether the transaction failed for a reason that another run would not meet, and certainly did nothing.
    pub(super) fn may_run_again(&self) -> bool {
        self.again || (self.lease.is_closed() && !self.committing)
    }

    /// Writes that travel with the next statement.
    pub(in crate::db) fn defer(&mut self, writes: Vec<Write>) {
        self.deferred.extend(writes);
    }

    /// Runs one statement for its rows.
    pub(in crate::db) async fn rows(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let outcome = self.flight(Last::Statement(sql, params)).await;
        self.note(outcome).map(|(rows, _)| rows)
    }

    /// Runs one statement for its count.
    pub(in crate::db) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        let outcome = self.flight(Last::Statement(sql, params)).await;
        self.note(outcome).map(|(_, changed)| changed)
    }

    /// Runs several statements without parameters.
    pub(in crate::db) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let outcome = self.flight(Last::Script(sql)).await;
        self.note(outcome).map(|_| ())
    }

    /// Runs text that is not static, prepared for this once.
    pub(in crate::db) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let outcome = self.lease.query(Cow::Owned(sql.to_owned()), params).await;
        self.note(outcome).map(|(rows, _)| rows)
    }

    /// Sends what is deferred together with the commit. The commit of a transaction in which a statement failed is a
    /// rollback, and the failure of that statement is the answer.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        if !self.lease.open && self.deferred.is_empty() {
            return Ok(());
        }
        self.committing = true;
        let outcome = self.flight(Last::Script("commit")).await;
        self.lease.open = self.lease.is_closed();
        self.note(outcome).map(|_| ())
    }

    /// A whole transaction of writes in one round trip: how many rows each of them changed.
    ///
    /// A write that could not even be sent fails alone; when PostgreSQL refuses one, nothing is written at all.
    pub(super) async fn write_and_commit(
        &mut self,
        writes: &[(&'static str, &[Value])],
    ) -> Result<Vec<Result<u64, StoreError>>, Unwritten> {
        let mut statements = Vec::with_capacity(writes.len());
        for (sql, params) in writes {
            let statement = self.lease.prepare(sql).await.map_err(|error| self.unwritten(error, true))?;
            statements.push((statement, *params));
        }
        self.lease.open = true;
        let lease = &self.lease;
        // Every request leaves with the first poll of its future, and join_all polls in order.
        let mut flights: Vec<BoxFuture<'_, Result<Answer, Error>>> = Vec::with_capacity(statements.len() + 2);
        flights.push(Box::pin(lease.script(BEGIN)));
        flights.extend(statements.iter().map(|(statement, params)| lease.run(statement, params).boxed()));
        flights.push(Box::pin(lease.script("commit")));
        let mut answers = join_all(flights).await;
        self.lease.open = self.lease.is_closed();
        let committed = answers.pop().unwrap_or(Ok((Vec::new(), 0)));
        let mut answers = answers.into_iter();
        // Without its beginning every write was a transaction of its own: nobody knows which of them were done.
        answers.next().unwrap_or(Ok((Vec::new(), 0))).map_err(|error| self.unwritten(error, false))?;
        let mut counts = Vec::with_capacity(writes.len());
        for answer in answers {
            match answer {
                Ok((_, changed)) => counts.push(Ok(changed)),
                Err(error) if error.as_db_error().is_some() => return Err(self.unwritten(error, true)),
                Err(error) => counts.push(Err(codec::error(error))),
            }
        }
        committed.map_err(|error| {
            let refused = error.as_db_error().is_some();
            self.unwritten(error, refused)
        })?;
        Ok(counts)
    }

    fn unwritten(&self, error: Error, nothing_written: bool) -> Unwritten {
        let outdated = codec::outdated(&error);
        if outdated {
            self.lease.forget();
        }
        let again = nothing_written && (outdated || codec::lost_race(&error));
        Unwritten { error: codec::error(error), nothing_written, again }
    }

    /// Undoes everything.
    pub(super) async fn rollback(&mut self) {
        if self.lease.open && self.lease.script("rollback").await.is_ok() {
            self.lease.open = false;
        }
    }

    async fn flight(&mut self, last: Last<'_>) -> Result<Answer, Error> {
        let deferred = std::mem::take(&mut self.deferred);
        let mut statements: Vec<(Statement, &[Value])> = Vec::with_capacity(deferred.len() + 1);
        for (sql, params) in &deferred {
            statements.push((self.lease.prepare(sql).await?, params));
        }
        if let Last::Statement(sql, params) = last {
            statements.push((self.lease.prepare(sql).await?, params));
        }
        let begin = !std::mem::replace(&mut self.lease.open, true);
        let lease = &self.lease;
        // Every request leaves with the first poll of its future, and join_all polls in order.
        let mut flights: Vec<BoxFuture<'_, Result<Answer, Error>>> = Vec::with_capacity(statements.len() + 2);
        if begin {
            flights.push(Box::pin(lease.script(BEGIN)));
        }
        for (statement, params) in &statements {
            flights.push(Box::pin(lease.run(statement, params)));
        }
        if let Last::Script(sql) = last {
            flights.push(Box::pin(lease.script(sql)));
        }
        let mut answer = Ok((Vec::new(), 0));
        for outcome in join_all(flights).await {
            answer = answer.and(outcome);
        }
        answer
    }

    fn note(&mut self, outcome: Result<Answer, Error>) -> Result<Answer, StoreError> {
        outcome.map_err(|error| {
            let outdated = codec::outdated(&error);
            if outdated {
                self.lease.forget();
            }
            self.again |= outdated || codec::lost_race(&error);
            codec::error(error)
        })
    }
}

/// Why the writes of one round trip are not answered.
pub(super) struct Unwritten {
    pub(super) error: StoreError,
    /// PostgreSQL itself said no. A connection that broke may have committed all the same.
    pub(super) nothing_written: bool,
    /// Another run would not meet the same reason.
    pub(super) again: bool,
}

/// What ends a flight.
#[derive(Clone, Copy)]
enum Last<'a> {
    Statement(&'static str, &'a [Value]),
    Script(&'a str),
}
