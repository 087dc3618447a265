//! `ayb migrate`: the tables of the database. Works on the database itself, also while no server runs.

use ayb_protocol::time::Timestamp;
use ayb_store::db::Db;
use ayb_store::db::migrate::{self, Loss, MigrateError, Status};
use clap::Subcommand;
use serde_json::json;

use super::confirm::confirm;
use super::context::Context;
use super::failure::Failure;
use super::output::{Console, Format};
use super::process;
use super::start::{FOLDER, explain};
use crate::config::{self, Config};
use crate::start;

/// Commands about the tables.
#[derive(Subcommand, Clone, Debug)]
pub enum MigrateCommand {
    /// Bring the tables to this version; `ayb start` does the same
    Up,
    /// Take back the last migrations, with everything in the tables that they made
    Down {
        /// How many
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        count: u16,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show every migration and when it was applied
    Status,
}

impl MigrateCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let config = config::load(&context.sources())?;
        let db = open(&config).await?;
        let console = &mut context.console;
        match self {
            Self::Up => show_changed(console, "Applied", "applied", &migrate::up(&db).await?),
            Self::Down { count, yes } => down(console, &config, &db, usize::from(count), yes).await,
            Self::Status => show_status(console, &migrate::status(&db).await?),
        }
    }
}

/// Takes migrations back, when no server works on the tables and whoever asks knows what goes.
async fn down(
    console: &mut Console<'_>,
    config: &Config,
    db: &Db,
    count: usize,
    yes: bool,
) -> Result<(), Failure> {
    // No server starts on this data folder meanwhile.
    let _claim = process::claim(&config.server.data_dir).map_err(|error| claimed(&error, config))?;
    if migrate::servers(db).await? > 0 {
        return Err(Failure::failed("a server works on this database")
            .because("servers are connected to it")
            .hint("stop all of them first: they would go on with tables that are gone"));
    }
    let losses = migrate::losses(db, count).await?;
    if !losses.is_empty() && !yes {
        for loss in &losses {
            console.note(&told(loss))?;
        }
        confirm(console, "This cannot be undone, but by a backup.")?;
    }
    let names = migrate::down(db, count).await?;
    show_changed(console, "Took back", "reverted", &names)
}

fn claimed(error: &std::io::Error, config: &Config) -> Failure {
    let folder = config.server.data_dir.display();
    if error.kind() == std::io::ErrorKind::WouldBlock {
        return Failure::failed("a server works on this database")
            .because(format!("it uses the data folder {folder}"))
            .hint("stop it first with `ayb stop`: it would go on with tables that are gone");
    }
    Failure::failed(format!("cannot tell whether a server runs on {folder}"))
        .because(error.to_string())
        .hint("run this as the user that runs the server")
}

fn told(loss: &Loss) -> String {
    let Loss { migration, table, column, rows } = loss;
    let rows = if *rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    match column {
        None => format!("{migration}: the table {table} goes, with {rows}."),
        Some(column) => format!("{migration}: the column {column} of {table} goes, in {rows}."),
    }
}

/// The configured database, for commands that work on it themselves.
pub(super) async fn open(config: &Config) -> Result<Db, Failure> {
    let data_dir = &config.server.data_dir;
    std::fs::create_dir_all(data_dir).map_err(|error| {
        Failure::failed(format!("cannot make the data folder {}", data_dir.display()))
            .because(error.to_string())
            .hint(FOLDER)
    })?;
    start::open_db(config).await.map_err(|error| explain(&error))
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::failed(error.to_string()).hint(start::hints::migration(&error))
    }
}

fn show_changed(console: &mut Console<'_>, verb: &str, field: &str, names: &[&str]) -> Result<(), Failure> {
    match console.format {
        Format::Json => console.line(&json!({field: names}).to_string()),
        Format::Csv => console
            .rows(&["Migration"], &names.iter().map(|name| vec![(*name).to_owned()]).collect::<Vec<_>>()),
        Format::Table if names.is_empty() => console.line("Nothing to do."),
        Format::Table => names.iter().try_for_each(|name| console.line(&format!("{verb} {name}."))),
    }
}

fn show_status(console: &mut Console<'_>, list: &[Status]) -> Result<(), Failure> {
    if console.format == Format::Json {
        let entry = |status: &Status| json!({"name": status.name, "appliedAt": status.applied_at.map(text)});
        return console.line(&json!({"items": list.iter().map(entry).collect::<Vec<_>>()}).to_string());
    }
    let row = |status: &Status| vec![status.name.to_owned(), status.applied_at.map(text).unwrap_or_default()];
    console.rows(&["Migration", "Applied"], &list.iter().map(row).collect::<Vec<_>>())?;
    let missing = list.iter().filter(|status| status.applied_at.is_none()).count();
    console.say(&match missing {
        0 => "\nThe tables are up to date.".to_owned(),
        missing => format!("\n{missing} of {} not applied: `ayb migrate up`", list.len()),
    })
}

/// RFC 3339, in UTC.
fn text(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.as_millis()).map(|time| time.to_string()).unwrap_or_default()
}
