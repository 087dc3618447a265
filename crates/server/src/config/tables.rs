//! `[tables]`: the API over the operator's own tables.

use std::collections::BTreeMap;

use ayb_store::tables::TableOptions;
use serde::Deserialize;

use super::key::{Fallback, Key, Section};
use super::value::{Form, Kind, PLAIN};

/// The name of no role (PostgreSQL, `SET ROLE`).
const NO_ROLE: &str = "none";

/// The API over the operator's own tables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablesConfig {
    /// Whether it is on; when off, its addresses do not exist. Default false.
    pub enabled: bool,
    /// PostgreSQL: the schema whose tables are shown.
    pub schema: String,
    /// PostgreSQL: the role that statements run as, or `none`.
    pub role: String,
    /// `table.column` of each table whose rows belong to a user.
    pub owners: Vec<String>,
    /// The views and foreign tables that are shown.
    pub views: Vec<String>,
}

impl TablesConfig {
    pub(super) const SECTION: Section = Section {
        name: "tables",
        doc: "The API over your own tables in the same database. Whoever signs in reaches every table, unless scope, \
              allowed tables, owners or policies of the database say otherwise: protect the tables, then switch it on.",
        keys: KEYS,
    };

    /// What the store needs to know.
    pub fn options(&self) -> TableOptions {
        let owners = self.owners.iter().filter_map(|owner| owner.split_once('.'));
        let owners: BTreeMap<_, _> =
            owners.map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
        let role = Some(self.role.clone()).filter(|role| role != NO_ROLE);
        TableOptions { schema: self.schema.clone(), role, owners, views: self.views.clone() }
    }
}

const KEYS: &[Key] = &[
    Key::open(
        "tables.enabled",
        Kind::Switch,
        Fallback::Fixed("false"),
        "Switches the API over your own tables on: `/api/collections`.",
    ),
    Key::open(
        "tables.schema",
        Kind::Text(&PLAIN),
        Fallback::Fixed("public"),
        "PostgreSQL: the schema whose tables are shown. SQLite has one.",
    ),
    Key::open(
        "tables.role",
        Kind::Text(&PLAIN),
        Fallback::Fixed("ayb_api"),
        "PostgreSQL: the role that statements run as, so that row-level security holds. One that does not exist is \
         made at the start and given the tables that there are. `none` runs them as the user of `database.url`.",
    ),
    Key::open(
        "tables.owners",
        Kind::List(&OWNER),
        Fallback::Fixed(""),
        "Tables whose rows belong to a user, each with the column that holds the user's id: `notes.owner_id`. Others \
         neither see nor change such rows. A table or a column that is not there keeps the server from starting.",
    ),
    Key::open(
        "tables.views",
        Kind::List(&PLAIN),
        Fallback::Fixed(""),
        "Views and foreign tables that are shown. No other is: a view shows the rows that it was written to show, whoever \
         asks.",
    ),
];

static OWNER: Form = Form {
    name: "table.column",
    check: |text| match text.split_once('.') {
        Some((_, column)) if column.contains('.') => {
            Err("must have two parts, as notes.owner_id has: the schema is `tables.schema` for all of them")
        }
        Some((table, column)) if !table.is_empty() && !column.is_empty() => Ok(()),
        _ => Err("must name a table and a column, with a dot between them: notes.owner_id"),
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_table_and_a_column() {
        for text in ["notes.owner_id", "a b.c"] {
            assert_eq!((OWNER.check)(text), Ok(()), "{text}");
        }
        for text in ["notes", ".owner", "notes.", "public.notes.owner_id"] {
            assert!((OWNER.check)(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_store_gets_tables_with_their_owner_columns() {
        let config = TablesConfig {
            enabled: true,
            schema: "public".to_owned(),
            role: "none".to_owned(),
            owners: vec!["notes.owner_id".to_owned()],
            views: Vec::new(),
        };
        let options = config.options();
        assert_eq!(options.owners.get("notes").map(String::as_str), Some("owner_id"));
        assert_eq!(options.role, None);
    }
}
