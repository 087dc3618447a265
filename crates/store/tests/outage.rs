//! PostgreSQL goes away and comes back.

use std::time::Duration;

use ayb_store::db::{Db, DbOptions};
use ayb_store::error::StoreError;
use ayb_testkit::cluster::Cluster;
use futures_util::future::join_all;

const INSERT: &str = "insert into items (id) values ($1)";
const HAS: &str = "select id from items where id = $1";

async fn start() -> Option<(Cluster, Db)> {
    let Some(cluster) = Cluster::start("") else {
        // Says why, or fails where nothing may be missing.
        assert!(ayb_testkit::postgres().await.is_none());
        return None;
    };
    let options = DbOptions { deadline: Duration::from_secs(3), ..DbOptions::default() };
    let db = Db::open(&cluster.url("postgres"), options).await.unwrap();
    db.execute("create table items (id bigint primary key)", vec![]).await.unwrap();
    Some((cluster, db))
}

fn unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

async fn insert(db: &Db, id: i64) -> Result<(), StoreError> {
    db.transaction("insert", id, |tx, id| Box::pin(tx.apply(vec![(INSERT, vec![(*id).into()])]))).await
}

/// Retries until the database answers again; the pause after a failed attempt is part of the product.
async fn until_back(db: &Db) {
    let back = async {
        while db.one(HAS, &[0.into()]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.expect("the database is back");
}

/// A session that may write whatever the database says, to be the operator's.
async fn operator(cluster: &Cluster) -> Db {
    let url = cluster.url("postgres");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20default_transaction_read_only%3Doff");
    Db::open(&url, DbOptions::default()).await.unwrap()
}

const OFF: &str = "alter database postgres set default_transaction_read_only = on";
const ON: &str = "alter database postgres set default_transaction_read_only = off";
/// Ends every session but the one that asks.
const END: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where application_name like 'ayb%' and pid <> pg_backend_pid()";

/// Providers of databases switch writes off when a disk is full, and a connection to what has become a standby looks the same.
/// A session keeps what it began with, so that only new ones see that writes are back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_began_without_writes_are_given_up() {
    let Some((cluster, db)) = start().await else { return };
    let operator = operator(&cluster).await;
    let mut id = 0;
    for _ in 0..2 {
        operator.execute(OFF, vec![]).await.unwrap();
        operator.one(END, &[]).await.unwrap();
        let refused = async {
            while !unavailable(&db.execute(INSERT, vec![(-1).into()]).await) {
                tokio::task::yield_now().await;
            }
            insert(&db, -2).await.unwrap_err();
        };
        tokio::time::timeout(Duration::from_secs(20), refused).await.expect("nothing is written");
        while operator.execute(ON, vec![]).await.is_err() {
            tokio::task::yield_now().await;
        }
        for way in ["statement", "transaction"] {
            id += 1;
            let back = async {
                while match way {
                    "statement" => db.execute(INSERT, vec![id.into()]).await.is_err(),
                    _ => insert(&db, id).await.is_err(),
                } {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), back).await.expect(way);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_database_is_unavailable_and_recovers_by_itself() {
    let Some((cluster, db)) = start().await else { return };
    insert(&db, 1).await.unwrap();
    // Several connections lie idle when the server goes.
    let lists = join_all((0..4).map(|_| db.many(HAS, vec![1.into()]))).await;
    assert!(lists.iter().all(Result::is_ok));
    db.many(HAS, vec![1.into()]).await.unwrap();
    for round in 0..2_i64 {
        cluster.stop();
        assert!(unavailable(&db.one(HAS, &[1.into()]).await));
        assert!(unavailable(&db.many(HAS, vec![1.into()]).await));
        assert!(unavailable(&db.execute(INSERT, vec![2.into()]).await));
        assert!(unavailable(&insert(&db, 3).await));
        cluster.restart();
        until_back(&db).await;
        let lists = join_all((0..4).map(|_| db.many(HAS, vec![1.into()]))).await;
        assert!(lists.iter().all(Result::is_ok));
        assert!(db.one(HAS, &[1.into()]).await.unwrap().is_some());
        db.execute(INSERT, vec![(10 + round).into()]).await.unwrap();
        insert(&db, 20 + round).await.unwrap();
        assert!(db.one(HAS, &[2.into()]).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_the_server_crashes() {
    let Some((cluster, db)) = start().await else { return };
    let writers: Vec<_> = (0..8_i64)
        .map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for id in (writer..).step_by(8) {
                    let written = match id % 16 < 8 {
                        true => db.execute(INSERT, vec![id.into()]).await.map(|_| ()),
                        false => insert(&db, id).await,
                    };
                    match written {
                        Ok(()) => acknowledged.push(id),
                        Err(StoreError::Unavailable { .. }) => return acknowledged,
                        Err(error) => panic!("{error}"),
                    }
                }
                acknowledged
            })
        })
        .collect();
    let busy = async {
        while db.one(HAS, &[400.into()]).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), busy).await.expect("writers are at work");
    cluster.crash();
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    cluster.restart();
    until_back(&db).await;
    assert!(acknowledged.len() > 100);
    for id in acknowledged {
        assert!(db.one(HAS, &[id.into()]).await.unwrap().is_some(), "{id} was acknowledged and is lost");
    }
}
