//! The order of a list, and where in it a page begins: behind the row that a cursor names (keyset paging), which an
//! index finds at once however far it is.

use std::sync::LazyLock;

use ayb_protocol::jose::base64url;
use serde_json::{Value as Json, json};

use super::error::TableError;
use super::schema::{Column, Kind, Table};
use super::sql::{Sql, of};
use super::value;
use crate::db::{Engine, Row, Scalar, Value};
use crate::error::StoreError;

/// The most columns that a caller may sort by.
const MAX_KEYS: usize = 8;
/// The longest cursor that is looked at.
const MAX_CURSOR: usize = 16 * 1024;

/// What tells rows apart that have one key, because they are of tables that inherit from one another.
static PLACE: LazyLock<[Column; 2]> = LazyLock::new(|| {
    [("tableoid", "oid"), ("ctid", "tid")].map(|(name, cast)| Column {
        name: name.to_owned(),
        cast: cast.to_owned(),
        ..Column::default()
    })
});

/// One column of the order.
pub(super) struct Key<'s> {
    column: &'s Column,
    descending: bool,
}

/// The order of a list.
pub(super) struct Order<'s> {
    table: &'s Table,
    keys: Vec<Key<'s>>,
    /// Whether the keys tell every two rows apart, without which there is no cursor.
    is_total: bool,
}

impl<'s> Order<'s> {
    /// The order that a caller asks for, `-` in front of a name meaning the other way round and `+` nothing, with the
    /// primary key at its end.
    pub(super) fn new(table: &'s Table, sort: &[String]) -> Result<Self, TableError> {
        let wrong = |message| TableError::query("sort", message);
        let mut keys: Vec<Key<'s>> = Vec::new();
        for name in sort {
            let descending = name.starts_with('-');
            let name = name.strip_prefix(['-', '+']).unwrap_or(name);
            let column = table.column(name).ok_or_else(|| wrong("there is no such column"))?;
            if keys.iter().any(|key| key.column.name == column.name) {
                return Err(wrong("a column is there twice"));
            }
            keys.push(Key { column, descending });
        }
        if keys.len() > MAX_KEYS {
            return Err(wrong("a list is sorted by at most 8 columns"));
        }
        // The same direction to the end lets one comparison of rows, and so one index, find the place.
        let descending = keys.last().is_some_and(|key| key.descending);
        for column in table.key() {
            if !keys.iter().any(|key| key.column.name == column.name) {
                keys.push(Key { column, descending });
            }
        }
        if table.has_heirs {
            keys.extend(PLACE.iter().map(|column| Key { column, descending }));
        }
        Ok(Self { table, keys, is_total: !table.primary_key.is_empty() })
    }

    /// `order by …`; empty where nothing says in which order.
    pub(super) fn clause(&self, alias: &str) -> String {
        let each: Vec<_> = self
            .keys
            .iter()
            .map(|key| format!("{}{}", of(alias, key.column), if key.descending { " desc" } else { "" }))
            .collect();
        if each.is_empty() { String::new() } else { format!(" order by {}", each.join(", ")) }
    }

    /// What a statement selects so that a cursor can be made from its last row.
    pub(super) fn select(&self, engine: Engine, alias: &str) -> Vec<String> {
        let cast = if engine == Engine::Postgres { "::text" } else { "" };
        let keys = self.keys.iter().filter(|_| self.is_total);
        keys.map(|key| format!("{}{cast}", of(alias, key.column))).collect()
    }

    /// The cursor that names a row whose keys begin at `at`.
    pub(super) fn cursor(&self, row: &Row, at: usize) -> Result<Option<String>, StoreError> {
        if !self.is_total {
            return Ok(None);
        }
        let values: Result<Vec<_>, StoreError> =
            (0..self.keys.len()).map(|index| row.scalar(at + index).map(as_json)).collect();
        let text = json!([self.signature(), values?]).to_string();
        Ok(Some(base64url::encode(text)))
    }

    /// Says for which list a cursor is: another list has other keys.
    fn signature(&self) -> String {
        let mut text = self.table.name.clone();
        for key in &self.keys {
            text.push(if key.descending { '>' } else { '<' });
            text.push_str(&key.column.name);
        }
        text
    }

    /// The condition that a row stands behind the one that the cursor names.
    ///
    /// A cursor needs no seal: its values are parameters like those of a filter, and lead to no row that a filter would
    /// not.
    pub(super) fn behind(&self, sql: &mut Sql, alias: &str, cursor: &str) -> Result<String, TableError> {
        let wrong = || TableError::query("cursor", "this is no cursor of this list");
        if !self.is_total {
            return Err(TableError::query("cursor", "a table without a primary key has no cursors"));
        }
        let values = self.values(sql.engine, cursor).ok_or_else(wrong)?;
        let simple =
            self.keys.iter().all(|key| !key.column.nullable && key.descending == self.keys[0].descending);
        if simple && values.iter().all(|value| *value != Value::Null) {
            return Ok(self.compared_as_rows(sql, alias, values));
        }
        Ok(self.compared_one_by_one(sql, alias, &values))
    }

    fn values(&self, engine: Engine, cursor: &str) -> Option<Vec<Value>> {
        if cursor.len() > MAX_CURSOR {
            return None;
        }
        let text = base64url::decode(cursor).ok()?;
        let (signature, values): (String, Vec<Json>) = serde_json::from_slice(&text).ok()?;
        if signature != self.signature() || values.len() != self.keys.len() {
            return None;
        }
        self.keys.iter().zip(values).map(|(key, value)| from_json(engine, key.column, value)).collect()
    }

    fn compared_as_rows(&self, sql: &mut Sql, alias: &str, values: Vec<Value>) -> String {
        let columns: Vec<_> = self.keys.iter().map(|key| of(alias, key.column)).collect();
        let places: Vec<_> =
            self.keys.iter().zip(values).map(|(key, value)| sql.value(key.column, value)).collect();
        let sign = if self.keys.first().is_some_and(|key| key.descending) { "<" } else { ">" };
        format!("(({}) {sign} ({}))", columns.join(", "), places.join(", "))
    }

    /// Equal in the first keys and behind in the next, for each length. Null stands behind everything on PostgreSQL, in
    /// front of everything on SQLite, and the other way round where the order is.
    fn compared_one_by_one(&self, sql: &mut Sql, alias: &str, values: &[Value]) -> String {
        let nulls_last = |key: &Key<'_>| (sql.engine == Engine::Postgres) != key.descending;
        let last: Vec<bool> = self.keys.iter().map(nulls_last).collect();
        let mut choices = Vec::new();
        let mut equal: Vec<String> = Vec::new();
        for ((key, value), nulls_last) in self.keys.iter().zip(values).zip(last) {
            let name = of(alias, key.column);
            let place = (*value != Value::Null).then(|| sql.value(key.column, value.clone()));
            let behind = match (&place, nulls_last) {
                (None, true) => "1 = 0".to_owned(),
                (None, false) => format!("{name} is not null"),
                (Some(place), _) => {
                    let sign = if key.descending { '<' } else { '>' };
                    let or_null = if nulls_last && key.column.nullable {
                        format!(" or {name} is null")
                    } else {
                        String::new()
                    };
                    format!("({name} {sign} {place}{or_null})")
                }
            };
            let mut all = equal.clone();
            all.push(behind);
            choices.push(format!("({})", all.join(" and ")));
            equal.push(place.map_or_else(|| format!("{name} is null"), |place| format!("{name} = {place}")));
        }
        format!("({})", choices.join(" or "))
    }
}

fn as_json(value: Scalar<'_>) -> Json {
    match value {
        Scalar::Null => Json::Null,
        Scalar::Int(number) => number.into(),
        Scalar::Real(number) => json!({"r": number.to_string()}),
        Scalar::Text(text) => text.into(),
        Scalar::Bytes(bytes) => json!({"x": ayb_protocol::hex::encode(bytes)}),
    }
}

fn from_json(engine: Engine, column: &Column, value: Json) -> Option<Value> {
    Some(match value {
        Json::Null if column.nullable => Value::Null,
        Json::String(text) if !text.contains('\0') => Value::Text(text),
        // PostgreSQL gave texts, and casts them.
        _ if engine == Engine::Postgres => return None,
        Json::Number(number) => Value::Int(number.as_i64()?),
        Json::Object(members) => match (members.get("r"), members.get("x")) {
            (Some(real), None) => {
                Value::Real(real.as_str()?.parse().ok().filter(|real: &f64| !real.is_nan())?)
            }
            (None, Some(bytes)) if column.kind != Kind::Json => {
                value::bytes(&format!(r"\x{}", bytes.as_str()?))?
            }
            _ => return None,
        },
        _ => return None,
    })
}
