//! PostgreSQL: a connection of its own, and arrays instead of single rows.

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Transaction};

use super::secret::{hex, uuid};
use super::{Kind, Row, Storage};

const REFRESH: &str = "access_id is not null";

/// The server's database.
pub struct Postgres {
    runtime: Runtime,
    client: Client,
    tokens: String,
    grants: String,
}

impl Postgres {
    /// Connects and looks at what the server has written.
    pub fn open(url: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (client, tokens, grants) = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            // Rows are copies of rows whose references were checked.
            client
                .batch_execute("set session_replication_role = replica; set synchronous_commit = off")
                .await?;
            let kinds = ["user_id is null", "user_id is not null and access_id is null", REFRESH];
            let tokens = insert(&client, "_ayb_oauth_tokens", &kinds).await?;
            let grants = insert(&client, "_ayb_oauth_grants", &["true"]).await?;
            anyhow::Ok((client, tokens, grants))
        })?;
        Ok(Self { runtime, client, tokens, grants })
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }

    fn number(&mut self, sql: &str) -> Result<u64> {
        let row = self.runtime.block_on(self.client.query_one(sql, &[]))?;
        Ok(row.get::<_, i64>(0).try_into()?)
    }
}

impl Storage for Postgres {
    fn mask_key(&mut self) -> Result<String> {
        let sql = "select value from _ayb_settings where key = 'token_mask_key'";
        Ok(self.runtime.block_on(self.client.query_one(sql, &[]))?.get(0))
    }

    fn write(&mut self, rows: &[Row]) -> Result<()> {
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await?;
            let grants: Vec<&Row> = rows.iter().filter(|row| row.kind == Kind::Access).collect();
            write(&transaction, &self.grants, &grants).await?;
            write(&transaction, &self.tokens, &rows.iter().collect::<Vec<_>>()).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn clear(&mut self) -> Result<()> {
        self.run("truncate _ayb_oauth_tokens, _ayb_oauth_grants")
    }

    fn count(&mut self) -> Result<u64> {
        self.number("select count(*) from _ayb_oauth_tokens")
    }

    fn dead(&mut self) -> Result<u64> {
        self.number("select count(*) from _ayb_oauth_tokens where expires_at < now()")
    }

    fn size(&mut self) -> Result<u64> {
        self.number("select pg_total_relation_size('_ayb_oauth_tokens')")
    }

    fn settle(&mut self) -> Result<()> {
        self.run("vacuum analyze _ayb_oauth_tokens")?;
        self.run("vacuum analyze _ayb_oauth_grants")?;
        self.run("checkpoint")
    }
}

async fn write(transaction: &Transaction<'_>, insert: &str, rows: &[&Row]) -> Result<()> {
    let kinds: Vec<i32> = rows.iter().map(|row| row.kind as i32).collect();
    let texts = |pick: fn(&Row) -> String| rows.iter().map(|row| pick(row)).collect::<Vec<String>>();
    let ids = texts(|row| uuid(&row.id));
    let hashes = texts(|row| hex(&row.hash));
    let grants = texts(|row| uuid(&row.grant));
    let access = texts(|row| uuid(&row.access));
    let created: Vec<i64> = rows.iter().map(|row| row.created).collect();
    let expires: Vec<i64> = rows.iter().map(|row| row.expires).collect();
    transaction.execute(insert, &[&kinds, &ids, &hashes, &grants, &access, &created, &expires]).await?;
    Ok(())
}

/// The statement that inserts copies of rows that the server wrote, one for each kind.
async fn insert(client: &Client, table: &str, kinds: &[&str]) -> Result<String> {
    let sql = format!(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
         where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped order by attnum"
    );
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for column in client.query(&sql, &[]).await? {
        let (name, sort): (String, String) = (column.get(0), column.get(1));
        let mut cases = Vec::new();
        for (kind, which) in kinds.iter().enumerate() {
            let sql = format!("select quote_nullable({name}::text) from {table} where {which} limit 1");
            let row = client.query_opt(&sql, &[]).await?;
            let row =
                row.with_context(|| format!("the server has written no row of {table} where {which}"))?;
            let own = (name.as_str(), sort.as_str());
            let value = value(own, row.get(0), kinds.len() == 1, *which == REFRESH);
            cases.push(format!("when {kind} then {value}"));
        }
        // Grants come with the rows of one kind only, whatever its number.
        let case = match cases.as_slice() {
            [one] => one.replacen("when 0 then ", "", 1),
            many => format!("case n.kind {} end", many.join(" ")),
        };
        values.push(case);
        columns.push(name);
    }
    Ok(format!(
        "insert into {table} ({}) select {} from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[],
         $6::bigint[], $7::bigint[]) as n(kind, id, hash, grant_id, access_id, created, expires)",
        columns.join(", "),
        values.join(", ")
    ))
}

/// What stands in a column, given its name and type and what stands there in the server's row.
fn value((name, sort): (&str, &str), like: &str, of_grant: bool, of_refresh: bool) -> String {
    match name {
        "id" if of_grant => identifier("n.grant_id", sort),
        "id" => identifier("n.id", sort),
        "grant_id" => identifier("n.grant_id", sort),
        "access_id" if of_refresh => identifier("n.access_id", sort),
        "token_hash" if sort == "bytea" => "decode(n.hash, 'hex')".to_owned(),
        "token_hash" => "n.hash".to_owned(),
        "created_at" | "auth_time" => time("n.created", sort),
        "expires_at" => time("n.expires", sort),
        "successor_id" | "revoked_at" | "used_at" => format!("null::{sort}"),
        _ => format!("{like}::{sort}"),
    }
}

fn identifier(name: &str, sort: &str) -> String {
    match sort {
        "bytea" => format!("decode(replace({name}, '-', ''), 'hex')"),
        _ => format!("{name}::{sort}"),
    }
}

fn time(name: &str, sort: &str) -> String {
    match sort {
        "bigint" => name.to_owned(),
        _ => format!("to_timestamp({name} / 1000.0)"),
    }
}
