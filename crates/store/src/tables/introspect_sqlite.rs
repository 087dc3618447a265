//! What SQLite says about its tables.

use super::declaration::says;
use super::freeze;
use super::schema::{Column, Kind, Reference, Schema, Table};
use crate::columns::Columns;
use crate::db::{Db, Row};
use crate::error::StoreError;

const MARK: &str = "select schema_version from pragma_schema_version";

const NAMES: &str = "select l.name, l.type, coalesce(s.sql, '') from pragma_table_list l
    left join sqlite_schema s on s.name = l.name and s.type = l.type
    where l.schema = 'main' and l.type in ('table', 'view') order by l.name";

const COLUMNS: &str =
    "select name, type, \"notnull\", dflt_value, pk, hidden from pragma_table_xinfo($1) order by cid";

const REFERENCES: &str =
    "select id, \"table\", \"from\", \"to\" from pragma_foreign_key_list($1) order by id, seq";

const UNIQUE: &str = "select i.seq, x.name from pragma_index_list($1) i join pragma_index_info(i.name) x
    where i.\"unique\" = 1 and i.partial = 0 and i.origin <> 'pk' order by i.seq, x.seqno";

/// Something that changes whenever a table does.
pub(super) async fn mark(db: &Db) -> Result<String, StoreError> {
    let row = db.one(MARK, &[]).await?;
    row.map_or(Ok(String::new()), |row| row.int(0).map(|version| version.to_string()))
}

/// All tables.
pub(super) async fn read(db: &Db) -> Result<Schema, StoreError> {
    let mut tables = Vec::new();
    for row in &db.many(NAMES, vec![]).await? {
        let (name, sort, declaration) = (row.text(0)?, row.text(1)?, row.text(2)?);
        if super::schema::is_hidden(name) {
            continue;
        }
        let is_view = sort == "view";
        let table = Table { name: name.to_owned(), is_view, writable: !is_view, ..Table::default() };
        match described(db, table, says(declaration, "autoincrement")).await {
            Ok(table) => tables.push(table),
            // A view whose tables are gone is an error of its own and of nobody else.
            Err(_) if is_view => continue,
            Err(error) => return Err(error),
        }
    }
    settle_references(&mut tables);
    let frozen = freeze::frozen(db).await?;
    for table in &mut tables {
        table.writable &= !frozen.contains(&table.name.to_ascii_lowercase());
    }
    Ok(Schema::new(tables))
}

async fn described(db: &Db, mut table: Table, counts: bool) -> Result<Table, StoreError> {
    let mut key: Vec<(i64, usize)> = Vec::new();
    for row in &db.many(COLUMNS, vec![(&table.name).into()]).await? {
        let (column, place) = column(row)?;
        if place > 0 {
            key.push((place, table.columns.len()));
        }
        table.columns.push(column);
    }
    key.sort_unstable();
    table.primary_key = key.into_iter().map(|(_, position)| position).collect();
    // The one column that is the row's number gets it from the database. A table that counts its rows takes no number
    // from a caller: behind the largest there is no other, and SQLite answers that with the end of the transaction.
    if let [only] = table.primary_key.as_slice()
        && let Some(column) = table.columns.get_mut(*only)
        && column.type_name.eq_ignore_ascii_case("integer")
    {
        (column.has_default, column.nullable, column.generated) = (true, false, counts);
    }
    for row in &db.many(UNIQUE, vec![(&table.name).into()]).await? {
        add_unique(&mut table, row)?;
    }
    table.unique.retain(|columns| !columns.contains(&usize::MAX));
    for row in &db.many(REFERENCES, vec![(&table.name).into()]).await? {
        add_reference(&mut table, row)?;
    }
    Ok(table)
}

fn column(row: &Row) -> Result<(Column, i64), StoreError> {
    let mut cells = Columns::of(row);
    let (name, type_name) = (cells.string()?, cells.string()?);
    let not_null = cells.bool()?;
    let default = cells.opt_string()?.map(as_expression);
    let (place, hidden) = (cells.int()?, cells.int()?);
    let kind = kind(&type_name);
    let column = Column {
        name,
        cast: String::new(),
        kind,
        nullable: !not_null,
        has_default: default.is_some(),
        default,
        generated: hidden != 0,
        max_length: None,
        choices: Vec::new(),
        type_name,
    };
    Ok((column, place))
}

/// A default as an expression. SQLite takes a text in double quotes for a string when it stands in a declaration.
fn as_expression(default: String) -> String {
    let inner = default.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map(|text| format!("'{}'", text.replace("\"\"", "\"").replace('\'', "''"))).unwrap_or(default)
}

/// What a declared type means here: SQLite's rules of affinity (Datatypes in SQLite §3.1), and three names that it has
/// no values of its own for.
fn kind(declared: &str) -> Kind {
    let name = declared.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["BOOL"]) {
        Kind::Boolean
    } else if says(&["JSON"]) {
        Kind::Json
    } else if says(&["INT"]) {
        Kind::Integer
    } else if says(&["CHAR", "CLOB", "TEXT"]) {
        Kind::Text
    } else if says(&["BLOB"]) {
        Kind::Bytes
    } else if says(&["REAL", "FLOA", "DOUB"]) {
        Kind::Number
    } else {
        Kind::Any
    }
}

/// The columns of an index come one by one; the place of an expression is one that no column has.
fn add_unique(table: &mut Table, row: &Row) -> Result<(), StoreError> {
    let index = usize::try_from(row.int(0)?).unwrap_or_default();
    let position = row.opt_text(1)?.and_then(|name| table.position(name)).unwrap_or(usize::MAX);
    if table.unique.len() <= index {
        table.unique.resize(index + 1, Vec::new());
    }
    table.unique[index].push(position);
    Ok(())
}

fn add_reference(table: &mut Table, row: &Row) -> Result<(), StoreError> {
    let id = usize::try_from(row.int(0)?).unwrap_or_default();
    let Some(position) = table
        .columns
        .iter()
        .position(|column| row.text(2).is_ok_and(|from| column.name.eq_ignore_ascii_case(from)))
    else {
        return Ok(());
    };
    if table.references.len() <= id {
        let empty = Reference { columns: Vec::new(), table: String::new(), to: Vec::new() };
        table.references.resize(id + 1, empty);
    }
    let reference = &mut table.references[id];
    reference.table = row.text(1)?.to_owned();
    reference.columns.push(position);
    reference.to.extend(row.opt_text(3)?.map(str::to_owned));
    Ok(())
}

/// Gives tables and columns that references name the spelling of their declaration. A reference that names no columns
/// means the primary key.
fn settle_references(tables: &mut [Table]) {
    let known: Vec<(String, Vec<String>, Vec<String>)> = tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| column.name.clone()).collect();
            (table.name.clone(), columns, table.key().map(|column| column.name.clone()).collect())
        })
        .collect();
    for table in tables {
        table.unique.retain(|columns| !columns.is_empty());
        table.references.retain_mut(|reference| {
            let target = known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&reference.table));
            let Some((name, columns, key)) = target else { return false };
            reference.table.clone_from(name);
            if reference.to.is_empty() {
                reference.to.clone_from(key);
            }
            let spelled =
                |to: &String| columns.iter().find(|column| column.eq_ignore_ascii_case(to)).cloned();
            let to: Option<Vec<_>> = reference.to.iter().map(spelled).collect();
            reference.to = to.unwrap_or_default();
            !reference.columns.is_empty() && reference.to.len() == reference.columns.len()
        });
    }
}
