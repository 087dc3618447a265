//! What of a row is shown, with the rows that it refers to: which columns a statement asks for, and how its answer
//! becomes JSON. PostgreSQL writes the JSON itself; SQLite gives values, and the JSON is written here.

use ayb_protocol::hex;

use super::error::TableError;
use super::schema::{Column, Kind, Table};
use super::scope::{MAX_STEPS, Scope};
use super::sql::{Sql, of};
use crate::db::{Engine, Row, Scalar, quoted};
use crate::error::StoreError;

/// How many expansions one request may ask for.
const MAX_EXPANSIONS: usize = 20;

/// What of a table's rows is shown.
pub(super) struct Shape<'s> {
    table: &'s Table,
    columns: Vec<&'s Column>,
    expand: Vec<Expansion<'s>>,
}

struct Expansion<'s> {
    column: &'s Column,
    shape: Shape<'s>,
}

impl<'s> Shape<'s> {
    /// The columns named, or all of them, and the rows that the paths in `expand` lead to.
    pub(super) fn new(
        scope: Scope<'s>,
        table: &'s Table,
        fields: Option<&[String]>,
        expand: &[Vec<String>],
    ) -> Result<Self, TableError> {
        let columns = match fields {
            None => table.columns.iter().collect(),
            Some(names) => chosen(table, names)?,
        };
        if expand.len() > MAX_EXPANSIONS || expand.iter().any(|path| path.len() > MAX_STEPS) {
            return Err(TableError::query("expand", "at most 20 paths of at most 3 references are followed"));
        }
        if !expand.is_empty() && table.column("expand").is_some() {
            return Err(TableError::query("expand", "this table has a column of that name"));
        }
        let mut shape = Self { table, columns, expand: Vec::new() };
        for path in expand {
            shape.extend(scope, path)?;
        }
        Ok(shape)
    }

    fn extend(&mut self, scope: Scope<'s>, path: &[String]) -> Result<(), TableError> {
        let Some((first, rest)) = path.split_first() else { return Ok(()) };
        let found = self.table.column(first).zip(self.table.reference(first));
        let (column, reference) =
            found.ok_or(TableError::query("expand", "this is no column that refers to another table"))?;
        let known = self.expand.iter().position(|expansion| expansion.column.name == *first);
        let at = match known {
            Some(at) => at,
            None => {
                let table = scope.target(reference)?;
                self.expand.push(Expansion { column, shape: Self::new(scope, table, None, &[])? });
                self.expand.len() - 1
            }
        };
        match rest.is_empty() {
            true => Ok(()),
            false => self.expand[at].shape.extend(scope, rest),
        }
    }

    /// What a statement selects, and what it joins to the table known as `alias`.
    pub(super) fn select(&self, scope: Scope<'_>, sql: &mut Sql, alias: &str) -> (String, String) {
        match sql.engine {
            Engine::Postgres => (self.document(scope, sql, alias), String::new()),
            Engine::Sqlite => {
                let (mut columns, mut joins) = (Vec::new(), String::new());
                self.flat(scope, sql, alias, (&mut columns, &mut joins));
                (columns.join(", "), joins)
            }
        }
    }

    /// A row as a JSON document that PostgreSQL writes.
    fn document(&self, scope: Scope<'_>, sql: &mut Sql, alias: &str) -> String {
        let mut parts: Vec<_> = self.columns.iter().map(|column| of(alias, column)).collect();
        if !self.expand.is_empty() {
            let related: Vec<_> = self
                .expand
                .iter()
                .filter_map(|expansion| expansion.document(scope, sql, self.table, alias))
                .collect();
            parts.push(format!("(select row_to_json(x.*) from (select {}) x) as expand", related.join(", ")));
        }
        format!("(select row_to_json(r.*) from (select {}) r)", parts.join(", "))
    }

    /// The values of a row and of the rows joined to it, in the order in which [`Shape::write`] takes them.
    fn flat(
        &self,
        scope: Scope<'_>,
        sql: &mut Sql,
        alias: &str,
        (columns, joins): (&mut Vec<String>, &mut String),
    ) {
        columns.extend(self.columns.iter().map(|column| of(alias, column)));
        for expansion in &self.expand {
            let Some(reference) = self.table.reference(&expansion.column.name) else { continue };
            let (far, table) = (sql.alias(), expansion.shape.table);
            let condition = scope.joined(sql, (reference, self.table, alias), (table, &far));
            joins.push_str(&format!(" left join {} as {far} on {condition}", scope.name(sql, table)));
            // Whether there is such a row: the column that is referred to is null only without one.
            columns.extend(reference.to.first().map(|to| format!("{far}.{} is not null", quoted(to))));
            expansion.shape.flat(scope, sql, &far, (&mut *columns, &mut *joins));
        }
    }

    /// The JSON of a row, and the place of the first value behind it.
    pub(super) fn read(&self, engine: Engine, row: &Row) -> Result<(String, usize), StoreError> {
        match engine {
            Engine::Postgres => Ok((row.text(0)?.to_owned(), 1)),
            Engine::Sqlite => {
                let (mut json, mut at) = (String::new(), 0);
                self.write(row, &mut at, &mut json)?;
                Ok((json, at))
            }
        }
    }

    fn write(&self, row: &Row, at: &mut usize, json: &mut String) -> Result<(), StoreError> {
        json.push('{');
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            push_text(json, &column.name);
            json.push(':');
            push_value(json, column.kind, row.scalar(*at)?);
            *at += 1;
        }
        if !self.expand.is_empty() {
            json.push_str(if self.columns.is_empty() { "\"expand\":{" } else { ",\"expand\":{" });
            for (index, expansion) in self.expand.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                push_text(json, &expansion.column.name);
                json.push(':');
                expansion.write(row, at, json)?;
            }
            json.push('}');
        }
        json.push('}');
        Ok(())
    }
}

impl Expansion<'_> {
    fn document(&self, scope: Scope<'_>, sql: &mut Sql, from: &Table, from_alias: &str) -> Option<String> {
        let reference = from.reference(&self.column.name)?;
        let (alias, table) = (sql.alias(), self.shape.table);
        let document = self.shape.document(scope, sql, &alias);
        let condition = scope.joined(sql, (reference, from, from_alias), (table, &alias));
        let name = scope.referred(sql, table);
        Some(format!(
            "(select {document} from {name} as {alias} where {condition}) as {}",
            quoted(&self.column.name)
        ))
    }

    fn write(&self, row: &Row, at: &mut usize, json: &mut String) -> Result<(), StoreError> {
        let is_there = row.scalar(*at)? == Scalar::Int(1);
        *at += 1;
        let start = json.len();
        self.shape.write(row, at, json)?;
        if !is_there {
            json.truncate(start);
            json.push_str("null");
        }
        Ok(())
    }
}

fn chosen<'s>(table: &'s Table, names: &[String]) -> Result<Vec<&'s Column>, TableError> {
    let mut columns: Vec<&Column> = Vec::with_capacity(names.len());
    for name in names {
        let column = table.column(name).ok_or(TableError::query("fields", "there is no such column"))?;
        if !columns.iter().any(|known| known.name == column.name) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// A value of SQLite as JSON: bytes in the form of PostgreSQL, documents as documents, truth as truth.
fn push_value(json: &mut String, kind: Kind, value: Scalar<'_>) {
    match (kind, value) {
        (_, Scalar::Null) => json.push_str("null"),
        (Kind::Boolean, Scalar::Int(0)) => json.push_str("false"),
        (Kind::Boolean, Scalar::Int(1)) => json.push_str("true"),
        (_, Scalar::Int(number)) => json.push_str(&number.to_string()),
        (_, Scalar::Real(number)) => match serde_json::Number::from_f64(number) {
            Some(number) => json.push_str(&number.to_string()),
            // JSON has no word for it; PostgreSQL writes a text too.
            None => push_text(json, if number > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        (Kind::Json, Scalar::Text(text)) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            json.push_str(text);
        }
        (_, Scalar::Text(text)) => push_text(json, text),
        (_, Scalar::Bytes(bytes)) => push_text(json, &format!(r"\x{}", hex::encode(bytes))),
    }
}

fn push_text(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
