//! PostgreSQL with nothing around it: few connections, many statements in flight.

use anyhow::{Context, Result};
use tokio_postgres::{Client, Statement};

use super::Fresh;

/// A few connections with their statements.
pub struct Postgres(Vec<One>);

struct One {
    client: Client,
    insert: Statement,
    rotate: Statement,
    read: Statement,
}

const SCHEMA: &str = "create table if not exists floor_token(id bigint primary key, hash bytea not null, kind int not null,
    client text not null, scope text not null, created bigint not null, expires bigint not null, gone bigint)";
const INSERT: &str = "insert into floor_token(id, hash, kind, client, scope, created, expires)
    values ($1, $2, 1, 'bench', 'readonly', 1, 2)";
const ROTATE: &str =
    "with old as (update floor_token set gone = 1 where id = $1 and hash = $2 and gone is null returning id),
    new as (insert into floor_token(id, hash, kind, client, scope, created, expires)
            values ($3, $4, 1, 'bench', 'readonly', 1, 2), ($5, $6, 2, 'bench', 'readonly', 1, 2))
    select count(*) from old";
const READ: &str = "select hash, expires, client, scope from floor_token where id = $1 and gone is null";

impl Postgres {
    /// Connects.
    pub async fn open(url: &str) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..4 {
            connections.push(connect(url).await.context("the floor's PostgreSQL")?);
        }
        Ok(Self(connections))
    }

    fn one(&self, id: i64) -> &One {
        &self.0[id as usize % self.0.len()]
    }

    /// Stores a row.
    pub async fn insert(&self, row: &Fresh) -> bool {
        let one = self.one(row.id);
        one.client.execute(&one.insert, &[&row.id, &row.hash.as_slice()]).await.is_ok()
    }

    /// Retires a row and stores two others; a row zero need not exist.
    pub async fn rotate(&self, old: (i64, [u8; 32]), new: [&Fresh; 2]) -> bool {
        let one = self.one(new[0].id / 2);
        let [first, second] = new;
        let (hash, hashes) = (old.1.as_slice(), [first.hash.as_slice(), second.hash.as_slice()]);
        let done = one
            .client
            .query_one(&one.rotate, &[&old.0, &hash, &first.id, &hashes[0], &second.id, &hashes[1]])
            .await;
        done.is_ok_and(|row| row.get::<_, i64>(0) == 1 || old.0 == 0)
    }

    /// The hash in a row.
    pub async fn read(&self, id: i64) -> Option<Vec<u8>> {
        let one = self.one(id);
        one.client.query_opt(&one.read, &[&id]).await.ok().flatten().map(|row| row.get(0))
    }
}

async fn connect(url: &str) -> Result<One> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(SCHEMA).await?;
    let insert = client.prepare(INSERT).await?;
    let rotate = client.prepare(ROTATE).await?;
    let read = client.prepare(READ).await?;
    Ok(One { client, insert, rotate, read })
}
