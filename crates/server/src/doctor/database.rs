//! The database: whether it answers, whether its tables are ours and up to date, whether the keys in it open.

use std::path::{Path, PathBuf};

use ayb_protocol::time::{Seconds, Timestamp};
use ayb_store::Store;
use ayb_store::db::migrate::Status;
use ayb_store::db::{Db, migrate};
use ayb_store::tables::{RoleProblem, Tables};

use super::Finding;
use crate::app::{MISSING_OWNER, MISSING_OWNER_HINT};
use crate::clock::Clock;
use crate::config::{Config, Settings, key};
use crate::keys::SigningKeys;
use crate::master_key::{Purpose, derive};
use crate::start;

/// How far the clocks of this machine and of the database may be apart.
const SLACK: Seconds = Seconds(60);

/// Looks at the database. A SQLite file that does not exist is left alone.
pub(super) async fn examine(config: &Config, settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "database";
    if let Some(file) = absent_file(config.database.url.expose()) {
        let text = format!("{} does not exist yet; `ayb start` makes it", file.display());
        return vec![Finding::good(SUBJECT, text)];
    }
    let db = match start::open_db(config).await {
        Ok(db) => db,
        Err(error) => {
            let hint = start::hints::of(&error).unwrap_or("`ayb config get database.url` shows which one");
            return vec![Finding::bad(SUBJECT, format!("{error:#}"), hint)];
        }
    };
    let now = Clock::system().now();
    let url = key::find("database.url").and_then(|key| settings.shown(key)).unwrap_or_default();
    let mut findings = vec![Finding::good(SUBJECT, format!("{url} can be opened"))];
    findings.extend(tables(&db, now).await);
    if findings.iter().all(|finding| finding.health == super::Health::Good) {
        let store = Store::new(db);
        findings.push(write(&store, now).await);
        findings.push(keys(config, &store).await);
        if config.tables.enabled {
            findings.extend(own_tables(config, &store).await);
        }
    }
    findings
}

fn absent_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite://")?.split('?').next()?;
    let path = Path::new(path);
    (!path.exists()).then(|| path.to_owned())
}

/// The operator's tables: whether their role is one for which policies hold, and whether owner columns are there.
async fn own_tables(config: &Config, store: &Store) -> Vec<Finding> {
    const SUBJECT: &str = "table api";
    let tables = Tables::new(store.db().clone(), config.tables.options());
    match tables.check_role().await {
        Ok(()) => {}
        Err(RoleProblem::Missing { role, .. }) => {
            let hint = "`ayb start` makes it, when it may; `tables.role` names another";
            return vec![Finding::doubtful(SUBJECT, format!("there is no role {role} yet"), hint)];
        }
        Err(problem) => {
            return vec![Finding::bad(
                SUBJECT,
                problem.to_string(),
                "`ayb start` refuses to start like this",
            )];
        }
    }
    let schema = match tables.schema().await {
        Ok(schema) => schema,
        Err(error) => return vec![Finding::bad(SUBJECT, error.to_string(), "is the database whole?")],
    };
    let missing = |owner: &String| {
        let text =
            format!("tables.owners names {owner}, {MISSING_OWNER}; `ayb start` refuses to start like this");
        Finding::bad(SUBJECT, text, MISSING_OWNER_HINT)
    };
    let mut findings: Vec<_> = schema.missing_owners().iter().map(missing).collect();
    let (views, tables): (Vec<_>, Vec<_>) = schema.tables().partition(|table| table.is_view);
    let open = tables.iter().filter(|table| table.owner().is_none()).count();
    let mut text = format!("{} tables, {open} of them without an owner column", tables.len());
    if !views.is_empty() {
        text.push_str(&format!(", and {} views", views.len()));
    }
    findings.push(Finding::good(SUBJECT, text));
    findings
}

async fn tables(db: &Db, now: Timestamp) -> Vec<Finding> {
    const SUBJECT: &str = "tables";
    let status = match migrate::status(db).await {
        Ok(status) => status,
        Err(error) => {
            return vec![Finding::bad(SUBJECT, error.to_string(), start::hints::migration(&error))];
        }
    };
    let missing = status.iter().filter(|migration| migration.applied_at.is_none()).count();
    let text = match missing {
        0 => return [Some(applied(status.len())), clock(&status, now)].into_iter().flatten().collect(),
        missing if missing == status.len() => "there are none yet".to_owned(),
        missing => format!("{missing} of {} migrations are not applied", status.len()),
    };
    vec![Finding::doubtful(SUBJECT, text, "`ayb start` makes them, and so does `ayb migrate up`")]
}

fn applied(count: usize) -> Finding {
    Finding::good("tables", format!("are up to date: {count} migrations are applied"))
}

/// Time does not go back: a machine that says so has forgotten it, as some do that were switched off.
fn clock(status: &[Status], now: Timestamp) -> Option<Finding> {
    let latest = status.iter().filter_map(|migration| migration.applied_at).max()?;
    (now.plus(SLACK) < latest).then(|| {
        let text = "this machine is at a time before the tables were made";
        Finding::bad("clock", text, "set it: tokens, sessions and certificates go by it")
    })
}

async fn write(store: &Store, now: Timestamp) -> Finding {
    match store.probe_write(now).await {
        Ok(()) => Finding::good("writing", "a row was written and committed"),
        Err(error) => Finding::bad("writing", error.to_string(), "is the disk full, or the file read-only?"),
    }
}

/// Opens the signing keys without changing them.
async fn keys(config: &Config, store: &Store) -> Finding {
    const SUBJECT: &str = "signing keys";
    let Ok(records) = store.list_keys().await else {
        return Finding::bad(SUBJECT, "cannot be read", "see the findings above");
    };
    if records.is_empty() {
        return Finding::good(SUBJECT, "are made at the first start");
    }
    let Some(master_key) = master_key(config) else {
        let hint = "restore the master key file from a backup, or set auth.oauth_provider.master_key";
        return Finding::bad(SUBJECT, "are sealed, and there is no master key to open them", hint);
    };
    match SigningKeys::examine(&records, &derive(&master_key, Purpose::SealSigningKeys)) {
        Ok(count) => Finding::good(SUBJECT, format!("{count} keys open and can sign")),
        Err(error) => {
            Finding::bad(SUBJECT, error.to_string(), "restore the master key that the keys were sealed with")
        }
    }
}

fn master_key(config: &Config) -> Option<crate::config::MasterKey> {
    let provider = &config.auth.provider;
    let from_file = || {
        let text = std::fs::read_to_string(&provider.master_key_file).ok()?;
        crate::config::MasterKey::parse(text.trim())
    };
    provider.master_key.clone().or_else(from_file)
}
