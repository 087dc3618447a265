//! What one caller asks for stays so small that the others do not notice.

use std::time::Duration;

use ayb_store::db::{Db, Engine};
use ayb_store::tables::{ListAsk, Operation, TableError, TableOptions, Tables};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::kit::{ask, cells, change, create, filtered, library, list, one};
use crate::kit::each;

/// Runs `test` on SQLite after these statements.
async fn on_sqlite(script: &[&str], test: impl AsyncFn(Db, Tables)) {
    each(async |db: Db| {
        if db.engine() == Engine::Postgres {
            return;
        }
        for statement in script {
            db.execute(Box::leak((*statement).to_owned().into_boxed_str()), vec![]).await.unwrap();
        }
        test(db.clone(), Tables::new(db, TableOptions::default())).await;
    })
    .await;
}

fn id(number: i64) -> Vec<String> {
    vec![number.to_string()]
}

const NUMBERED: &[&str] = &[
    "create table numbered (id integer primary key AutoIncrement, t text)",
    "create table plain (id integer primary key, t text default 'no autoincrement' /* autoincrement */)",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_an_autoincrement_table_is_made_by_the_database_only() {
    on_sqlite(NUMBERED, async |_, tables| {
        let is_refused = |outcome: Result<_, TableError>| {
            assert!(
                matches!(&outcome, Err(TableError::Value { field: Some(field), .. }) if field == "id"),
                "{outcome:?}"
            );
        };
        is_refused(create(&tables, "numbered", json!({"id": i64::MAX})).await);
        assert_eq!(create(&tables, "numbered", json!({"t": "a"})).await.unwrap(), json!({"id": 1, "t": "a"}));
        let far = json!({"id": i64::MAX, "t": "b"});
        is_refused(one(change(
            &tables,
            "numbered",
            vec![Operation::Update { id: id(1), cells: cells(&far) }],
        )
        .await));
        is_refused(one(change(
            &tables,
            "numbered",
            vec![Operation::Replace { id: id(1), cells: cells(&far) }],
        )
        .await));
        // A row that was read may be sent back.
        let same = json!({"id": 1, "t": "b"});
        for operation in [
            Operation::Update { id: id(1), cells: cells(&same) },
            Operation::Replace { id: id(1), cells: cells(&same) },
        ] {
            assert_eq!(one(change(&tables, "numbered", vec![operation]).await).unwrap(), same);
        }
        assert_eq!(create(&tables, "numbered", json!({})).await.unwrap()["id"], 2);
        let schema = tables.schema().await.unwrap();
        let generated = |table: &str| schema.table(table).unwrap().column("id").unwrap().generated;
        assert!(generated("numbered") && !generated("plain"), "a word in a text is no declaration");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_has_no_number_left_takes_nobody_elses_write_along() {
    let last = ["insert into numbered (id) values (9223372036854775807)"];
    // Whoever changes a key does not move the counter along.
    let moved = ["insert into numbered (id) values (1)", "update numbered set id = 9223372036854775807"];
    // The counter stays when the row is gone.
    let gone = ["insert into numbered (id) values (9223372036854775807)", "delete from numbered"];
    for fill in [&last[..], &moved, &gone] {
        on_sqlite(&[NUMBERED, fill].concat(), async |_, tables| {
            let outcomes = join_all((0..100).map(async |number| {
                let full = create(&tables, "numbered", json!({"t": "x"})).await;
                let batch = vec![Operation::Create { cells: cells(&json!({"id": number})) }];
                (full, change(&tables, "plain", batch).await)
            }));
            for (full, other) in outcomes.await {
                assert!(matches!(full, Err(TableError::Conflict(_))), "{fill:?} {full:?}");
                assert!(other.is_ok(), "{fill:?} {other:?}");
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_finds_no_number_left_undoes_its_own_statement_only() {
    let script = [
        "create table trail (id integer primary key autoincrement, t text not null unique)",
        "create table watched (id integer primary key, t text not null)",
        "create trigger watching after insert on watched begin insert into trail (t) values (new.t); end",
        "insert into trail values (9223372036854775807, 'last')",
    ];
    on_sqlite(&[NUMBERED, &script].concat(), async |_, tables| {
        let outcomes = join_all((0..100).map(async |number| {
            let full = create(&tables, "watched", json!({"t": format!("{number}")})).await;
            (full, create(&tables, "plain", json!({"id": number})).await)
        }));
        for (full, other) in outcomes.await {
            assert!(full.is_err() && other.is_ok(), "{full:?} {other:?}");
        }
        assert_eq!(list(&tables, "watched", &ask()).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_counter_goes_on_behind_its_last_number() {
    on_sqlite(NUMBERED, async |_, tables| {
        create(&tables, "plain", json!({"id": i64::MAX})).await.unwrap();
        for _ in 0..20 {
            create(&tables, "plain", json!({})).await.unwrap();
        }
        assert_eq!(list(&tables, "plain", &ask()).await.unwrap().len(), 21);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_leads_to_a_table_that_could_spoil_a_commit_is_not_made() {
    let script = [
        // A deferred reference at the end of two cascades, the second with another spelling.
        "create table x (id integer primary key)",
        "create table y (id integer primary key, x_id integer references x (id) on delete cascade)",
        "create table z (id integer primary key, y_id integer references Y (id) on update set null
         deferrable initially deferred)",
        "create table above_x (id integer primary key, x_id integer)",
        "create trigger above after delete on above_x begin delete from \"X\" where id = old.x_id; end",
        // A trigger that leads to one that rolls back, by way of a view.
        "create table a (id integer primary key)",
        "create table b (id integer primary key)",
        "create view b_seen as select id from b",
        "create trigger b_no before insert on b begin select raise(rollback, 'no'); end",
        "create trigger b_by_view instead of insert on b_seen begin insert into b values (new.id); end",
        "create trigger a_to_b after insert on a begin insert into b_seen values (new.id); end",
        // What a delete sets off follows the table's own word about conflicts.
        "create table log (id integer primary key, n integer unique on conflict rollback)",
        "create table logged (id integer primary key, n integer)",
        "create trigger logging after delete on logged begin insert into log (n) values (old.n); end",
        // Nothing of this leads anywhere.
        "create table child (id integer primary key, x_id integer references x (id))",
        "create table calm (id integer primary key, t text default 'rollback')",
        "create table calmer (id integer primary key, c integer references calm (id) on delete cascade)",
        "create trigger calming after insert on calm begin update calm set t = 'deferred'; end",
    ];
    on_sqlite(&script, async |db, tables| {
        for table in ["x", "y", "z", "above_x", "a", "b", "logged"] {
            assert_eq!(create(&tables, table, json!({"id": 1})).await, Err(TableError::ReadOnly), "{table}");
        }
        for table in ["child", "calm", "calmer", "log"] {
            create(&tables, table, json!({"id": 1})).await.unwrap();
        }
        // What the operator does by other means is the operator's.
        db.execute("insert into x values (7)", vec![]).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_is_short() {
    each(async |db| {
        let tables = library(db).await;
        create(&tables, "authors", json!({"id": 1, "name": "*".repeat(200)})).await.unwrap();
        let long = "%_".repeat(2001);
        for filter in [
            format!("id = 1 and name like '{long}'"),
            format!("id = 1 and not (name ilike '{}')", "a".repeat(201)),
            vec![format!("name like '{}'", "b".repeat(200)); 6].join(" or "),
        ] {
            let refused = list(&tables, "authors", &filtered(&filter)).await;
            let place = match refused {
                Err(TableError::Query { parameter: "filter", position, .. }) => position,
                other => panic!("{other:?}"),
            };
            assert!(place.is_some_and(|place| place > 1), "{place:?} {filter}");
        }
        for pattern in ["*".repeat(200), "_".repeat(200), "*%".repeat(100)] {
            for word in ["like", "ilike"] {
                let found = list(&tables, "authors", &filtered(&format!("name {word} '{pattern}'"))).await;
                assert_eq!(found.unwrap().len(), 1, "{word} {pattern}");
            }
        }
        let search = ListAsk { search: Some("%".repeat(200)), ..ask() };
        assert_eq!(list(&tables, "authors", &search).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_waits_for_any_more_keeps_its_turn_until_it_ends() {
    on_sqlite(&[], async |db, _| {
        let long = "with recursive c (n) as (select 1 union all select n + 1 from c where n < 4000000)
            select count(*) from c";
        let start = Instant::now();
        db.many(long, vec![]).await.unwrap();
        let alone = start.elapsed();
        let left = (0..4).map(|_| timeout(Duration::from_millis(50), db.many(long, vec![])));
        assert!(join_all(left).await.iter().all(Result::is_err), "{alone:?} is too short");
        let start = Instant::now();
        db.many("select 1", vec![]).await.unwrap();
        assert!(start.elapsed() > alone / 3, "{:?} of {alone:?}", start.elapsed());
    })
    .await;
}

/// A text of so many megabytes.
fn text(megabytes: usize, of: &str) -> String {
    of.repeat(megabytes * 1024 * 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_rows_are_too_large_together_is_refused() {
    each(async |db| {
        let tables = library(db).await;
        for id in 1..=20 {
            create(&tables, "authors", json!({"id": id, "name": text(1, "x")})).await.unwrap();
        }
        let refused = list(&tables, "authors", &ask()).await;
        assert!(
            matches!(refused, Err(TableError::Query { parameter: "perPage", .. })),
            "{:?}",
            refused.err()
        );
        let fewer = ListAsk { per_page: 10, ..ask() };
        assert_eq!(list(&tables, "authors", &fewer).await.unwrap().len(), 10);
        let narrow = ListAsk { fields: Some(vec!["id".to_owned()]), ..ask() };
        assert_eq!(list(&tables, "authors", &narrow).await.unwrap().len(), 20);
        // What counts is the answer, in which a character may need six.
        for id in [30, 31] {
            create(&tables, "authors", json!({"id": id, "name": text(2, "\u{1}")})).await.unwrap();
        }
        let last = ListAsk { sort: vec!["-id".to_owned()], per_page: 2, ..ask() };
        let refused = list(&tables, "authors", &last).await;
        assert!(
            matches!(refused, Err(TableError::Query { parameter: "perPage", .. })),
            "{:?}",
            refused.err()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_rows_are_too_large_together_changes_nothing() {
    on_sqlite(&["create table texts (id integer primary key, t text)"], async |_, tables| {
        create(&tables, "texts", json!({"id": 1, "t": text(1, "x")})).await.unwrap();
        let read = || Operation::Update { id: id(1), cells: vec![] };
        let mut operations = vec![Operation::Create { cells: cells(&json!({"id": 2})) }];
        operations.extend((0..999).map(|_| read()));
        let refused = change(&tables, "texts", operations).await;
        let refused = refused.map(|written| written.len()).unwrap_err();
        assert_eq!(refused.index, Some(16), "{refused:?}");
        assert!(refused.error.to_string().starts_with("too large"), "{refused:?}");
        let fewer = ListAsk { fields: Some(vec!["id".to_owned()]), ..ask() };
        assert_eq!(list(&tables, "texts", &fewer).await.unwrap().len(), 1, "the first change is undone");
        assert_eq!(change(&tables, "texts", (0..15).map(|_| read()).collect()).await.unwrap().len(), 15);
    })
    .await;
}
