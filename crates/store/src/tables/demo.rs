//! A table for the demo.

use super::run::Tables;
use crate::db::{Engine, quoted};
use crate::error::StoreError;

/// The table of the demo.
pub const DEMO_TABLE: &str = "notes";
/// The column that says whose note it is.
pub const DEMO_OWNER: &str = "owner_id";

const SQLITE: &str = "create table if not exists notes (id integer primary key, owner_id text not null,
    title text not null, body text, done boolean not null default false,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), unique (owner_id, id))";

const POSTGRES: &str =
    "create table if not exists SCHEMA.notes (id bigint generated always as identity primary key,
    owner_id uuid not null, title text not null, body text, done boolean not null default false,
    created_at timestamptz not null default now(), unique (owner_id, id))";

impl Tables {
    /// Makes the table `notes`, unless there is one of that name. A role of the API is given it.
    ///
    /// # Errors
    /// When the database does not do it.
    pub async fn make_demo_table(&self) -> Result<(), StoreError> {
        let schema = quoted(&self.options().schema);
        let mut script = match self.engine() {
            Engine::Sqlite => SQLITE.to_owned(),
            Engine::Postgres => POSTGRES.replace("SCHEMA", &schema),
        };
        if let (Engine::Postgres, Some(role)) = (self.engine(), &self.options().role) {
            let role = quoted(role);
            script.push_str(&format!("; grant usage on schema {schema} to {role}"));
            script.push_str(&format!("; grant select, insert, update, delete on {schema}.notes to {role}"));
        }
        self.db().script_dynamic(script).await
    }
}
