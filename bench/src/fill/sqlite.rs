//! SQLite: the file is opened beside the server.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::secret::{hex, uuid};
use super::{Kind, Row, Storage};

/// The server's database file.
pub struct Sqlite {
    file: PathBuf,
    connection: Connection,
    tokens: [Template; 3],
    grants: Template,
}

/// A row that the server wrote.
struct Template {
    insert: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Sqlite {
    /// Opens the file and looks at what the server has written.
    pub fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(60))?;
        connection.execute_batch(
            "pragma synchronous = off; pragma foreign_keys = off; pragma cache_size = -65536;",
        )?;
        let tokens = [
            template(&connection, "_ayb_oauth_tokens", "user_id is null")?,
            template(&connection, "_ayb_oauth_tokens", "user_id is not null and access_id is null")?,
            template(&connection, "_ayb_oauth_tokens", "access_id is not null")?,
        ];
        let grants = template(&connection, "_ayb_oauth_grants", "true")?;
        Ok(Self { file: file.to_owned(), connection, tokens, grants })
    }

    fn number(&self, sql: &str) -> Result<u64> {
        Ok(self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.try_into()?)
    }
}

impl Storage for Sqlite {
    fn mask_key(&mut self) -> Result<String> {
        let sql = "select value from _ayb_settings where key = 'token_mask_key'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    fn write(&mut self, rows: &[Row]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for row in rows {
            if row.kind == Kind::Access {
                self.grants.insert(&transaction, row)?;
            }
            self.tokens[row.kind as usize].insert(&transaction, row)?;
        }
        Ok(transaction.commit()?)
    }

    fn clear(&mut self) -> Result<()> {
        Ok(self.connection.execute_batch("delete from _ayb_oauth_tokens; delete from _ayb_oauth_grants")?)
    }

    fn count(&mut self) -> Result<u64> {
        self.number("select count(*) from _ayb_oauth_tokens")
    }

    fn dead(&mut self) -> Result<u64> {
        self.number("select count(*) from _ayb_oauth_tokens where expires_at < unixepoch() * 1000")
    }

    fn size(&mut self) -> Result<u64> {
        let sql = "select sum(pgsize) from dbstat where aggregate = true and name in
            (select name from sqlite_schema where tbl_name = '_ayb_oauth_tokens')";
        self.number(sql)
    }

    fn settle(&mut self) -> Result<()> {
        // The pragma answers with a row.
        self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        // Otherwise the server's next flush would have to write all that was put in without one.
        File::open(&self.file)?.sync_all()?;
        Ok(())
    }
}

fn template(connection: &Connection, table: &str, which: &str) -> Result<Template> {
    let mut statement = connection.prepare(&format!("select * from {table} where {which} limit 1"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let read = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|column| row.get(column)).collect();
    let values = statement
        .query_row([], read)
        .with_context(|| format!("the server has written no row of {table} where {which}"))?;
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("insert into {table} ({}) values ({marks})", columns.join(", "));
    Ok(Template { insert, columns, values })
}

impl Template {
    fn insert(&self, connection: &Connection, row: &Row) -> Result<()> {
        let of_grant = !self.columns.iter().any(|column| column == "token_hash");
        let columns = self.columns.iter().zip(&self.values);
        let values = columns.map(|(column, value)| match column.as_str() {
            "id" if of_grant => identifier(value, &row.grant),
            "id" => identifier(value, &row.id),
            "token_hash" => match value {
                Value::Blob(_) => Value::Blob(row.hash.to_vec()),
                _ => Value::Text(hex(&row.hash)),
            },
            "grant_id" => identifier(value, &row.grant),
            "access_id" if row.kind == Kind::Refresh => identifier(value, &row.access),
            "created_at" | "auth_time" => Value::Integer(row.created),
            "expires_at" => Value::Integer(row.expires),
            "successor_id" | "revoked_at" | "used_at" => Value::Null,
            _ => value.clone(),
        });
        connection.prepare_cached(&self.insert)?.execute(params_from_iter(values))?;
        Ok(())
    }
}

/// An identifier in the form that the server gives it.
fn identifier(like: &Value, id: &[u8; 16]) -> Value {
    match like {
        Value::Blob(_) => Value::Blob(id.to_vec()),
        _ => Value::Text(uuid(id)),
    }
}
