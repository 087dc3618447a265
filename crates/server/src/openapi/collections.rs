//! The API over the operator's own tables.

use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post, Put};
use utoipa::openapi::path::OperationBuilder;

use super::book::{ACCESS, API_KEY, Book, Entry, SESSION};
use super::messages::{CollectionsDocument, RowPage};
use crate::api::collections::{BatchRequest, BatchResult, CollectionView, RowCells};

const TABLE: &str = "The name of the table, percent-encoded.";
const ID: &str =
    "The primary key; of a key of several columns the parts with commas between them, each percent-encoded.";
const QUERY: (u16, &str) = (
    400,
    "A parameter makes no sense, or asks for more than 16 MiB; `data.field` names it, `data.position` the character.",
);
const VALUE: (u16, &str) = (422, "A value breaks a rule of its column, which `data.field` names.");
const CLASH: (u16, &str) = (409, "Another row has the same key, is missing, or refers to this one.");
const FIXED: (u16, &str) =
    (405, "The table takes no changes: it is a view, or on SQLite a write to it could undo those of others.");
const SHOWN: [(&str, &str); 2] = [
    ("fields", "Columns to show instead of all, with commas between them."),
    (
        "expand",
        "Rows that are referred to: columns with a foreign key, with commas between them, dots for the next step.",
    ),
];

pub(super) fn describe(book: &mut Book) {
    book.chapter(
        "Tables",
        "Your own tables in the same database. Any credential opens them: a session token, an access token, an API key. \
         The scope `readonly` reads, `readwrite` writes too.",
    );
    book.operation(
        Get,
        "/api/collections",
        "listCollections",
        "Describe the tables that you may see",
        |entry| close(entry.gives_list::<CollectionView>("The tables, as they are at this moment."), &[]),
    );
    let document = "Describe the tables that you may see as an OpenAPI document";
    book.operation(Get, "/api/collections/openapi.json", "describeCollections", document, |entry| {
        close(entry.gives::<CollectionsDocument>(200, "OpenAPI 3.1, with the columns of each table."), &[])
    });
    many(book);
    one(book);
}

/// Adds who may ask, and what every door of the tables can answer.
fn close(entry: Entry<'_>, errors: &[(u16, &str)]) -> OperationBuilder {
    let common = [
        (401, "Send a credential."),
        (403, "Scope or allowed tables do not suffice, or the database forbids it; `data.scope` would do."),
        (429, "A limit is used up: of the app, of the client, or of an address whose credentials are none."),
        (503, "The database is away; nothing happened."),
    ];
    entry.needs(SESSION).needs(ACCESS).needs(API_KEY).fails(errors).fails(&common).end()
}

fn many(book: &mut Book) {
    const ALL: &str = "/api/collections/{table}";
    const UNKNOWN: (u16, &str) = (404, "There is no such table.");
    book.operation(Get, ALL, "listRows", "List rows", |entry| {
        let entry = entry.path("table", TABLE).query(&[
            ("filter", "Only rows for which this holds; see the page about filters."),
            ("sort", "Columns with commas between them, `-` in front for the other way round."),
            ("search", "Only rows with a text that holds these words, in any case."),
            ("page", "Which page, counted from 1; a page may have 100,000 rows in front of it."),
            ("perPage", "Rows on a page: 30 when not said, at most 500."),
            ("skipTotal", "`true` leaves the rows of all pages uncounted."),
            (
                "cursor",
                "`nextCursor` of the page before; empty for the first. Without `page`, and without a count.",
            ),
        ]);
        close(entry.query(&SHOWN).gives::<RowPage>(200, "A page of rows."), &[QUERY, UNKNOWN])
    });
    book.operation(Post, ALL, "createRow", "Create a row", |entry| {
        let entry = entry.path("table", TABLE).body::<RowCells>();
        let entry = entry.gives::<RowCells>(201, "The row; `Location` is its address.");
        close(entry, &[UNKNOWN, FIXED, CLASH, VALUE])
    });
    let batch = "Create, change and delete rows, all or none";
    book.operation(Post, "/api/collections/{table}/batch", "changeRows", batch, |entry| {
        let entry = entry.path("table", TABLE).body::<BatchRequest>();
        let entry = entry.gives::<BatchResult>(200, "All of it is done.");
        let missing =
            (404, "There is no such table, or not one of the rows; `data.index` names the operation.");
        let entry =
            entry.about("An error names the operation at fault in `data.index`, and nothing is done.");
        let large = (413, "The rows after the changes are larger than 16 MiB together.");
        close(entry, &[missing, FIXED, CLASH, large, VALUE])
    });
}

fn one(book: &mut Book) {
    const ONE: &str = "/api/collections/{table}/{id}";
    const MISSING: (u16, &str) = (404, "There is no such row that you may see.");
    fn at(entry: Entry<'_>) -> Entry<'_> {
        entry.path("table", TABLE).path("id", ID)
    }
    book.operation(Get, ONE, "readRow", "Read a row", |entry| {
        close(at(entry).query(&SHOWN).gives::<RowCells>(200, "The row."), &[QUERY, MISSING])
    });
    book.operation(Put, ONE, "replaceRow", "Replace a row", |entry| {
        let entry = at(entry).body::<RowCells>().gives::<RowCells>(200, "The row after the change.");
        let entry = entry.about("Columns that are not given get their defaults; the key and the owner stay.");
        close(entry, &[MISSING, FIXED, CLASH, VALUE])
    });
    book.operation(Patch, ONE, "updateRow", "Change columns of a row", |entry| {
        let entry = at(entry).body::<RowCells>().gives::<RowCells>(200, "The row after the change.");
        close(entry, &[MISSING, FIXED, CLASH, VALUE])
    });
    book.operation(Delete, ONE, "deleteRow", "Delete a row", |entry| {
        close(at(entry).says(204, "The row is gone."), &[MISSING, FIXED, CLASH])
    });
}
