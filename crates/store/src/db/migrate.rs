//! Migrations: numbered SQL files for each database, built into the program.
//!
//! Every migration is one transaction that holds a lock against other processes, so two servers that start together
//! apply each file once, and a file that fails leaves nothing behind.

mod losses;

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use ayb_protocol::time::Timestamp;

use super::{Db, Engine, Tx, Value, quoted};
use crate::error::StoreError;

pub use losses::{Loss, losses};

/// Why the tables are not what this program expects.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MigrateError {
    /// A file differs from the one that was applied.
    #[error("migration {name} was changed after it had been applied to this database")]
    Changed {
        /// The migration's file name, without its ending.
        name: String,
    },
    /// A newer program has worked on this database.
    #[error("the database has migration {name}, which this version of ayb does not know: use a newer ayb")]
    Newer {
        /// The migration's file name, without its ending.
        name: String,
    },
    /// A file could not be applied or taken back. The database is as it was before this file.
    #[error("migration {name} failed: {cause}")]
    Failed {
        /// The migration's file name, without its ending.
        name: String,
        /// What the database said.
        cause: StoreError,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One migration and whether the database has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The file name, without its ending.
    pub name: &'static str,
    /// When it was applied, by the clock of the database.
    pub applied_at: Option<Timestamp>,
}

struct Migration {
    name: &'static str,
    sqlite: Script,
    postgres: Script,
}

#[derive(Clone, Copy)]
struct Script {
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($($name:literal)+) => {
        &[$(Migration {
            name: $name,
            sqlite: Script {
                up: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
                down: include_str!(concat!("../../migrations/sqlite/", $name, ".down.sql")),
            },
            postgres: Script {
                up: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
                down: include_str!(concat!("../../migrations/postgres/", $name, ".down.sql")),
            },
        }),+]
    };
}

/// In the order in which they are applied.
const MIGRATIONS: &[Migration] = migrations! {
    "001_ayb_settings"
    "002_ayb_users"
    "003_ayb_sessions"
    "004_ayb_user_tokens"
    "010_ayb_apps"
    "015_ayb_signing_keys"
    "016_ayb_throttle"
    "017_ayb_audit"
    "019_ayb_oauth_clients"
    "020_ayb_oauth_authorization_codes"
    "021_ayb_oauth_tokens"
    "022_ayb_oauth_consents"
    "025_ayb_oauth_grants"
    "026_ayb_api_keys"
    "027_ayb_app_origins"
};

impl Migration {
    fn version(&self) -> Value {
        let digits = self.name.split('_').next().unwrap_or_default();
        digits.parse::<i64>().ok().into()
    }

    fn script(&self, engine: Engine) -> Script {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }

    fn checksum(&self, engine: Engine) -> String {
        let digest = digest(&SHA256, self.script(engine).up.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What one transaction did.
enum Step {
    Done(&'static str),
    Nothing,
    Refused(MigrateError),
}

/// Every known migration and whether the database has it.
pub async fn status(db: &Db) -> Result<Vec<Status>, MigrateError> {
    let engine = db.engine();
    let look = db.transaction("migrate status", engine, |tx, engine| Box::pin(applied(tx, *engine)));
    let applied = look.await??;
    let status = |migration: &Migration| Status {
        name: migration.name,
        applied_at: applied.iter().find(|row| row.name == migration.name).map(|row| row.applied_at),
    };
    Ok(MIGRATIONS.iter().map(status).collect())
}

/// How many connections of servers the database has. SQLite does not know: there the claim on the data folder tells.
pub async fn servers(db: &Db) -> Result<u64, MigrateError> {
    if db.engine() == Engine::Sqlite {
        return Ok(0);
    }
    let found = db.one(SERVERS, &[]).await?;
    Ok(found.map(|row| row.int(0)).transpose()?.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// By the name under which servers connect.
const SERVERS: &str = "select count(*) from pg_stat_activity
     where datname = current_database() and application_name = 'ayb'";

/// Applies what the database does not have yet; answers with the names of what was applied.
pub async fn up(db: &Db) -> Result<Vec<&'static str>, MigrateError> {
    run(db, Direction::Up, usize::MAX).await
}

/// Takes back the last `count` migrations with everything in their tables; answers with the names.
pub async fn down(db: &Db, count: usize) -> Result<Vec<&'static str>, MigrateError> {
    run(db, Direction::Down, count).await
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

async fn run(db: &Db, direction: Direction, count: usize) -> Result<Vec<&'static str>, MigrateError> {
    let (engine, mut done) = (db.engine(), Vec::new());
    while done.len() < count {
        let underway = Underway::default();
        let ask = (engine, direction, Arc::clone(&underway));
        let step = db.long_transaction("migrate", ask, |tx, (engine, direction, underway)| {
            Box::pin(step(tx, *engine, *direction, underway))
        });
        let outcome = step.await;
        let name = *underway.lock().unwrap_or_else(PoisonError::into_inner);
        match (outcome, name) {
            (Ok(Step::Done(name)), _) => done.push(name),
            (Ok(Step::Nothing), _) => break,
            (Ok(Step::Refused(error)), _) => return Err(error),
            (Err(cause), Some(name)) => return Err(MigrateError::Failed { name: name.to_owned(), cause }),
            (Err(cause), None) => return Err(cause.into()),
        }
    }
    Ok(done)
}

/// Which file a transaction has reached, for the message when it fails.
type Underway = Arc<Mutex<Option<&'static str>>>;

async fn step(
    tx: &mut Tx,
    engine: Engine,
    direction: Direction,
    underway: &Underway,
) -> Result<Step, StoreError> {
    let applied = match applied(tx, engine).await? {
        Ok(applied) => applied,
        Err(error) => return Ok(Step::Refused(error)),
    };
    let has = |migration: &&Migration| applied.iter().any(|row| row.name == migration.name);
    let next = match direction {
        Direction::Up => MIGRATIONS.iter().find(|migration| !has(migration)),
        Direction::Down => MIGRATIONS.iter().rev().find(has),
    };
    let Some(migration) = next else { return Ok(Step::Nothing) };
    *underway.lock().unwrap_or_else(PoisonError::into_inner) = Some(migration.name);
    let script = migration.script(engine);
    match direction {
        Direction::Up => {
            tx.script(script.up).await?;
            let row = vec![migration.version(), migration.name.into(), migration.checksum(engine).into()];
            tx.execute("insert into _ayb_migrations (version, name, checksum) values ($1, $2, $3)", &row)
                .await?;
        }
        Direction::Down => {
            tx.script(script.down).await?;
            tx.execute("delete from _ayb_migrations where version = $1", &[migration.version()]).await?;
        }
    }
    Ok(Step::Done(migration.name))
}

struct Applied {
    name: String,
    applied_at: Timestamp,
}

/// What the database has, after making sure that nobody else is migrating it.
async fn applied(tx: &mut Tx, engine: Engine) -> Result<Result<Vec<Applied>, MigrateError>, StoreError> {
    tx.script(prelude(engine)).await?;
    let rows =
        tx.many("select name, checksum, applied_at from _ayb_migrations order by version", &[]).await?;
    let mut applied = Vec::with_capacity(rows.len());
    for row in rows {
        let name = row.text(0)?.to_owned();
        let Some(known) = MIGRATIONS.iter().find(|migration| migration.name == name) else {
            return Ok(Err(MigrateError::Newer { name }));
        };
        if known.checksum(engine) != row.text(1)? {
            return Ok(Err(MigrateError::Changed { name }));
        }
        applied.push(Applied { name, applied_at: row.time(2)? });
    }
    Ok(Ok(applied))
}

/// The lock and the table of migrations. SQLite's writer has its lock already.
fn prelude(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "create table if not exists _ayb_migrations (
                 version integer primary key,
                 name text not null,
                 checksum text not null,
                 applied_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
             ) strict;"
        }
        // The lock belongs to the transaction, so a pooler in between does no harm. Creating the table first would not
        // do: two processes that create the same table at once disturb each other.
        Engine::Postgres => {
            "select pg_advisory_xact_lock(7018325470113);
             create table if not exists _ayb_migrations (
                 version integer primary key,
                 name text not null,
                 checksum text not null,
                 applied_at timestamptz not null default now()
             );"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::MIGRATIONS;

    #[test]
    fn the_list_is_the_files_in_order() {
        let listed: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        let numbers: BTreeSet<&str> = listed.iter().filter_map(|name| name.split('_').next()).collect();
        assert!(listed.is_sorted() && numbers.len() == listed.len(), "numbers grow and are used once");
        for engine in ["sqlite", "postgres"] {
            let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
            let files = fs::read_dir(folder).unwrap();
            let files: BTreeSet<String> =
                files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            let expected: BTreeSet<String> =
                listed.iter().flat_map(|name| [format!("{name}.sql"), format!("{name}.down.sql")]).collect();
            assert_eq!(files, expected, "{engine}");
        }
    }
}
