//! What the tables are: names, columns, keys, as the database itself describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::options::TableOptions;
use crate::db::Engine;

/// The tables and views that the API may show, by name. Tables of ayb and of the database itself are never among them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Schema {
    tables: BTreeMap<String, Arc<Table>>,
    /// PostgreSQL: each table that inherits from another, with that other.
    heirs: Vec<(String, String)>,
    missing_owners: Vec<String>,
}

/// A table or a view.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Whether it is a view, or a foreign table: nothing tells whose its rows are.
    pub is_view: bool,
    /// Whether rows can be created, changed and deleted here.
    pub writable: bool,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// The columns of the primary key, in the order of the key; empty when there is none.
    pub primary_key: Vec<usize>,
    /// The columns of each other unique key.
    pub unique: Vec<Vec<usize>>,
    /// Its foreign keys to tables that are here too.
    pub references: Vec<Reference>,
    /// The column that says whose row it is, by configuration.
    pub owner: Option<usize>,
    /// PostgreSQL: whether other tables inherit from it. It shows their rows too, and its keys hold for its own only.
    pub has_heirs: bool,
}

/// A column.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as the database writes it.
    pub type_name: String,
    /// PostgreSQL: the type that values are cast to, without the length that an assignment checks.
    pub(crate) cast: String,
    /// What its values are in JSON.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether the database has a value when none is given.
    pub has_default: bool,
    /// SQLite: the expression of that value, as the table was declared.
    pub(crate) default: Option<String>,
    /// Whether the database makes its values and takes none.
    pub generated: bool,
    /// The most characters of a text, when that is limited.
    pub max_length: Option<u32>,
    /// The only values of an enumeration; empty for other types.
    pub choices: Vec<String>,
}

/// What the values of a column are in JSON.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// Whole numbers; strings of digits are taken too.
    Integer,
    /// Numbers; strings of digits are taken too.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Strings.
    Text,
    /// Strings of the form `\x6869`.
    Bytes,
    /// Any JSON.
    Json,
    /// Arrays.
    Array,
    /// PostgreSQL: objects with the members of a composite type.
    Composite,
    /// Strings in the form of the type: times, identifiers, ranges.
    #[default]
    Other,
    /// SQLite: a column without a type that says more; strings and numbers.
    Any,
}

/// A foreign key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// Its columns.
    pub columns: Vec<usize>,
    /// The table that it refers to.
    pub table: String,
    /// The columns there, in the same order.
    pub to: Vec<String>,
}

impl Schema {
    /// The schema of these tables. References to tables that are not among them are left out.
    pub(crate) fn new(tables: Vec<Table>) -> Self {
        let tables = tables.into_iter().filter(|table| !is_hidden(&table.name));
        let mut tables: BTreeMap<String, Table> = tables.map(|table| (table.name.clone(), table)).collect();
        let names: Vec<String> = tables.keys().cloned().collect();
        for table in tables.values_mut() {
            table.references.retain(|reference| names.contains(&reference.table));
        }
        let tables = tables.into_iter().map(|(name, table)| (name, Arc::new(table))).collect();
        Self { tables, ..Self::default() }
    }

    /// The same, knowing which table inherits from which.
    pub(crate) fn with_heirs(mut self, heirs: Vec<(String, String)>) -> Self {
        for (_, from) in &heirs {
            if let Some(table) = self.tables.get_mut(from) {
                Arc::make_mut(table).has_heirs = true;
            }
        }
        Self { heirs, ..self }
    }

    /// The same as the configuration wants it shown: with owners, and without what would show the rows of an owner to
    /// others, which are tables whose owner column is not there and views that the configuration does not name.
    pub(crate) fn shown(mut self, engine: Engine, options: &TableOptions) -> Self {
        for (name, column) in &options.owners {
            let found = self.tables.values_mut().find(|table| same_name(engine, &table.name, name));
            if !found.is_some_and(|table| Arc::make_mut(table).give_owner(engine, column)) {
                self.missing_owners.push(format!("{name}.{column}"));
                self.tables.retain(|known, _| !same_name(engine, known, name));
            }
        }
        self.owned_by_inheritance(options);
        let is_named = |name: &str| options.views.iter().any(|view| same_name(engine, view, name));
        self.tables.retain(|name, table| !table.is_view || table.owner.is_some() || is_named(name));
        self
    }

    /// A table has the owner column of the one that it inherits from. That one shows the rows of its heirs, so it is
    /// left out when only they have owners.
    fn owned_by_inheritance(&mut self, options: &TableOptions) {
        let heirs = std::mem::take(&mut self.heirs);
        let mut owned: BTreeSet<&str> = options.owners.keys().map(String::as_str).collect();
        for (heir, from) in &heirs {
            let Some(column) = options.owners.get(from) else { continue };
            owned.insert(heir);
            let Some(table) = self.tables.get_mut(heir).filter(|table| table.owner.is_none()) else {
                continue;
            };
            if !Arc::make_mut(table).give_owner(Engine::Postgres, column) {
                self.tables.remove(heir);
            }
        }
        for (_, from) in heirs.iter().filter(|(heir, _)| owned.contains(heir.as_str())) {
            if self.tables.get(from).is_some_and(|table| table.owner.is_none()) {
                self.tables.remove(from);
            }
        }
    }

    /// What `tables.owners` names and is not there: no such table, none that the role may read, or no such column.
    pub fn missing_owners(&self) -> &[String] {
        &self.missing_owners
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// All tables, in alphabetic order.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }
}

impl Table {
    /// Makes a column the one that says whose row it is; false without such a column.
    fn give_owner(&mut self, engine: Engine, column: &str) -> bool {
        self.owner = self.columns.iter().position(|known| same_name(engine, &known.name, column));
        self.owner.is_some()
    }

    /// The place of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of the primary key.
    pub fn key(&self) -> impl Iterator<Item = &Column> {
        self.primary_key.iter().filter_map(|position| self.columns.get(*position))
    }

    /// The column that says whose row it is.
    pub fn owner(&self) -> Option<&Column> {
        self.owner.and_then(|position| self.columns.get(position))
    }

    /// The foreign key of one column, which gives the relation its name.
    pub fn reference(&self, column: &str) -> Option<&Reference> {
        let position = self.position(column)?;
        self.references.iter().find(|reference| reference.columns == [position])
    }
}

/// Whether the database takes two names for the same. SQLite does not look at the case of ASCII letters.
fn same_name(engine: Engine, one: &str, other: &str) -> bool {
    match engine {
        Engine::Sqlite => one.eq_ignore_ascii_case(other),
        Engine::Postgres => one == other,
    }
}

/// Whether a name belongs to ayb or to the database itself.
pub(crate) fn is_hidden(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["_ayb_", "sqlite_", "pg_"].iter().any(|prefix| name.starts_with(prefix))
}
