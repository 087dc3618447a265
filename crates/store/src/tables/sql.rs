//! A statement while it is being written. Names come from the schema and are quoted in one place; values become
//! parameters in one place; nothing else is ever added but text of this crate.

use super::schema::{Column, Kind, Table};
use crate::db::{Db, Dynamic, Engine, Value, quoted};

/// A statement that is being written.
pub(super) struct Sql {
    pub(super) engine: Engine,
    text: String,
    params: Vec<Value>,
    aliases: usize,
    unless: Option<String>,
}

impl Sql {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, text: String::new(), params: Vec::new(), aliases: 0, unless: None }
    }

    /// Adds text of this crate, or what the other functions of this type gave.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// SQLite: the statement is not run when this finds a row.
    pub(super) fn unless(&mut self, question: String) {
        self.unless = Some(question);
    }

    /// A parameter: its place in the text.
    pub(super) fn param(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    /// The place of the next parameter, counted from zero.
    pub(super) fn params(&self) -> usize {
        self.params.len()
    }

    /// A parameter of the type of a column. PostgreSQL gets text and casts it.
    pub(super) fn value(&mut self, column: &Column, value: Value) -> String {
        self.value_as(&column.cast, value)
    }

    /// A parameter that PostgreSQL makes a value of a type, whose name is the catalogue's or this crate's.
    pub(super) fn value_as(&mut self, cast: &str, value: Value) -> String {
        let is_json = matches!(value, Value::Json(_));
        let place = self.param(value);
        match (self.engine, is_json) {
            // `json` keeps what no filter can read, such as an escaped NUL: one such row would spoil every list.
            (Engine::Postgres, false) if cast == "json" => {
                format!("(case when {place}::text::jsonb is not null then {place}::text::json end)")
            }
            (Engine::Postgres, false) => format!("{place}::text::{cast}"),
            (Engine::Postgres, true) => read_from_json(&format!("{place}::text::json"), cast),
            (Engine::Sqlite, _) => place,
        }
    }

    /// A name for a table in this statement that no other has.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// The finished statement.
    pub(super) fn finish(self) -> Dynamic {
        Dynamic { sql: self.text, params: self.params, unless: self.unless }
    }
}

/// A column of an alias.
pub(super) fn of(alias: &str, column: &Column) -> String {
    format!("{alias}.{}", quoted(&column.name))
}

/// A table as a statement names it.
pub(super) fn table_name(engine: Engine, schema: &str, table: &Table) -> String {
    match engine {
        Engine::Postgres => format!("{}.{}", quoted(schema), quoted(&table.name)),
        Engine::Sqlite => format!("main.{}", quoted(&table.name)),
    }
}

/// JSON as a value of a type: the way back from `row_to_json`. A length is looked at as in an assignment.
fn read_from_json(json: &str, type_name: &str) -> String {
    format!("(select x.v from json_to_record(json_build_object('v', {json})) as x (v {type_name}))")
}

/// A question that PostgreSQL refuses when a value does not fit its column; its length is looked at too.
pub(super) fn trial(db: &Db, column: &Column, value: Value) -> Dynamic {
    let mut sql = Sql::new(db.engine());
    let fits = match value {
        // A text in JSON is read as an assignment reads it, where a cast would cut it.
        Value::Text(_) if column.kind != Kind::Json => {
            read_from_json(&format!("{}::text", sql.param(value)), &column.type_name)
        }
        value => sql.value_as(&column.type_name, value),
    };
    // Only whether it can be cast is of interest, and an answer of a type of its own would have to be looked up.
    sql.push("select ").push(&fits).push(" is null");
    sql.finish()
}
