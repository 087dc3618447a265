//! `ayb tables`: the operator's own tables as the table API sees them. Works on the database itself, also while no
//! server runs and while the API is off.

use ayb_store::tables::{Column, Table, Tables};
use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::migrate;
use super::output::{Console, Format};
use crate::api::collections::described;
use crate::config;

/// Commands about tables.
#[derive(Subcommand, Clone, Debug)]
pub enum TablesCommand {
    /// List the tables: key, columns, owner column, whether they take changes
    List,
    /// Show the columns and references of a table
    Show {
        /// The table
        #[arg(value_name = "TABLE")]
        table: String,
    },
    /// PostgreSQL: give the role of the table API (tables.role) the tables that there are now
    Grant,
}

impl TablesCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let config = config::load(&context.sources())?;
        let tables = Tables::new(migrate::open(&config).await?, config.tables.options());
        let console = &mut context.console;
        if matches!(self, Self::Grant) {
            return grant(console, &tables).await;
        }
        let schema = tables.schema().await.map_err(failed)?;
        match self {
            Self::List => list(console, schema.tables().map(|table| &**table)),
            Self::Grant => Ok(()),
            Self::Show { table } => match schema.table(&table) {
                Some(table) => show(console, table),
                None => Err(Failure::failed("there is no such table")
                    .hint("`ayb tables list` shows them; tables of ayb are not among them")),
            },
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn failed(error: ayb_store::error::StoreError) -> Failure {
    Failure::failed("the tables cannot be read").because(error.to_string())
}

async fn grant(console: &mut Console<'_>, tables: &Tables) -> Result<(), Failure> {
    tables.prepare_role().await.map_err(|problem| Failure::failed(problem.to_string()))?;
    let granted = tables.grant_tables().await.map_err(failed)?;
    match console.format {
        Format::Json => console.line(&json!({"granted": granted}).to_string()),
        Format::Csv => {
            console.rows(&["Table"], &granted.into_iter().map(|name| vec![name]).collect::<Vec<_>>())
        }
        Format::Table if granted.is_empty() => console.line("Nothing to grant."),
        Format::Table => granted.iter().try_for_each(|name| console.line(&format!("Granted {name}."))),
    }
}

fn list<'t>(console: &mut Console<'_>, tables: impl Iterator<Item = &'t Table>) -> Result<(), Failure> {
    if console.format == Format::Json {
        let items: Vec<_> = tables.map(described).collect();
        return console.line(&json!({"items": items}).to_string());
    }
    let row = |table: &Table| {
        let key: Vec<_> = table.key().map(|column| column.name.as_str()).collect();
        let owner = table.owner().map(|column| column.name.clone()).unwrap_or_default();
        let changes = if table.writable { "yes" } else { "no" };
        vec![table.name.clone(), key.join(", "), table.columns.len().to_string(), owner, changes.to_owned()]
    };
    let rows: Vec<_> = tables.map(row).collect();
    if rows.is_empty() && console.format == Format::Table {
        return console.line("No tables.");
    }
    console.rows(&["Table", "Key", "Columns", "Owner", "Changes"], &rows)
}

fn show(console: &mut Console<'_>, table: &Table) -> Result<(), Failure> {
    if console.format == Format::Json {
        return console.line(&json!(described(table)).to_string());
    }
    let row = |column: &Column| {
        let reference = table.reference(&column.name);
        let reference =
            reference.map(|to| format!("{} ({})", to.table, to.to.join(", "))).unwrap_or_default();
        let null = if column.nullable { "yes" } else { "no" };
        let default = if column.has_default || column.generated { "yes" } else { "no" };
        let cells = [&column.name, &column.type_name, null, default, &reference];
        cells.map(str::to_owned).to_vec()
    };
    let rows: Vec<_> = table.columns.iter().map(row).collect();
    console.rows(&["Column", "Type", "Null", "Default", "Refers to"], &rows)
}
