//! Reading a database past the store, as somebody who stole its file would.

use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::{Database, Kind};

/// A row as text; `None` is NULL, bytes are hexadecimal, identifiers as people write them.
pub type TextRow = Vec<Option<String>>;

impl Database {
    /// The rows that a statement finds.
    pub async fn rows(&self, sql: &str) -> Vec<TextRow> {
        match self.kind {
            Kind::Sqlite => sqlite(&self.url, sql),
            Kind::Postgres => postgres(&self.url, sql).await,
        }
    }

    /// The name of a client as this database writes it in SQL.
    pub fn client_literal(&self, client_id: &str) -> String {
        match self.kind {
            Kind::Sqlite => format!("x'{}'", client_id.trim_start_matches("ayb_cid_")),
            Kind::Postgres => format!("'{client_id}'"),
        }
    }

    /// The names of all tables.
    pub async fn tables(&self) -> Vec<String> {
        let sql = match self.kind {
            Kind::Sqlite => "select name from sqlite_schema where type = 'table' order by name",
            Kind::Postgres => {
                "select tablename from pg_tables where schemaname = 'public' order by tablename"
            }
        };
        self.rows(sql).await.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
    }
}

fn sqlite(url: &str, sql: &str) -> Vec<TextRow> {
    let path = url.strip_prefix("sqlite://").expect("the address of a SQLite file");
    let connection = rusqlite::Connection::open(path).expect("a SQLite file");
    connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a time to wait");
    let mut statement = connection.prepare(sql).expect("a statement that makes sense");
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|column| Ok(sqlite_text(row.get_ref(column)?))).collect())
        .expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn sqlite_text(value: rusqlite::types::ValueRef<'_>) -> Option<String> {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(written(bytes)),
    }
}

/// Bytes as PostgreSQL would show the same value: identifiers have 16 of them, names of clients 24.
fn written(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match bytes.len() {
        16 => [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"),
        24 => format!("ayb_cid_{hex}"),
        _ => hex,
    }
}

async fn postgres(url: &str, sql: &str) -> Vec<TextRow> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a PostgreSQL that answers");
    let task = tokio::spawn(connection);
    let messages = client.simple_query(sql).await.expect("a statement that makes sense");
    drop(client);
    // The connection ends after its last answer; how is of no interest.
    let _ended = task.await;
    let text = |row: &tokio_postgres::SimpleQueryRow| {
        (0..row.len())
            .map(|column| row.get(column).map(|text| text.strip_prefix("\\x").unwrap_or(text).to_owned()))
            .collect()
    };
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(text(row)),
        _ => None,
    });
    rows.collect()
}
