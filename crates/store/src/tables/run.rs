//! The way of a statement: made for the schema as it is known, run, and made again when the schema turned out to be
//! another one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::change::Places;
use super::error::{BatchError, TableError};
use super::options::{Asker, TableOptions};
use super::schema::Schema;
use super::scope::Scope;
use super::{introspect_postgres, introspect_sqlite};
use crate::db::{Db, Dynamic, Engine, Failed, Found, Refused};
use crate::error::StoreError;

/// PostgreSQL: how long the tables are taken for what they were. SQLite is asked each time, which costs next to nothing.
const FRESH: Duration = Duration::from_secs(1);
/// What no mark tells, such as a role that was granted to another, is noticed after this time.
const OLDEST: Duration = Duration::from_secs(60);

/// The tables of others in the database of ayb. Clones share what is known of them.
#[derive(Clone)]
pub struct Tables(Arc<Inner>);

struct Inner {
    db: Db,
    options: TableOptions,
    known: RwLock<Option<Known>>,
    looking: Mutex<()>,
}

#[derive(Clone)]
struct Known {
    schema: Arc<Schema>,
    mark: String,
    read_at: Instant,
    seen_at: Instant,
}

/// Statements to run.
pub(super) struct Question {
    pub(super) statements: Vec<Dynamic>,
    /// For each write the columns of its parameters.
    pub(super) places: Vec<Places>,
    /// For each statement of a write what it is for; empty for reads.
    pub(super) purposes: Vec<Purpose>,
    /// Whether they find their rows by key.
    pub(super) by_key: bool,
}

/// What a statement of a write is for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    /// The place of the operation, counted from zero.
    pub(super) operation: usize,
    /// Whether it only looks whether a reference leads to a row of the asker.
    pub(super) is_check: bool,
}

impl Question {
    /// The rows of the statements that do something.
    fn answers(&self, found: Found) -> Found {
        if self.purposes.is_empty() {
            return found;
        }
        let rows = found.into_iter().zip(&self.purposes);
        rows.filter(|(_, purpose)| !purpose.is_check).map(|(rows, _)| rows).collect()
    }
}

impl Tables {
    /// The tables of `db`.
    pub fn new(db: Db, options: TableOptions) -> Self {
        Self(Arc::new(Inner { db, options, known: RwLock::default(), looking: Mutex::default() }))
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(super) fn engine(&self) -> Engine {
        self.0.db.engine()
    }

    /// What the configuration says about the tables.
    pub fn options(&self) -> &TableOptions {
        &self.0.options
    }

    pub(super) fn scope<'s>(&'s self, schema: &'s Schema, asker: &'s Asker<'s>) -> Scope<'s> {
        Scope { schema, asker, options: &self.0.options }
    }

    /// The tables as they are, as far as the database was asked lately.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<Arc<Schema>, StoreError> {
        let known = self.known();
        if let Some(known) = &known
            && self.engine() == Engine::Postgres
            && known.seen_at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&known.schema));
        }
        let Some(known) = known else {
            let _looking = self.0.looking.lock().await;
            return match self.known() {
                Some(known) => Ok(known.schema),
                None => self.look(None).await,
            };
        };
        if self.engine() == Engine::Sqlite {
            return self.look(Some(known)).await;
        }
        // While one request looks, the others go on with what is known.
        match self.0.looking.try_lock() {
            Ok(_looking) => self.look(Some(known)).await,
            Err(_) => Ok(known.schema),
        }
    }

    fn known(&self) -> Option<Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the tables unless their mark is the one that is known.
    async fn look(&self, known: Option<Known>) -> Result<Arc<Schema>, StoreError> {
        let (db, options) = (&self.0.db, &self.0.options);
        let mark = match self.engine() {
            Engine::Sqlite => introspect_sqlite::mark(db).await?,
            Engine::Postgres => introspect_postgres::mark(db, options).await?,
        };
        let now = Instant::now();
        let same = known.filter(|known| known.mark == mark);
        let stays = same.filter(|known| self.engine() == Engine::Sqlite || known.read_at.elapsed() < OLDEST);
        let next = match stays {
            Some(known) => Known { seen_at: now, ..known },
            None => {
                let schema = match self.engine() {
                    Engine::Sqlite => introspect_sqlite::read(db).await?,
                    Engine::Postgres => introspect_postgres::read(db, options).await?,
                };
                let schema = Arc::new(schema.shown(self.engine(), options));
                Known { schema, mark, read_at: now, seen_at: now }
            }
        };
        let schema = Arc::clone(&next.schema);
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = Some(next);
        Ok(schema)
    }

    /// The tables as they are at this moment.
    async fn schema_again(&self) -> Result<Arc<Schema>, StoreError> {
        let _looking = self.0.looking.lock().await;
        self.look(None).await
    }

    /// Runs reads. `prepare` makes them, once more when the schema was another one.
    pub(super) async fn read(
        &self,
        asker: &Asker<'_>,
        prepare: impl Fn(Scope<'_>) -> Result<Question, TableError> + Send + Sync,
    ) -> Result<(Arc<Schema>, Found), TableError> {
        let prepare = |scope: Scope<'_>| prepare(scope).map_err(BatchError::from);
        self.run(asker, prepare, false).await.map_err(|error| error.error)
    }

    /// Runs writes, all or none.
    pub(super) async fn write(
        &self,
        asker: &Asker<'_>,
        prepare: impl Fn(Scope<'_>) -> Result<Question, BatchError> + Send + Sync,
    ) -> Result<(Arc<Schema>, Found), BatchError> {
        self.run(asker, prepare, true).await
    }

    async fn run(
        &self,
        asker: &Asker<'_>,
        prepare: impl Fn(Scope<'_>) -> Result<Question, BatchError> + Send + Sync,
        write: bool,
    ) -> Result<(Arc<Schema>, Found), BatchError> {
        let behalf = asker.behalf(&self.0.options);
        let whole = |error: StoreError| BatchError { index: None, error: error.into() };
        let mut schema = self.schema().await.map_err(whole)?;
        for again in [true, false] {
            let question = prepare(self.scope(&schema, asker))?;
            let statements = question.statements.clone();
            let ran = match write {
                true => self.0.db.write_dynamic(&behalf, statements).await,
                false => self.0.db.read_dynamic(&behalf, statements, question.by_key).await,
            };
            match ran {
                Ok(found) => return Ok((schema, question.answers(found))),
                Err(Failed { refused: Refused::Outdated, .. }) if again => {
                    schema = self.schema_again().await.map_err(whole)?;
                }
                Err(failed) => return Err(self.explained(&behalf, failed, &question).await),
            }
        }
        Err(whole(StoreError::unavailable("the tables change faster than they are read")))
    }
}

impl From<TableError> for BatchError {
    fn from(error: TableError) -> Self {
        Self { index: None, error }
    }
}
