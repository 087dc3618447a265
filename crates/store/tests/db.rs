//! The facade: values, errors, transactions, group commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ayb_protocol::time::Timestamp;
use ayb_store::db::{Db, DbOptions, Engine, Tx, Value};
use ayb_store::error::StoreError;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::kit::{each, each_url, open};

const COUNT: &str = "select count(*) from items";
const INSERT: &str = "insert into items (id, n) values ($1, $2)";
const LOCK: &str = "select n from items where id = $1 for update";
const UPDATE: &str = "update items set n = $2 where id = $1";

async fn items(db: &Db) {
    let table = match db.engine() {
        Engine::Sqlite => {
            "create table items (id integer primary key, n integer not null check (n >= 0)) strict"
        }
        Engine::Postgres => "create table items (id bigint primary key, n bigint not null check (n >= 0))",
    };
    db.execute(table, vec![]).await.unwrap();
}

async fn count(db: &Db) -> i64 {
    db.one(COUNT, &[]).await.unwrap().unwrap().int(0).unwrap()
}

async fn samples(db: &Db) {
    let table = match db.engine() {
        Engine::Sqlite => {
            "create table samples (id integer primary key, small integer, flag integer, words text, doc text, key blob,
             at integer, list text, raw blob) strict"
        }
        Engine::Postgres => {
            "create table samples (id bigint primary key, small integer, flag boolean, words varchar, doc jsonb,
             key uuid, at timestamptz, list text[], raw bytea)"
        }
    };
    db.execute(table, vec![]).await.unwrap();
}

const PUT: &str = "insert into samples (id, small, flag, words, doc, key, at, list, raw)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const TAKE: &str = "select small, flag, words, doc, key, at, list, raw from samples where id = $1";

#[tokio::test]
async fn values_come_back_as_they_went() {
    let texts = ["", "plain", "quote ' and \" and \\", "zażółć \u{1F600} \u{202e}", "{a,b}", "NULL", "[]"];
    let lists = [vec![], vec![""], vec!["a,b", "{x}", "\"", "null", "zażółć"], vec!["same", "same"]];
    let times = [0, 1, -1, -1500, 1_763_700_000_123, 253_402_300_799_999];
    let numbers = [0, -1, i64::from(i32::MAX), i64::from(i32::MIN)];
    each(async |db: Db| {
        samples(&db).await;
        for round in 0..8_i64 {
            let at = |length: usize| usize::try_from(round).unwrap() % length;
            let (text, list) = (texts[at(texts.len())], &lists[at(lists.len())]);
            let list: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
            let (time, number) = (times[at(times.len())], numbers[at(numbers.len())]);
            let key = Uuid::from_u128(u128::MAX / 3 * u128::from(round.unsigned_abs() % 4));
            let raw = vec![0, 255, u8::try_from(round).unwrap()];
            let row = vec![
                round.into(),
                number.into(),
                (round % 2 == 0).into(),
                text.into(),
                "{\"a\": [1]}".into(),
                key.into(),
                Timestamp::from_millis(time).into(),
                list.clone().into(),
                raw.clone().into(),
            ];
            assert_eq!(db.execute(PUT, row).await.unwrap(), 1);
            let row = db.one(TAKE, &[round.into()]).await.unwrap().unwrap();
            assert_eq!(row.int(0).unwrap(), number);
            assert_eq!(row.bool(1).unwrap(), round % 2 == 0);
            assert_eq!(row.text(2).unwrap(), text);
            assert_eq!(row.text(3).unwrap(), "{\"a\": [1]}");
            assert_eq!(row.uuid(4).unwrap(), key);
            assert_eq!(row.time(5).unwrap().as_millis(), time);
            assert_eq!(row.list(6).unwrap(), list);
            assert_eq!(row.bytes(7).unwrap(), raw);
        }
    })
    .await;
}

#[tokio::test]
async fn null_comes_back_as_null_and_is_corrupt_where_none_is_expected() {
    each(async |db: Db| {
        samples(&db).await;
        let mut row = vec![Value::Null; 9];
        row[0] = 1_i64.into();
        db.execute(PUT, row).await.unwrap();
        let row = db.one(TAKE, &[1_i64.into()]).await.unwrap().unwrap();
        assert_eq!(row.opt_int(0).unwrap(), None);
        assert_eq!(row.opt_bool(1).unwrap(), None);
        assert_eq!(row.opt_text(2).unwrap(), None);
        assert_eq!(row.opt_text(3).unwrap(), None);
        assert_eq!(row.opt_uuid(4).unwrap(), None);
        assert_eq!(row.opt_time(5).unwrap(), None);
        assert_eq!(row.opt_list(6).unwrap(), None);
        assert_eq!(row.opt_bytes(7).unwrap(), None);
        assert_eq!(row.list(6), Err(StoreError::corrupt("column 6 is null")));
    })
    .await;
}

#[tokio::test]
async fn a_value_of_another_type_is_corrupt_and_never_converted() {
    each(async |db: Db| {
        samples(&db).await;
        let row = [1.into(), 2.into(), true.into(), "no list".into(), "{}".into()];
        let mut row = row.to_vec();
        row.resize(9, Value::Null);
        db.execute(PUT, row).await.unwrap();
        let row = db.one(TAKE, &[1_i64.into()]).await.unwrap().unwrap();
        assert_eq!(row.text(0), Err(StoreError::corrupt("column 0 is not text")));
        for refused in
            [row.uuid(2).err(), row.time(2).err(), row.list(2).err(), row.bool(0).err(), row.int(9).err()]
        {
            assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn parameters_are_bound_by_their_numbers() {
    each(async |db: Db| {
        items(&db).await;
        let swapped = "insert into items (n, id) values ($2, $1)";
        assert_eq!(db.execute(swapped, vec![7.into(), 70.into()]).await.unwrap(), 1);
        let twice = "select id from items where n = $2 and id = $1 and id <= $1";
        let row = db.one(twice, &[7.into(), 70.into()]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 7);
        let missing = db.one(twice, &[7.into()]).await.err();
        assert!(matches!(missing, Some(StoreError::Unavailable { .. })), "{missing:?}");
    })
    .await;
}

#[tokio::test]
async fn errors_have_the_same_names_on_both_databases() {
    each(async |db: Db| {
        items(&db).await;
        let tables = match db.engine() {
            Engine::Sqlite => [
                "create table parents (id integer primary key, a text, b text, unique (a, b)) strict",
                "create table children (id integer primary key references parents (id)) strict",
            ],
            Engine::Postgres => [
                "create table parents (id bigint primary key, a text, b text, unique (a, b))",
                "create table children (id bigint primary key references parents (id))",
            ],
        };
        for table in tables {
            db.execute(table, vec![]).await.unwrap();
        }
        let insert = "insert into parents (id, a, b) values ($1, $2, $3)";
        db.execute(insert, vec![1.into(), "x".into(), "y".into()]).await.unwrap();
        let duplicate = |constraint: &str| Err(StoreError::Duplicate { constraint: constraint.to_owned() });
        let same_key = db.execute(insert, vec![1.into(), "x".into(), "z".into()]).await;
        assert_eq!(same_key, duplicate("parents_pkey"));
        let same_pair = db.execute(insert, vec![2.into(), "x".into(), "y".into()]).await;
        assert_eq!(same_pair, duplicate("parents_a_b_key"));
        let orphan = db.execute("insert into children (id) values ($1)", vec![9.into()]).await;
        assert_eq!(orphan, Err(StoreError::ForeignKey));
        db.execute("insert into children (id) values ($1)", vec![1.into()]).await.unwrap();
        let needed = db.execute("delete from parents where id = $1", vec![1.into()]).await;
        assert_eq!(needed, Err(StoreError::ForeignKey));
        let check = db.execute(INSERT, vec![1.into(), (-1).into()]).await;
        assert!(matches!(check, Err(StoreError::Check { .. })), "{check:?}");
        let null = db.execute(INSERT, vec![1.into(), Value::Null]).await;
        assert_eq!(null, Err(StoreError::Check { constraint: constraint_of_null(&db).to_owned() }));
        let nonsense = db.execute("insert into nowhere (id) values ($1)", vec![1.into()]).await;
        assert!(matches!(nonsense, Err(StoreError::Unavailable { .. })), "{nonsense:?}");
    })
    .await;
}

fn constraint_of_null(db: &Db) -> &'static str {
    match db.engine() {
        Engine::Sqlite => "items.n",
        Engine::Postgres => "n",
    }
}

#[tokio::test]
async fn an_answered_write_is_seen_by_every_other_connection() {
    each_url(async |url: &str| {
        let (db, other) = (open(url).await, open(url).await);
        items(&db).await;
        for id in 0..20_i64 {
            db.execute(INSERT, vec![id.into(), 0.into()]).await.unwrap();
            assert_eq!(count(&other).await, id + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn of_rows_that_are_added_together_only_the_faulty_ones_are_refused() {
    each(async |db: Db| {
        items(&db).await;
        db.append(INSERT, vec![7.into(), 0.into()]).await.unwrap();
        for round in 0..3_i64 {
            let numbers = (0..100_i64).map(|number| number + 100 * round);
            let rows = numbers.map(|id| {
                let (id, n) =
                    if id % 50 == 13 { (7, 0) } else { (id + 1000, if id % 50 == 14 { -1 } else { 0 }) };
                db.append(INSERT, vec![id.into(), n.into()])
            });
            let outcomes = join_all(rows).await;
            let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
            let duplicates = refused.iter().filter(|error| matches!(error, StoreError::Duplicate { .. }));
            let checks = refused.iter().filter(|error| matches!(error, StoreError::Check { .. }));
            assert_eq!((refused.len(), duplicates.count(), checks.count()), (4, 2, 2), "{refused:?}");
            assert!(outcomes.iter().flatten().all(|added| *added == 1));
            assert_eq!(count(&db).await, 1 + 96 * (round + 1));
        }
    })
    .await;
}

#[tokio::test]
async fn returning_answers_from_inside_the_write() {
    each(async |db: Db| {
        items(&db).await;
        db.execute(INSERT, vec![1.into(), 10.into()]).await.unwrap();
        let add = "update items set n = n + $2 where id = $1 returning n";
        let row = db.execute_returning(add, vec![1.into(), 5.into()]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 15);
        assert!(db.execute_returning(add, vec![2.into(), 5.into()]).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_failing_transaction_rolls_back_alone() {
    each(async |db: Db| {
        items(&db).await;
        let one = |id: i64| {
            let db = db.clone();
            tokio::spawn(async move {
                db.transaction("insert", id, |tx, id| {
                    Box::pin(async move {
                        tx.execute(INSERT, &[(*id).into(), 0.into()]).await?;
                        tx.apply(vec![(INSERT, vec![(id + 1000).into(), 0.into()])]).await?;
                        if id % 2 == 0 { Err(StoreError::corrupt("on purpose")) } else { Ok(()) }
                    })
                })
                .await
            })
        };
        for (id, outcome) in join_all((0..100).map(one)).await.into_iter().enumerate() {
            assert_eq!(outcome.unwrap().is_err(), id % 2 == 0, "{id}");
        }
        assert_eq!(count(&db).await, 100);
    })
    .await;
}

async fn insert_twice(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(INSERT, &[1.into(), 0.into()]).await?;
    // Forgotten on purpose: PostgreSQL would refuse to commit, so nobody may.
    let _forgotten = tx.execute(INSERT, &[1.into(), 0.into()]).await;
    Ok(())
}

#[tokio::test]
async fn a_forgotten_failure_commits_nothing() {
    each(async |db: Db| {
        items(&db).await;
        let outcome = db.transaction("twice", (), |tx, ()| Box::pin(insert_twice(tx))).await;
        assert_eq!(outcome, Err(StoreError::Duplicate { constraint: "items_pkey".to_owned() }));
        assert_eq!(count(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_failure_among_the_last_writes_is_the_answer_and_commits_nothing() {
    each(async |db: Db| {
        items(&db).await;
        let twice = || (INSERT, vec![Value::from(1), Value::from(0)]);
        let apply = db.transaction("apply", (), move |tx, ()| Box::pin(tx.apply(vec![twice(), twice()])));
        assert_eq!(apply.await, Err(StoreError::Duplicate { constraint: "items_pkey".to_owned() }));
        assert_eq!(count(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_locked_read_lets_nobody_in_between() {
    each(async |db: Db| {
        items(&db).await;
        db.execute(INSERT, vec![1.into(), 0.into()]).await.unwrap();
        let increment = |_| {
            let db = db.clone();
            tokio::spawn(async move {
                db.transaction("increment", 1_i64, |tx, id| {
                    Box::pin(async move {
                        let Some(row) = tx.lock_opt(LOCK, &[(*id).into()]).await? else { return Ok(0) };
                        let next = row.int(0)? + 1;
                        tx.apply(vec![(UPDATE, vec![(*id).into(), next.into()])]).await?;
                        Ok(next)
                    })
                })
                .await
            })
        };
        let mut seen: Vec<i64> = join_all((0..50).map(increment))
            .await
            .into_iter()
            .map(|outcome| outcome.unwrap().unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=50).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test]
async fn transactions_that_lock_each_other_run_again_until_both_are_done() {
    each(async |db: Db| {
        items(&db).await;
        for id in [1, 2] {
            db.execute(INSERT, vec![id.into(), 0.into()]).await.unwrap();
        }
        let runs = Arc::new(AtomicU32::new(0));
        let both = |first: i64, second: i64| {
            let (db, ask) = (db.clone(), (first, second, Arc::clone(&runs)));
            async move {
                db.transaction("both", ask, |tx, (first, second, runs)| {
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::Relaxed);
                        for id in [first, second] {
                            tx.execute("update items set n = n + 1 where id = $1", &[(*id).into()]).await?;
                        }
                        Ok(())
                    })
                })
                .await
            }
        };
        for _ in 0..10 {
            let outcomes = tokio::join!(both(1, 2), both(2, 1));
            assert_eq!(outcomes, (Ok(()), Ok(())));
        }
        let sum = db.one("select n from items where id = $1", &[1.into()]).await.unwrap().unwrap();
        assert_eq!(sum.int(0).unwrap(), 20);
        assert!(runs.load(Ordering::Relaxed) >= 20);
    })
    .await;
}

#[tokio::test]
async fn lists_take_text_that_is_made_for_them() {
    each(async |db: Db| {
        items(&db).await;
        for id in 0..5_i64 {
            db.execute(INSERT, vec![id.into(), (id * id).into()]).await.unwrap();
        }
        let sql = format!("select id from items where n > $1 order by {} desc limit $2", "id");
        let rows = db.many(sql, vec![1.into(), 2.into()]).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert_eq!(ids, [4, 3]);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_transaction_leaves_nothing_and_its_connection_serves_the_next() {
    let Some(database) = ayb_testkit::postgres().await else { return };
    let options = DbOptions { max_connections: 1, ..DbOptions::default() };
    let db = Db::open(&database.url, options).await.unwrap();
    items(&db).await;
    let (inside, reached) = tokio::sync::mpsc::unbounded_channel();
    let mut reached = reached;
    let stuck = db.transaction("stuck", inside, |tx, inside| {
        Box::pin(async move {
            tx.execute(INSERT, &[1.into(), 0.into()]).await?;
            inside.send(()).map_err(|_| StoreError::corrupt("nobody listens"))?;
            std::future::pending().await
        })
    });
    tokio::select! {
        outcome = stuck => { let () = outcome.unwrap(); }
        _ = reached.recv() => {}
    }
    let next = db.transaction("next", (), |tx, ()| Box::pin(tx.one(COUNT, &[])));
    assert_eq!(next.await.unwrap().unwrap().int(0).unwrap(), 0);
}

#[tokio::test]
async fn connections_are_there_from_the_start_and_stay() {
    let Some(database) = ayb_testkit::postgres().await else { return };
    let here = "select count(*) from pg_stat_activity where application_name like 'ayb%' and datname = current_database()";
    for (least, open) in [(0, "1"), (1, "1"), (3, "3"), (4, "4"), (7, "7"), (100, "12")] {
        let options = DbOptions { min_connections: least, ..DbOptions::default() };
        let db = Db::open(&database.url, options).await.unwrap();
        assert_eq!(database.rows(here).await, [[Some(open.to_owned())]], "at least {least}");
        db.many("select 1", vec![]).await.unwrap();
        if least > 4 {
            assert_eq!(database.rows(here).await, [[Some(open.to_owned())]], "a list used one of them");
        }
        drop(db);
        let gone = async || database.rows(here).await == [[Some("0".to_owned())]];
        while !gone().await {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_body_does_not_stop_the_writer() {
    let database = ayb_testkit::sqlite();
    let db = open(&database.url).await;
    items(&db).await;
    let outcome = db.transaction("panic", (), |tx, ()| {
        Box::pin(async move {
            tx.execute(INSERT, &[1.into(), 0.into()]).await?;
            assert!(tx.one(COUNT, &[]).await?.is_none(), "on purpose");
            Ok(())
        })
    });
    let error = outcome.await.unwrap_err().to_string();
    assert!(error.contains("transaction panic panicked: on purpose"), "{error}");
    assert_eq!(count(&db).await, 0);
    db.execute(INSERT, vec![1.into(), 0.into()]).await.unwrap();
}

#[tokio::test]
async fn a_body_that_waits_for_something_else_is_refused() {
    let database = ayb_testkit::sqlite();
    let db = open(&database.url).await;
    items(&db).await;
    let outcome = db.transaction("wait", (), |tx, ()| {
        Box::pin(async move {
            tx.execute(INSERT, &[1.into(), 0.into()]).await?;
            tokio::task::yield_now().await;
            Ok(())
        })
    });
    assert!(matches!(outcome.await, Err(StoreError::Unavailable { .. })));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn a_full_queue_waits_and_gives_up_at_the_deadline() {
    let database = ayb_testkit::sqlite();
    let options = DbOptions { queue: 1, deadline: Duration::from_millis(50), ..DbOptions::default() };
    let db = Db::open(&database.url, options).await.unwrap();
    items(&db).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (inside, mut reached) = tokio::sync::mpsc::unbounded_channel();
    let ask = (std::sync::Mutex::new(held), inside);
    let slow = tokio::spawn({
        let db = db.clone();
        async move {
            db.transaction("slow", ask, |_, (held, inside)| {
                Box::pin(async move {
                    inside.send(()).map_err(|_| StoreError::corrupt("nobody listens"))?;
                    held.lock().unwrap().recv().map_err(|_| StoreError::corrupt("nobody released"))
                })
            })
            .await
        }
    });
    reached.recv().await.unwrap();
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { db.execute(INSERT, vec![1.into(), 0.into()]).await }
    });
    tokio::task::yield_now().await;
    let refused = db.execute(INSERT, vec![2.into(), 0.into()]).await.unwrap_err().to_string();
    assert!(refused.contains("queue"), "{refused}");
    release.send(()).unwrap();
    slow.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(1));
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn two_programs_may_write_to_one_file() {
    let database = ayb_testkit::sqlite();
    let (server, command) = (open(&database.url).await, open(&database.url).await);
    items(&server).await;
    let writes = (0..200_i64).map(|id| {
        let db = if id % 2 == 0 { server.clone() } else { command.clone() };
        tokio::spawn(async move { db.execute(INSERT, vec![id.into(), 0.into()]).await })
    });
    for outcome in join_all(writes).await {
        assert_eq!(outcome.unwrap(), Ok(1));
    }
    assert_eq!(count(&server).await, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let database = ayb_testkit::sqlite();
    let db = open(&database.url).await;
    items(&db).await;
    let path = database.url.strip_prefix("sqlite://").unwrap();
    for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let options = || DbOptions { deadline: Duration::from_secs(2), ..DbOptions::default() };
    let missing = format!("sqlite://{}/missing/ayb.db", folder.path().display());
    let not_a_database = folder.path().join("text.db");
    std::fs::write(&not_a_database, "just some text that is longer than a header ".repeat(40)).unwrap();
    let text = format!("sqlite://{}", not_a_database.display());
    let nobody = format!("postgres:///db?host={}&user=ayb", folder.path().display());
    for url in
        [&missing, &text, &nobody, "mysql://h/db", "sqlite://", "postgres://127.0.0.1:1/db?user=ayb", ""]
    {
        let refused = Db::open(url, options()).await.err();
        assert!(matches!(refused, Some(StoreError::Unavailable { .. })), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_relative_path_starts_in_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = DbOptions { data_dir: Some(folder.path().to_owned()), ..DbOptions::default() };
    let db = Db::open("sqlite://ayb.db", options).await.unwrap();
    items(&db).await;
    assert!(folder.path().join("ayb.db").exists());
}
