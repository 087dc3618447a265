//! PostgreSQL with nothing around it: few connections, many statements in flight.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use tokio_postgres::{Client, Statement};

use super::Fresh;
use super::notes::{Deed, POSTGRES};

/// A few connections with their statements.
pub struct Postgres(Vec<One>, AtomicUsize);

struct One {
    client: Client,
    insert: Statement,
    rotate: Statement,
    read: Statement,
    notes: Notes,
}

/// The statements about notes.
struct Notes {
    read: Statement,
    list: Statement,
    filtered: Statement,
    create: Statement,
    update: Statement,
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
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(POSTGRES.schema).await.context("the floor's notes")?;
        let mut connections = Vec::new();
        for _ in 0..4 {
            connections.push(connect(url).await.context("the floor's PostgreSQL")?);
        }
        Ok(Self(connections, AtomicUsize::new(0)))
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

impl Postgres {
    /// Reads or writes notes; what came of it, as JSON.
    pub async fn note(&self, deed: Deed) -> Option<String> {
        let turn = self.1.fetch_add(1, Ordering::Relaxed);
        let One { client, notes, .. } = &self.0[turn % self.0.len()];
        let row = match &deed {
            Deed::Read(id) => client.query_opt(&notes.read, &[id]).await,
            Deed::List => client.query_opt(&notes.list, &[]).await,
            Deed::Filtered(n) => client.query_opt(&notes.filtered, &[n]).await,
            Deed::Create(draft) => {
                client.query_opt(&notes.create, &[&draft.title, &draft.body, &draft.n]).await
            }
            Deed::Update(id, title) => client.query_opt(&notes.update, &[id, title]).await,
        };
        row.ok().flatten()?.get(0)
    }
}

async fn connect(url: &str) -> Result<One> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(SCHEMA).await?;
    let insert = client.prepare(INSERT).await?;
    let rotate = client.prepare(ROTATE).await?;
    let read = client.prepare(READ).await?;
    let notes = Notes {
        read: client.prepare(POSTGRES.read).await?,
        list: client.prepare(POSTGRES.list).await?,
        filtered: client.prepare(POSTGRES.filtered).await?,
        create: client.prepare(POSTGRES.create).await?,
        update: client.prepare(POSTGRES.update).await?,
    };
    Ok(One { client, insert, rotate, read, notes })
}
