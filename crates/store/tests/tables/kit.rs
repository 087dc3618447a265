//! A small library with books and authors, and short ways to ask for rows.

use ayb_provider::filter::parse;
use ayb_store::db::{Db, Engine};
use ayb_store::tables::{
    Asker, BatchError, Cells, ListAsk, Listing, Operation, TableError, TableOptions, Tables, Written,
};
use serde_json::{Value, json};

const SQLITE: &[&str] = &[
    "create table authors (id integer primary key, name text not null, born date)",
    "create table books (id integer primary key, title text not null, pages integer default 100,
     price real, lent boolean not null default 0, author_id integer references authors (id), doc json,
     cover blob, unique (title, author_id))",
    "create table \"order\" (\"a 'b\" text, \"select\" integer, \"c\"\"d\" text, primary key (\"a 'b\", \"select\"))",
    "create view short_books as select id, title from books where pages < 200",
];

const POSTGRES: &[&str] = &[
    "create table authors (id integer primary key, name text not null, born date)",
    "create table books (id serial primary key, title varchar(60) not null, pages integer default 100,
     price double precision, lent boolean not null default false, author_id integer references authors (id),
     doc jsonb, cover bytea, unique (title, author_id))",
    "create table \"order\" (\"a 'b\" text, \"select\" integer, \"c\"\"d\" text, primary key (\"a 'b\", \"select\"))",
    "create view short_books as select id, title from books where pages < 200",
];

/// The tables of a database with the library in it.
pub(super) async fn library(db: Db) -> Tables {
    let views = vec!["short_books".to_owned()];
    library_with(db, TableOptions { schema: "public".to_owned(), views, ..TableOptions::default() }).await
}

pub(super) async fn library_with(db: Db, options: TableOptions) -> Tables {
    let script = match db.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    for statement in script {
        db.execute(statement, vec![]).await.unwrap();
    }
    Tables::new(db, options)
}

/// The same with three authors and five books.
pub(super) async fn stocked(db: Db) -> Tables {
    let tables = library(db).await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Eve")] {
        create(&tables, "authors", json!({"id": id, "name": name})).await.unwrap();
    }
    let books = [
        json!({"id": 1, "title": "Alpha", "pages": 10, "price": 1.5, "author_id": 1, "doc": {"tags": ["x", "y"], "n": 5}}),
        json!({"id": 2, "title": "beta 100%", "pages": 300, "price": 2.5, "lent": true, "author_id": 1}),
        json!({"id": 3, "title": "Gamma_ray", "pages": null, "author_id": 2, "doc": {"n": 50, "ok": true}}),
        json!({"id": 4, "title": "delta", "pages": 300, "price": 0.25}),
        json!({"id": 5, "title": "Epsilon", "pages": 42, "author_id": 2, "doc": {"tags": [], "n": "5"}}),
    ];
    for book in books {
        create(&tables, "books", book).await.unwrap();
    }
    tables
}

pub(super) fn anybody() -> Asker<'static> {
    Asker::operator()
}

/// The columns of a JSON object, in the order in which they are written.
pub(super) fn cells(row: &Value) -> Cells {
    let members = row.as_object().unwrap().iter();
    members.map(|(name, value)| (name.clone(), serde_json::value::to_raw_value(value).unwrap())).collect()
}

pub(super) async fn create(tables: &Tables, table: &str, row: Value) -> Result<Value, TableError> {
    one(change_as(&anybody(), tables, table, vec![Operation::Create { cells: cells(&row) }]).await)
}

pub(super) async fn change(
    tables: &Tables,
    table: &str,
    operations: Vec<Operation>,
) -> Result<Vec<Written>, BatchError> {
    change_as(&anybody(), tables, table, operations).await
}

pub(super) async fn change_as(
    asker: &Asker<'_>,
    tables: &Tables,
    table: &str,
    operations: Vec<Operation>,
) -> Result<Vec<Written>, BatchError> {
    tables.change(asker, table, &operations).await
}

/// The row of a change of one.
pub(super) fn one(outcome: Result<Vec<Written>, BatchError>) -> Result<Value, TableError> {
    let written = outcome.map_err(|error| error.error)?;
    let row = written.into_iter().next().unwrap().row;
    Ok(row.map_or(Value::Null, |row| serde_json::from_str(&row).unwrap()))
}

pub(super) fn ask() -> ListAsk {
    ListAsk { page: 1, per_page: 30, ..ListAsk::default() }
}

pub(super) fn filtered(filter: &str) -> ListAsk {
    ListAsk { filter: Some(parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"))), ..ask() }
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub(super) fn rows(listing: &Listing) -> Vec<Value> {
    listing.items.iter().map(|item| serde_json::from_str(item).unwrap()).collect()
}

pub(super) async fn list(tables: &Tables, table: &str, ask: &ListAsk) -> Result<Vec<Value>, TableError> {
    tables.list(&anybody(), table, ask).await.map(|listing| rows(&listing))
}

/// Lets so much time pass that PostgreSQL is asked again what its tables are.
pub(super) async fn later() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    tokio::time::resume();
}

/// The ids of the books for which a filter holds.
pub(super) async fn ids(tables: &Tables, filter: &str) -> Vec<i64> {
    let listed = list(tables, "books", &filtered(filter)).await;
    let listed = listed.unwrap_or_else(|error| panic!("{filter}: {error}"));
    listed.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
