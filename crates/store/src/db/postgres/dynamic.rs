//! Statements over the tables of others: a transaction in one round trip, or two for a write, with the role and the
//! settings of the caller, none of which outlive it.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::SemaphorePermit;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Statement};

use super::connection::Answer;
use super::pool::Lease;
use super::{ATTEMPTS, Database, codec, late};
use crate::db::row::Row;
use crate::db::{Behalf, Dynamic, Failed, Found, Refused};
use crate::error::StoreError;

/// Tells the database on whose behalf the transaction is.
const SETTINGS: &str = "select set_config('ayb.user_id', $1, true), set_config('ayb.user_email', $2, true),
    set_config('ayb.client_id', $3, true), set_config('ayb.scope', $4, true)";

/// Why an attempt failed, and whether another one would not meet the same reason.
struct Attempt {
    failed: Failed,
    again: Again,
}

impl Attempt {
    fn last(failed: Failed) -> Self {
        Self { failed, again: Again::Never }
    }

    /// The same, when nothing was done that could be done twice.
    fn harmless_if(self, harmless: bool) -> Self {
        if harmless { Self { again: Again::Often, ..self } } else { self }
    }
}

/// How often something is tried.
#[derive(Clone, Copy)]
enum Again {
    /// The reason stays.
    Never,
    /// Statements that were prepared for what a table was are prepared anew. What fails then too has another reason.
    Once,
    /// It lost a race, or the connection was dead.
    Often,
}

impl Again {
    const fn attempts(self) -> u32 {
        match self {
            Self::Never => 1,
            Self::Once => 2,
            Self::Often => ATTEMPTS,
        }
    }
}

impl Database {
    pub(in crate::db) async fn run_dynamic(
        &self,
        behalf: &Behalf,
        statements: &[Dynamic],
        write: bool,
    ) -> Result<Found, Failed> {
        let work = async {
            let _guest = self.guest().await?;
            let mut attempt = 1;
            loop {
                match self.attempt_dynamic(behalf, statements, write).await {
                    Err(Attempt { again, .. }) if attempt < again.attempts() => attempt += 1,
                    outcome => return outcome.map_err(|attempt| attempt.failed),
                }
            }
        };
        tokio::time::timeout(self.deadline, work).await.unwrap_or_else(|_| Err(late().into()))
    }

    /// Each statement is tried with the rights of the caller, and undone.
    pub(in crate::db) async fn unfit_dynamic(
        &self,
        behalf: &Behalf,
        statements: &[Dynamic],
    ) -> Result<Option<usize>, StoreError> {
        let work = async {
            let _guest = self.guest().await?;
            let mut lease = self.pool.lease().await?;
            lease.open = true;
            lease.script(&self.begin(behalf, false)).await.map_err(codec::error)?;
            let mut unfit = None;
            for (index, statement) in statements.iter().enumerate() {
                lease.script("savepoint trial").await.map_err(codec::error)?;
                let answer = alone(&lease, statement).await.map_err(codec::refusal);
                match answer {
                    Ok(_) => {}
                    Err(Refused::Store(error)) => return Err(error),
                    Err(_) => {
                        unfit = Some(index);
                        break;
                    }
                }
                lease.script("rollback to savepoint trial").await.map_err(codec::error)?;
            }
            lease.script("rollback").await.map_err(codec::error)?;
            lease.open = lease.is_closed();
            Ok(unfit)
        };
        self.in_time(work).await
    }

    /// A turn for a statement over the tables of others. They never hold every connection, because tokens need some.
    async fn guest(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        let turn = self.guests.acquire().await;
        turn.map_err(|_| StoreError::unavailable("postgresql: the pool is closed"))
    }

    async fn attempt_dynamic(
        &self,
        behalf: &Behalf,
        statements: &[Dynamic],
        write: bool,
    ) -> Result<Found, Attempt> {
        let settle = |error: StoreError| Attempt::last(error.into());
        let mut lease = self.pool.lease().await.map_err(settle)?;
        // A connection that died while it was idle has done nothing yet.
        let unsent = |attempt: Attempt| attempt.harmless_if(lease.is_closed());
        let prepared = prepare(&lease, statements).await.map_err(unsent)?;
        lease.open = true;
        let outcome = self.transaction_dynamic(&lease, behalf, (statements, &prepared), write).await;
        lease.open = lease.is_closed();
        outcome.map_err(|attempt| attempt.harmless_if(!write && lease.is_closed()))
    }

    async fn transaction_dynamic(
        &self,
        lease: &Lease,
        behalf: &Behalf,
        statements: (&[Dynamic], &[Statement]),
        write: bool,
    ) -> Result<Found, Attempt> {
        let begin = self.begin(behalf, write);
        // Several writes are committed when each of them is known to have found its row.
        let at_once = !write || statements.0.len() == 1;
        // A write that travelled with a beginning that failed would be a transaction of its own, and under another role.
        let outcome = match write {
            true => match flight(lease, Some((&begin, behalf)), (&[], &[]), None).await {
                Ok(_) => flight(lease, None, statements, at_once.then_some("commit")).await,
                Err(attempt) => {
                    // It is the beginning that failed: there is little to undo, and nothing to tell about that.
                    let _undone = lease.script("rollback").await;
                    return Err(attempt);
                }
            },
            false => flight(lease, Some((&begin, behalf)), statements, at_once.then_some("commit")).await,
        };
        let outcome = outcome.and_then(|found| match found.iter().position(Vec::is_empty) {
            Some(index) if write => {
                Err(Attempt::last(Failed { index: Some(index), refused: Refused::NoRow }))
            }
            _ => Ok(found),
        });
        if at_once {
            return outcome;
        }
        let end = if outcome.is_ok() { "commit" } else { "rollback" };
        let ended = lease.script(end).await;
        let found = outcome?;
        ended.map_err(|error| refused(lease, None, error))?;
        Ok(found)
    }

    /// The beginning of the transaction. The name of the role comes from the configuration. What a caller asks for need not
    /// have an index, so the planner is free again.
    fn begin(&self, behalf: &Behalf, write: bool) -> String {
        let mode = if write { "read write" } else { "read only" };
        let patience = self.deadline.as_millis();
        let role = behalf.role.as_deref().map(|role| format!("; set local role {}", crate::db::quoted(role)));
        format!(
            "begin isolation level {level} {mode}; set local statement_timeout = {patience}; \
             set local enable_seqscan to default; set local jit to default{}",
            role.unwrap_or_default(),
            level = if write { "read committed" } else { "repeatable read" },
        )
    }
}

async fn alone(lease: &Lease, statement: &Dynamic) -> Result<Answer, Error> {
    let prepared = lease.prepare_dynamic(&statement.sql).await?;
    lease.run(&prepared, &statement.params).await
}

/// All statements, prepared; those that are not yet travel together, each text once.
async fn prepare(lease: &Lease, statements: &[Dynamic]) -> Result<Vec<Statement>, Attempt> {
    let mut texts: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    let prepared = join_all(texts.iter().map(|text| lease.prepare_dynamic(text))).await;
    let mut known = Vec::with_capacity(texts.len());
    for (text, statement) in texts.into_iter().zip(prepared) {
        let index = statements.iter().position(|statement| statement.sql == text);
        known.push((text, statement.map_err(|error| unprepared(lease, index, error))?));
    }
    let find = |statement: &Dynamic| {
        let at = known.binary_search_by(|(text, _)| text.cmp(&statement.sql.as_str())).ok()?;
        known.get(at).map(|(_, statement)| statement.clone())
    };
    let missing = || Attempt::last(StoreError::unavailable("a statement got lost").into());
    statements.iter().map(|statement| find(statement).ok_or_else(missing)).collect()
}

/// Sends everything at once and reads the answers in the same order.
async fn flight(
    lease: &Lease,
    begin: Option<(&str, &Behalf)>,
    (statements, prepared): (&[Dynamic], &[Statement]),
    end: Option<&str>,
) -> Result<Found, Attempt> {
    let settings = lease.prepare(SETTINGS).await.map_err(|error| not_begun(lease, error))?;
    let caller = begin.map(|(_, behalf)| behalf.params());
    // Every request leaves with the first poll of its future, and join_all polls in order.
    let mut flights: Vec<BoxFuture<'_, Result<Answer, Error>>> = Vec::with_capacity(statements.len() + 3);
    if let (Some((begin, _)), Some(caller)) = (begin, &caller) {
        flights.push(lease.script(begin).boxed());
        flights.push(lease.run(&settings, caller).boxed());
    }
    let before = flights.len();
    for (statement, of) in statements.iter().zip(prepared) {
        flights.push(lease.run(of, &statement.params).boxed());
    }
    flights.extend(end.map(|end| lease.script(end).boxed()));
    let mut found: Vec<Vec<Row>> = Vec::with_capacity(statements.len());
    for (place, answer) in join_all(flights).await.into_iter().enumerate() {
        let index = place.checked_sub(before).filter(|index| *index < statements.len());
        let (rows, _) = answer.map_err(|error| match place < before {
            true => not_begun(lease, error),
            false => refused(lease, index, error),
        })?;
        if index.is_some() {
            found.push(rows);
        }
    }
    Ok(found)
}

fn refused(lease: &Lease, index: Option<usize>, error: Error) -> Attempt {
    let again = again(lease, &error);
    Attempt { failed: Failed { index, refused: codec::refusal(error) }, again }
}

/// A statement that PostgreSQL cannot read is our fault: no value has reached it yet.
fn unprepared(lease: &Lease, index: Option<usize>, error: Error) -> Attempt {
    match error.code() {
        Some(&SqlState::SYNTAX_ERROR) => not_begun(lease, error),
        _ => refused(lease, index, error),
    }
}

/// What is wrong before the first statement is no fault of the caller: a role that is gone, a server that only reads.
fn not_begun(lease: &Lease, error: Error) -> Attempt {
    let again = again(lease, &error);
    Attempt { failed: codec::error(error).into(), again }
}

fn again(lease: &Lease, error: &Error) -> Again {
    if codec::outdated(error) {
        lease.forget();
        return Again::Once;
    }
    if codec::lost_race(error) { Again::Often } else { Again::Never }
}
