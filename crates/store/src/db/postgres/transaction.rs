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
        let statements = self.prepare(writes).await.map_err(|error| self.unwritten(error, true))?;
        let flight = self.fly(&statements, Some("commit")).await;
        self.lease.open = self.lease.is_closed();
        // Without its beginning every write was a transaction of its own: nobody knows which of them were done.
        flight.begun.map_err(|error| self.unwritten(error, false))?;
        let mut counts = Vec::with_capacity(writes.len());
        for answer in flight.answers {
            match answer {
                Ok((_, changed)) => counts.push(Ok(changed)),
                Err(error) if error.as_db_error().is_some() => return Err(self.unwritten(error, true)),
                Err(error) => counts.push(Err(codec::error(error))),
            }
        }
        flight.ended.map_err(|error| {
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
        let mut writes: Vec<_> = deferred.iter().map(|(sql, params)| (*sql, params.as_slice())).collect();
        let script = match last {
            Last::Statement(sql, params) => {
                writes.push((sql, params));
                None
            }
            Last::Script(sql) => Some(sql),
        };
        let statements = self.prepare(&writes).await?;
        let Flight { begun, answers, ended } = self.fly(&statements, script).await;
        let mut answer = begun;
        for outcome in answers.into_iter().chain(script.map(|_| ended)) {
            answer = answer.and(outcome);
        }
        answer
    }

    async fn prepare<'w>(
        &self,
        writes: &[(&'static str, &'w [Value])],
    ) -> Result<Vec<(Statement, &'w [Value])>, Error> {
        let mut statements = Vec::with_capacity(writes.len());
        for (sql, params) in writes {
            statements.push((self.lease.prepare(sql).await?, *params));
        }
        Ok(statements)
    }

    /// Everything in one round trip: the beginning unless it was sent before, the statements, the script.
    async fn fly(&mut self, statements: &[(Statement, &[Value])], script: Option<&str>) -> Flight {
        let begin = !std::mem::replace(&mut self.lease.open, true);
        let lease = &self.lease;
        // Every request leaves with the first poll of its future, and join_all polls in order.
        let mut flights: Vec<BoxFuture<'_, Result<Answer, Error>>> = Vec::with_capacity(statements.len() + 2);
        if begin {
            flights.push(lease.script(BEGIN).boxed());
        }
        flights.extend(statements.iter().map(|(statement, params)| lease.run(statement, params).boxed()));
        if let Some(sql) = script {
            flights.push(lease.script(sql).boxed());
        }
        let mut answers = join_all(flights).await.into_iter();
        let nothing = || Ok((Vec::new(), 0));
        let begun = if begin { answers.next().unwrap_or_else(nothing) } else { nothing() };
        let ended = script.and_then(|_| answers.next_back()).unwrap_or_else(nothing);
        Flight { begun, answers: answers.collect(), ended }
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

/// What came back from one round trip.
struct Flight {
    begun: Result<Answer, Error>,
    answers: Vec<Result<Answer, Error>>,
    ended: Result<Answer, Error>,
}

/// What ends a flight.
#[derive(Clone, Copy)]
enum Last<'a> {
    Statement(&'static str, &'a [Value]),
    Script(&'a str),
}
