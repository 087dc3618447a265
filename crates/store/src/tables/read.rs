//! Reading rows: one by its key, or a page of a list.

use ayb_provider::filter::Filter;

use super::condition;
use super::error::TableError;
use super::explain::UNFIT;
use super::keyset::Order;
use super::options::Asker;
use super::run::{Question, Tables};
use super::schema::Table;
use super::scope::Scope;
use super::shape::Shape;
use super::sql::{Sql, of};
use super::text;
use super::value;
use crate::db::{Dynamic, Engine, MAX_ANSWER, Value};

/// The most rows on a page.
pub const MAX_PER_PAGE: u32 = 500;
/// How many rows a page may have in front of it; a cursor leads further.
pub const MAX_OFFSET: u64 = 100_000;

/// What of a list is wanted.
#[derive(Clone, Debug, Default)]
pub struct ListAsk {
    /// Only rows for which this holds.
    pub filter: Option<Filter>,
    /// Columns, with `-` in front for the other way round or `+` for nothing; the primary key when there are none.
    pub sort: Vec<String>,
    /// Only rows with a text that holds these words.
    pub search: Option<String>,
    /// These columns instead of all.
    pub fields: Option<Vec<String>>,
    /// Rows that are referred to, by paths of columns.
    pub expand: Vec<Vec<String>>,
    /// Which page, counted from 1.
    pub page: u32,
    /// Rows on a page, at most [`MAX_PER_PAGE`].
    pub per_page: u32,
    /// Whether to count the rows of all pages.
    pub count: bool,
    /// Begins behind the row that this names, whatever the page.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// Each row as a JSON object.
    pub items: Vec<String>,
    /// The rows of all pages, if they were counted.
    pub total: Option<u64>,
    /// Leads to the rows behind this page, when there are any and the table has a primary key.
    pub next: Option<String>,
}

impl Tables {
    /// A page of the rows of a table.
    ///
    /// # Errors
    /// [`TableError`]; a filter or cursor that the database cannot make sense of is a [`TableError::Query`].
    pub async fn list(&self, asker: &Asker<'_>, table: &str, ask: &ListAsk) -> Result<Listing, TableError> {
        let prepare = |scope: Scope<'_>| {
            let table = scope.table(table)?;
            let mut statements = vec![select(self.engine(), scope, table, ask)?];
            if ask.count {
                statements.push(count(self.engine(), scope, table, ask)?);
            }
            Ok(Question { statements, places: Vec::new(), purposes: Vec::new(), by_key: false })
        };
        let (schema, found) = self.read(asker, prepare).await.map_err(|error| blame(error, ask))?;
        let scope = self.scope(&schema, asker);
        let mut found = found.into_iter();
        let rows = found.next().unwrap_or_default();
        let total = found.next().and_then(|rows| rows.first().map(|row| row.int(0))).transpose()?;
        let listed = scope.table(table)?;
        let shape = Shape::new(scope, listed, ask.fields.as_deref(), &ask.expand)?;
        let order = Order::new(listed, &ask.sort)?;
        let mut listing =
            Listing { items: Vec::new(), total: total.and_then(|n| u64::try_from(n).ok()), next: None };
        let mut room = MAX_ANSWER;
        let wanted = usize::try_from(ask.per_page).unwrap_or_default();
        for row in rows.iter().take(wanted) {
            let (json, keys) = shape.read(self.engine(), row)?;
            room = room.checked_sub(json.len()).ok_or(blame(TableError::TooLarge, ask))?;
            listing.items.push(json);
            if listing.items.len() == wanted && rows.len() > wanted {
                listing.next = order.cursor(row, keys)?;
            }
        }
        Ok(listing)
    }

    /// One row, by the parts of its primary key, as a JSON object.
    ///
    /// # Errors
    /// [`TableError::NoRow`] also for a key that no row can have.
    pub async fn one(
        &self,
        asker: &Asker<'_>,
        table: &str,
        id: &[String],
        fields: Option<&[String]>,
        expand: &[Vec<String>],
    ) -> Result<String, TableError> {
        let prepare = |scope: Scope<'_>| {
            let table = scope.table(table)?;
            let statement = find(self.engine(), scope, table, id, (fields, expand))?;
            Ok(Question {
                statements: vec![statement],
                places: Vec::new(),
                purposes: Vec::new(),
                by_key: true,
            })
        };
        let (schema, found) = self.read(asker, prepare).await.map_err(|error| match error {
            TableError::Value { .. } => TableError::NoRow,
            TableError::TooLarge => {
                TableError::query("fields", "the row is larger than 16 MiB: ask for some of its columns")
            }
            other => other,
        })?;
        let scope = self.scope(&schema, asker);
        let shape = Shape::new(scope, scope.table(table)?, fields, expand)?;
        let row = found.first().and_then(|rows| rows.first()).ok_or(TableError::NoRow)?;
        Ok(shape.read(self.engine(), row)?.0)
    }

    /// How the database would read a page, for tests of query plans.
    ///
    /// # Errors
    /// As [`Tables::list`].
    pub async fn explain(&self, asker: &Asker<'_>, table: &str, ask: &ListAsk) -> Result<String, TableError> {
        let schema = self.schema().await?;
        let scope = self.scope(&schema, asker);
        let statement = select(self.engine(), scope, scope.table(table)?, ask)?;
        Ok(self.db().explain_dynamic(statement).await?)
    }
}

/// Of a list only what the caller wrote can be wrong with a value.
fn blame(error: TableError, ask: &ListAsk) -> TableError {
    let parameter = match (&ask.filter, &ask.cursor) {
        (None, Some(_)) => "cursor",
        (None, None) => "sort",
        _ => "filter",
    };
    match error {
        TableError::Value { message: UNFIT, .. } => {
            TableError::query(parameter, "a value does not fit the column that it is compared to")
        }
        TableError::Value { message, .. } => TableError::query(parameter, message),
        TableError::TooLarge => TableError::query(
            "perPage",
            "the rows of this page are larger than 16 MiB together: ask for fewer rows, or for fewer columns with fields",
        ),
        other => other,
    }
}

fn select(engine: Engine, scope: Scope<'_>, table: &Table, ask: &ListAsk) -> Result<Dynamic, TableError> {
    let shape = Shape::new(scope, table, ask.fields.as_deref(), &ask.expand)?;
    let order = Order::new(table, &ask.sort)?;
    let mut sql = Sql::new(engine);
    let alias = sql.alias();
    let (columns, joins) = shape.select(scope, &mut sql, &alias);
    let mut selected = vec![columns];
    selected.extend(order.select(engine, &alias));
    // Without a column to show there is nothing in front of the keys.
    selected.retain(|columns| !columns.is_empty());
    let condition = conditions(&mut sql, scope, (table, &alias), ask, Some(&order))?;
    let name = scope.name(&sql, table);
    sql.push("select ").push(&selected.join(", ")).push(" from ").push(&name).push(" as ").push(&alias);
    sql.push(&joins).push(&condition).push(&order.clause(&alias));
    // One row more tells whether there is another page.
    let limit = ask.per_page.clamp(1, MAX_PER_PAGE) + 1;
    sql.push(&format!(" limit {limit}"));
    let before = u64::from(ask.page.saturating_sub(1)) * u64::from(ask.per_page);
    if ask.cursor.is_none() && before > 0 {
        if before > MAX_OFFSET {
            return Err(TableError::query("page", "a page this far is reached with a cursor only"));
        }
        let before = i64::try_from(before).unwrap_or_default();
        let offset = offset(&mut sql, before);
        sql.push(" offset ").push(&offset);
    }
    Ok(sql.finish())
}

fn offset(sql: &mut Sql, rows: i64) -> String {
    match sql.engine {
        Engine::Postgres => sql.value_as("bigint", Value::Text(rows.to_string())),
        Engine::Sqlite => sql.param(Value::Int(rows)),
    }
}

fn count(engine: Engine, scope: Scope<'_>, table: &Table, ask: &ListAsk) -> Result<Dynamic, TableError> {
    let mut sql = Sql::new(engine);
    let alias = sql.alias();
    let condition = conditions(&mut sql, scope, (table, &alias), ask, None)?;
    let name = scope.name(&sql, table);
    sql.push("select count(*) from ").push(&name).push(" as ").push(&alias).push(&condition);
    Ok(sql.finish())
}

/// ` where …`; empty without conditions. The cursor counts for the page, not for the number of all rows.
fn conditions(
    sql: &mut Sql,
    scope: Scope<'_>,
    (table, alias): (&Table, &str),
    ask: &ListAsk,
    order: Option<&Order<'_>>,
) -> Result<String, TableError> {
    let mut all: Vec<String> = scope.own(sql, table, alias).into_iter().collect();
    if let Some((order, cursor)) = order.zip(ask.cursor.as_deref()) {
        all.push(order.behind(sql, alias, cursor)?);
    }
    if let Some(filter) = &ask.filter {
        text::bounded(filter)?;
        all.push(condition::filter(scope, sql, (table, alias), filter)?);
    }
    if let Some(words) = &ask.search {
        all.push(text::search(sql, (table, alias), words));
    }
    Ok(if all.is_empty() { String::new() } else { format!(" where {}", all.join(" and ")) })
}

fn find(
    engine: Engine,
    scope: Scope<'_>,
    table: &Table,
    id: &[String],
    (fields, expand): (Option<&[String]>, &[Vec<String>]),
) -> Result<Dynamic, TableError> {
    let shape = Shape::new(scope, table, fields, expand)?;
    let mut sql = Sql::new(engine);
    let alias = sql.alias();
    let (columns, joins) = shape.select(scope, &mut sql, &alias);
    let condition = by_key(&mut sql, scope, (table, &alias), id)?;
    let name = scope.name(&sql, table);
    let columns = if columns.is_empty() { "1" } else { &columns };
    sql.push("select ").push(columns).push(" from ").push(&name).push(" as ").push(&alias);
    sql.push(&joins).push(" where ").push(&condition);
    Ok(sql.finish())
}

/// The condition that a row has this key and is the asker's own, where rows have owners.
pub(super) fn by_key(
    sql: &mut Sql,
    scope: Scope<'_>,
    (table, alias): (&Table, &str),
    id: &[String],
) -> Result<String, TableError> {
    if table.primary_key.is_empty() {
        return Err(TableError::NoKey);
    }
    if table.primary_key.len() != id.len() {
        return Err(TableError::NoRow);
    }
    let mut all = Vec::with_capacity(id.len() + 1);
    for (column, part) in table.key().zip(id) {
        let value = value::from_text(sql.engine, column, part).ok_or(TableError::NoRow)?;
        let place = sql.value(column, value);
        all.push(format!("{} = {place}", of(alias, column)));
    }
    all.extend(scope.own(sql, table, alias));
    if table.has_heirs {
        all.push(alone_with_its_key(sql, scope, table, alias));
    }
    Ok(all.join(" and "))
}

/// The condition that no other row has the key of this one. The key of a table does not hold for those that inherit from
/// it, and a change of one row must not be a change of two.
fn alone_with_its_key(sql: &mut Sql, scope: Scope<'_>, table: &Table, alias: &str) -> String {
    let other = sql.alias();
    let same = table.key().map(|column| format!("{} = {}", of(&other, column), of(alias, column)));
    let mut all: Vec<String> = same.collect();
    all.push(format!("({other}.tableoid, {other}.ctid) <> ({alias}.tableoid, {alias}.ctid)"));
    all.extend(scope.own(sql, table, &other));
    let name = scope.name(sql, table);
    format!("not exists (select 1 from {name} as {other} where {})", all.join(" and "))
}
