//! From a change to its statement.

use serde_json::value::RawValue;

use super::error::TableError;
use super::read::by_key;
use super::reference::{self, Rest};
use super::schema::{Column, Kind, Table};
use super::scope::Scope;
use super::shape::Shape;
use super::sql::{Sql, of};
use super::value;
use super::write::{Cells, Operation};
use crate::db::{Dynamic, Engine, Value, quoted};
use crate::error::StoreError;

/// A write while it is being made: its text, and which parameters are values of columns.
pub(super) struct Statement<'s> {
    scope: Scope<'s>,
    table: &'s Table,
    shape: &'s Shape<'s>,
    sql: Sql,
    alias: String,
    places: Places,
    checks: Vec<Filled>,
}

/// Columns with the places of their parameters.
#[derive(Default)]
pub(super) struct Places {
    /// Those that the statement fills.
    pub(super) fields: Vec<(Column, usize)>,
    /// Those of the key of the address.
    pub(super) key: Vec<(Column, usize)>,
}

/// A statement, and the columns of its parameters.
pub(super) type Filled = (Dynamic, Places);

/// The statements of an operation.
pub(super) struct Made {
    /// Those that must each find a row before the write.
    pub(super) checks: Vec<Filled>,
    /// The write.
    pub(super) write: Filled,
}

impl<'s> Statement<'s> {
    /// A write to a table, whose row is shown as `shape` says.
    pub(super) fn new(engine: Engine, scope: Scope<'s>, table: &'s Table, shape: &'s Shape<'s>) -> Self {
        let mut sql = Sql::new(engine);
        let alias = match engine {
            Engine::Postgres => sql.alias(),
            // `returning` of SQLite knows the table by its own name only.
            Engine::Sqlite => quoted(&table.name),
        };
        Self { scope, table, shape, sql, alias, places: Places::default(), checks: Vec::new() }
    }

    /// The statements of an operation.
    pub(super) fn write(mut self, operation: &Operation) -> Result<Made, TableError> {
        match operation {
            Operation::Create { cells } => self.create(cells)?,
            Operation::Update { id, cells } => self.update(id, cells)?,
            Operation::Replace { id, cells } => self.replace(id, cells)?,
            Operation::Delete { id } => self.delete(id)?,
        }
        Ok(Made { checks: self.checks, write: (self.sql.finish(), self.places) })
    }

    fn create(&mut self, cells: &Cells) -> Result<(), TableError> {
        let mut given = self.given(cells, &[])?;
        if let Some(owner) = self.table.owner() {
            given.retain(|(column, _)| column.name != owner.name);
            given.push((owner, self.own_id(owner)?));
        }
        self.check(&given, Rest::Defaults)?;
        let names: Vec<_> = given.iter().map(|(column, _)| quoted(&column.name)).collect();
        let places: Vec<_> = given.into_iter().map(|(column, value)| self.field(column, value)).collect();
        // Whatever the table says about conflicts, one must not change or take away the row of another.
        let verb = self.verb("insert into", "insert or abort into");
        let target = self.target();
        let values = match names.is_empty() {
            true => " default values".to_owned(),
            false => format!(" ({}) values ({})", names.join(", "), places.join(", ")),
        };
        self.sql.push(verb).push(&target).push(&values);
        self.returning();
        if let Some(question) = self.exhausted() {
            self.sql.unless(question);
        }
        Ok(())
    }

    /// Finds a row when a table of SQLite that counts its rows has come to the last number there is. The insert would
    /// end the transaction, which is that of others too.
    fn exhausted(&self) -> Option<String> {
        let counts = |column: &&Column| column.generated && self.sql.engine == Engine::Sqlite;
        let key = self.table.key().find(counts)?;
        let name = self.table.name.replace('\'', "''");
        Some(format!(
            "select 1 from main.sqlite_sequence where name = '{name}' and seq = {last}
            union all select 1 from {} where {} = {last}",
            self.scope.name(&self.sql, self.table),
            of(&self.alias, key),
            last = i64::MAX,
        ))
    }

    fn update(&mut self, id: &[String], cells: &Cells) -> Result<(), TableError> {
        let mut given = self.given(cells, id)?;
        if let Some(owner) = self.table.owner() {
            given.retain(|(column, _)| column.name != owner.name);
        }
        if given.is_empty() {
            return self.look(id);
        }
        self.check(&given, Rest::Kept(id))?;
        let set: Vec<_> = given
            .into_iter()
            .map(|(column, value)| format!("{} = {}", quoted(&column.name), self.field(column, value)))
            .collect();
        self.set(id, &set)
    }

    fn replace(&mut self, id: &[String], cells: &Cells) -> Result<(), TableError> {
        let given = self.given(cells, id)?;
        self.check(&given, Rest::Replaced(id))?;
        let table = self.table;
        let owner = table.owner().map(|column| &column.name);
        let mut set = Vec::new();
        for (position, column) in table.columns.iter().enumerate() {
            let keeps =
                column.generated || table.primary_key.contains(&position) || owner == Some(&column.name);
            let value =
                given.iter().find(|(known, _)| known.name == column.name).map(|(_, value)| value.clone());
            let place = match value {
                _ if keeps => continue,
                Some(value) => self.field(column, value),
                None if !column.nullable && !column.has_default => {
                    return Err(TableError::value(&column.name, "this column needs a value"));
                }
                None => self.default(column),
            };
            set.push(format!("{} = {place}", quoted(&column.name)));
        }
        self.key_stays(id, &given)?;
        if set.is_empty() { self.look(id) } else { self.set(id, &set) }
    }

    fn delete(&mut self, id: &[String]) -> Result<(), TableError> {
        let target = self.target();
        let condition = self.address(id)?;
        self.sql.push("delete from ").push(&target).push(" where ").push(&condition).push(" returning 1");
        Ok(())
    }

    fn set(&mut self, id: &[String], set: &[String]) -> Result<(), TableError> {
        let verb = self.verb("update", "update or abort");
        let target = self.target();
        let condition = self.address(id)?;
        self.sql
            .push(verb)
            .push(&target)
            .push(" set ")
            .push(&set.join(", "))
            .push(" where ")
            .push(&condition);
        self.returning();
        Ok(())
    }

    /// The references of the row lead to rows of the asker.
    fn check(&mut self, given: &[(&Column, Value)], rest: Rest<'_>) -> Result<(), TableError> {
        self.checks = reference::checks(self.sql.engine, self.scope, self.table, given, rest)?;
        Ok(())
    }

    /// Nothing is to be changed, but the row must be there.
    fn look(&mut self, id: &[String]) -> Result<(), TableError> {
        let condition = self.address(id)?;
        let (selected, target) = (self.selected(), self.target());
        self.sql
            .push("select ")
            .push(&selected)
            .push(" from ")
            .push(&target)
            .push(" where ")
            .push(&condition);
        Ok(())
    }

    /// The condition that finds the row.
    fn address(&mut self, id: &[String]) -> Result<String, TableError> {
        self.places.key = self.table.key().cloned().zip(self.sql.params()..).collect();
        by_key(&mut self.sql, self.scope, (self.table, &self.alias), id)
    }

    fn verb(&self, postgres: &'static str, sqlite: &'static str) -> &'static str {
        match self.sql.engine {
            Engine::Postgres => postgres,
            Engine::Sqlite => sqlite,
        }
    }

    fn target(&self) -> String {
        let name = self.scope.name(&self.sql, self.table);
        match self.sql.engine {
            Engine::Postgres => format!(" {name} as {}", self.alias),
            Engine::Sqlite => format!(" {name}"),
        }
    }

    fn returning(&mut self) {
        let selected = self.selected();
        self.sql.push(" returning ").push(&selected);
    }

    /// The row, and the parts of its key.
    fn selected(&mut self) -> String {
        let (columns, _) = self.shape.select(self.scope, &mut self.sql, &self.alias);
        let cast = self.verb("::text", "");
        let keys = self.table.key().map(|column| format!("{}{cast}", of(&self.alias, column)));
        let all: Vec<_> = std::iter::once(columns).chain(keys).collect();
        all.join(", ")
    }

    /// The parameter of a column that is written.
    fn field(&mut self, column: &Column, value: Value) -> String {
        self.places.fields.push((column.clone(), self.sql.params()));
        self.sql.value(column, value)
    }

    /// The default of a column, as its declaration says it.
    fn default(&self, column: &Column) -> String {
        match (self.sql.engine, &column.default) {
            (Engine::Postgres, _) => "default".to_owned(),
            (Engine::Sqlite, Some(default)) => format!("({default})"),
            (Engine::Sqlite, None) => "null".to_owned(),
        }
    }

    /// The values that are given, each for a column that takes one. `id`: the key of the row that is there.
    fn given(&self, cells: &Cells, id: &[String]) -> Result<Vec<(&'s Column, Value)>, TableError> {
        let mut given: Vec<(&Column, Value)> = Vec::with_capacity(cells.len());
        for (name, raw) in cells {
            let known = self.table.column(name);
            let column = known.ok_or_else(|| TableError::Value {
                field: Some(name.clone()).filter(|name| is_plain(name)),
                message: "there is no such column",
            })?;
            let wrong = |message| TableError::value(&column.name, message);
            if given.iter().any(|(known, _)| known.name == column.name) {
                return Err(wrong("this column is there twice"));
            }
            if column.generated {
                // A row that was read may be sent back with the key that it has.
                let value = value::from_json(self.sql.engine, column, raw).ok();
                if value.is_some() && value == self.part(id, column) {
                    continue;
                }
                return Err(wrong("the database makes the value of this column: leave it out"));
            }
            let value = value::from_json(self.sql.engine, column, raw).map_err(wrong)?;
            if self.table.owner().is_some_and(|owner| owner.name == column.name) {
                self.is_own(column, raw)?;
            }
            given.push((column, value));
        }
        Ok(given)
    }

    /// What the address says about a column of the key.
    fn part(&self, id: &[String], column: &Column) -> Option<Value> {
        let part = self.table.key().zip(id).find(|(key, _)| key.name == column.name)?.1;
        value::from_text(self.sql.engine, column, part)
    }

    /// A row belongs to whoever writes it.
    fn is_own(&self, column: &Column, raw: &RawValue) -> Result<(), TableError> {
        let named: Option<String> = serde_json::from_str(raw.get()).ok();
        let same = |user: &str| named.as_deref().is_some_and(|named| named.eq_ignore_ascii_case(user));
        match self.scope.asker.user_id.as_deref() {
            Some(user) if same(user) => Ok(()),
            _ => Err(TableError::value(&column.name, "a row belongs to the user who writes it")),
        }
    }

    fn own_id(&self, owner: &Column) -> Result<Value, TableError> {
        let user = self.scope.asker.user_id.as_deref();
        let user =
            user.ok_or(TableError::Forbidden("rows of this table belong to a user, and there is none"))?;
        value::from_text(self.sql.engine, owner, user)
            .ok_or_else(|| StoreError::corrupt("the owner column cannot hold a user id").into())
    }

    /// The parts of the key that are given are those of the address.
    fn key_stays(&self, id: &[String], given: &[(&Column, Value)]) -> Result<(), TableError> {
        for (column, part) in self.table.key().zip(id) {
            let found = given.iter().find(|(known, _)| known.name == column.name);
            let same =
                |value: &Value| value::from_text(self.sql.engine, column, part).as_ref() == Some(value);
            if found.is_some_and(|(_, value)| !same(value) && column.kind != Kind::Json) {
                return Err(TableError::value(&column.name, "the key is that of the address"));
            }
        }
        Ok(())
    }
}

/// Whether a name that the schema does not know may be repeated to the caller.
fn is_plain(name: &str) -> bool {
    name.len() <= 100 && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}
