//! `ayb migrate`: the tables of the database. Works on the database itself, also while no server runs.

use ayb_protocol::time::Timestamp;
use ayb_store::db::Db;
use ayb_store::db::migrate::{self, MigrateError, Status};
use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::output::{Console, Format};
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
            Self::Down { count } => {
                let names = migrate::down(&db, usize::from(count)).await?;
                show_changed(console, "Took back", "reverted", &names)
            }
            Self::Status => show_status(console, &migrate::status(&db).await?),
        }
    }
}

/// The configured database, for commands that work on it themselves.
pub(super) async fn open(config: &Config) -> Result<Db, Failure> {
    let data_dir = &config.server.data_dir;
    std::fs::create_dir_all(data_dir).map_err(|error| {
        Failure::failed(format!("cannot make the data folder {}", data_dir.display()))
            .because(error.to_string())
    })?;
    let opened = start::open_db(config).await;
    opened.map_err(|error| {
        Failure::failed("cannot open the database")
            .because(error.root_cause().to_string())
            .hint("`ayb config get database.url` shows which one")
    })
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::failed(error.to_string())
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
