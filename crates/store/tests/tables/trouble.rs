//! PostgreSQL in trouble: whose fault it is, and that the tables of others take nothing from ours.

use std::time::Duration;

use ayb_store::db::{Db, DbOptions, Engine};
use ayb_store::tables::{Operation, TableError, TableOptions, Tables};
use serde_json::json;
use tokio::time::Instant;

use super::kit::{anybody, ask, cells, change, create, filtered, list, one, stocked};
use crate::kit::each_url;

async fn on_postgres(test: impl AsyncFn(&str, Db)) {
    each_url(async |url: &str| {
        let db = Db::open(url, DbOptions { max_connections: 4, ..DbOptions::default() }).await.unwrap();
        if db.engine() == Engine::Postgres {
            test(url, db).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_gone_is_our_trouble_and_not_a_wrong_value() {
    on_postgres(async |_, db| {
        let stocked = stocked(db.clone()).await;
        let role = Some("a_role_that_is_gone".to_owned());
        let tables = Tables::new(db, TableOptions { role, ..stocked.options().clone() });
        let ours = |outcome: &TableError| matches!(outcome, TableError::Store(_));
        assert!(ours(&list(&tables, "books", &ask()).await.unwrap_err()));
        let id = || vec!["1".to_owned()];
        assert!(ours(&tables.one(&anybody(), "books", &id(), None, &[]).await.unwrap_err()), "not 404");
        let update = Operation::Update { id: id(), cells: cells(&json!({"title": "x"})) };
        assert!(ours(&one(change(&tables, "books", vec![update]).await).unwrap_err()), "not 422");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_may_refuse_with_a_code_of_its_own() {
    on_postgres(async |_, db| {
        for statement in [
            "create table things (id integer primary key)",
            "create function no() returns trigger language plpgsql as
             $$ begin raise exception 'no' using errcode = 'MY001'; end $$",
            "create trigger no before insert on things for each row execute function no()",
        ] {
            db.execute(statement, vec![]).await.unwrap();
        }
        let tables = Tables::new(db, TableOptions { schema: "public".to_owned(), ..TableOptions::default() });
        let refused = create(&tables, "things", json!({"id": 1})).await.unwrap_err();
        assert!(matches!(refused, TableError::Value { .. }), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_questions_leave_connections_for_tokens() {
    on_postgres(async |_, db| {
        db.execute("create view slow as select 1 as id, pg_sleep(1)::text as text", vec![]).await.unwrap();
        let tables = Tables::new(
            db.clone(),
            TableOptions {
                schema: "public".to_owned(),
                views: vec!["slow".to_owned()],
                ..TableOptions::default()
            },
        );
        tables.schema().await.unwrap();
        let asked: Vec<_> = (0..8)
            .map(|_| {
                let tables = tables.clone();
                tokio::spawn(async move { list(&tables, "slow", &ask()).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = Instant::now();
        db.many("select 1", vec![]).await.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
        for answer in asked {
            answer.await.unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_values_asks_once() {
    on_postgres(async |_, db| {
        let tables = stocked(db).await;
        let many: Vec<String> = (0..400).map(|number| format!("'name {number}'")).collect();
        let within = filtered(&format!("author_id.name in ('Ada', {})", many.join(", ")));
        let found = list(&tables, "books", &within);
        assert_eq!(found.await.unwrap().len(), 2);
        let others = list(&tables, "books", &filtered("author_id.name not in ('Ada')")).await.unwrap();
        assert_eq!(others.len(), 2, "a book without an author is neither in nor out");
    })
    .await;
}
