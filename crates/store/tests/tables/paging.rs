use ayb_store::db::Engine;
use ayb_store::tables::{ListAsk, MAX_OFFSET, TableError, Tables};
use serde_json::{Value, json};

use super::kit::{anybody, ask, create, filtered, library, list, rows, stocked, words};
use crate::kit::each;

/// Walks a list by its cursors.
async fn walk(tables: &Tables, table: &str, mut ask: ListAsk) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..100 {
        let listing = tables.list(&anybody(), table, &ask).await.unwrap();
        assert!(listing.items.len() <= ask.per_page as usize);
        found.extend(rows(&listing));
        let Some(next) = listing.next else { return found };
        ask.cursor = Some(next);
    }
    panic!("a list without an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_show_every_row_once_in_every_order() {
    let orders = [
        "",
        "-id",
        "title",
        "-title",
        "pages",
        "-pages",
        "lent,-pages",
        "-price,title",
        "author_id,pages,-id",
    ];
    each(async |db| {
        let tables = stocked(db).await;
        for order in orders {
            let whole = list(&tables, "books", &ListAsk { sort: words(order), ..ask() }).await.unwrap();
            assert_eq!(whole.len(), 5);
            for per_page in 1..=5 {
                let ask = ListAsk { sort: words(order), per_page, ..ask() };
                assert_eq!(walk(&tables, "books", ask).await, whole, "{order} by {per_page}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_cursors_keep_to_the_filter() {
    each(async |db| {
        let tables = stocked(db).await;
        let ask = ListAsk { per_page: 1, ..filtered("pages = 300") };
        let found = walk(&tables, "books", ask.clone()).await;
        assert_eq!(found.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), [2, 4]);
        let listing =
            tables.list(&anybody(), "books", &ListAsk { page: 2, count: true, ..ask }).await.unwrap();
        assert_eq!((listing.total, rows(&listing)[0]["id"].as_i64(), listing.next), (Some(2), Some(4), None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cursor_is_refused_or_shows_what_a_filter_could() {
    use ayb_protocol::jose::base64url::encode;
    each(async |db| {
        let tables = stocked(db).await;
        let with = |cursor: String| ListAsk { cursor: Some(cursor), ..ask() };
        let forged = [
            String::new(),
            "x".to_owned(),
            "!!!".to_owned(),
            "A".repeat(20_000),
            encode("[]"),
            encode("[\"books<id\"]"),
            encode("[\"books<id\", []]"),
            encode("[\"books<id\", [null]]"),
            encode("[\"books<id\", [[1]]]"),
            encode("[\"books<id\", [true]]"),
            encode("[\"books<id\", [{\"r\": \"NaN\"}]]"),
            encode("[\"books<id\", [{\"x\": \"zz\"}]]"),
            encode("[\"books<id\", [\"a\\u0000\"]]"),
            encode("[\"books<id\", [1, 2]]"),
            encode("[\"authors<id\", [1]]"),
            encode("[\"books>id\", [1]]"),
            encode("[".repeat(5000)),
        ];
        for cursor in forged {
            let outcome = tables.list(&anybody(), "books", &with(cursor.clone())).await;
            assert!(
                matches!(outcome, Err(TableError::Query { parameter: "cursor", .. })),
                "{cursor}: {outcome:?}"
            );
        }
        for cursor in
            [encode("[\"books<id\", [\"abc\"]]"), encode("[\"books<id\", [\"9999999999999999999\"]]")]
        {
            match tables.list(&anybody(), "books", &with(cursor)).await {
                Ok(listing) => assert!(listing.items.is_empty()),
                Err(error) => {
                    assert!(matches!(error, TableError::Query { parameter: "cursor", .. }), "{error:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_too_far_is_refused_and_the_last_one_is_empty() {
    each(async |db| {
        let tables = stocked(db).await;
        let page = |page, per_page| ListAsk { page, per_page, ..ask() };
        assert!(list(&tables, "books", &page(200, 500)).await.unwrap().is_empty());
        let error = list(&tables, "books", &page(u32::MAX, 500)).await.unwrap_err();
        assert!(matches!(error, TableError::Query { parameter: "page", .. }));
        assert!(u64::from(page(200, 500).page - 1) * 500 <= MAX_OFFSET);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_expansions_are_what_was_asked_for() {
    each(async |db| {
        let tables = stocked(db).await;
        let expand = |text: &str| vec![text.split('.').map(str::to_owned).collect::<Vec<_>>()];
        let ask = ListAsk {
            fields: Some(words("title,id,id")),
            expand: expand("author_id"),
            ..filtered("id in (1, 4)")
        };
        let found = list(&tables, "books", &ask).await.unwrap();
        let ada = json!({"id": 1, "name": "Ada", "born": null});
        assert_eq!(found[0], json!({"title": "Alpha", "id": 1, "expand": {"author_id": ada}}));
        assert_eq!(found[1], json!({"title": "delta", "id": 4, "expand": {"author_id": null}}));
        let row =
            tables.one(&anybody(), "books", &["2".to_owned()], None, &expand("author_id")).await.unwrap();
        let row: Value = serde_json::from_str(&row).unwrap();
        assert_eq!((&row["title"], &row["expand"]["author_id"]), (&json!("beta 100%"), &ada));
        for wrong in ["title", "nope", "author_id.name", "a.b.c.d"] {
            let error = list(&tables, "books", &ListAsk { expand: expand(wrong), ..super::kit::ask() }).await;
            assert!(matches!(error, Err(TableError::Query { parameter: "expand", .. })), "{wrong}");
        }
        let wrong = ListAsk { fields: Some(words("nope")), ..super::kit::ask() };
        assert!(matches!(
            list(&tables, "books", &wrong).await,
            Err(TableError::Query { parameter: "fields", .. })
        ));
        let none = ListAsk { fields: Some(vec![]), ..filtered("id = 1") };
        assert_eq!(list(&tables, "books", &none).await.unwrap(), [json!({})]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_in_the_order_of_a_key_read_an_index_from_the_right_place() {
    each(async |db| {
        let (engine, tables_db) = (db.engine(), db.clone());
        let tables = library(db).await;
        for id in 1..=50 {
            create(&tables, "authors", json!({"id": id, "name": format!("n{id}")})).await.unwrap();
        }
        let first = ListAsk { per_page: 10, ..ask() };
        let next = tables.list(&anybody(), "authors", &first).await.unwrap().next;
        for ask in [
            first.clone(),
            ListAsk { cursor: next, ..first.clone() },
            ListAsk { sort: words("-id"), ..first },
        ] {
            let plan = tables.explain(&anybody(), "authors", &ask).await.unwrap();
            let (sorts, seeks) = match engine {
                Engine::Sqlite => (plan.contains("TEMP B-TREE"), plan.contains("SEARCH")),
                Engine::Postgres => (plan.contains("Sort"), plan.contains("Index Cond")),
            };
            assert!(!sorts, "{plan}");
            assert_eq!(seeks, ask.cursor.is_some(), "{plan}");
        }
        let statements = [
            "create table events (id integer primary key, owner text not null, at integer not null)",
            "create index events_at on events (at, id)",
        ];
        for statement in statements {
            tables_db.execute(statement, vec![]).await.unwrap();
        }
        let tables = ayb_store::tables::Tables::new(tables_db, tables.options().clone());
        for id in 1..=50 {
            create(&tables, "events", json!({"id": id, "owner": "a", "at": id % 7})).await.unwrap();
        }
        for order in ["at", "-at"] {
            let first = ListAsk { sort: words(order), per_page: 10, ..super::kit::ask() };
            let next = tables.list(&anybody(), "events", &first).await.unwrap().next;
            let plan =
                tables.explain(&anybody(), "events", &ListAsk { cursor: next, ..first }).await.unwrap();
            let (sorts, seeks) = match engine {
                Engine::Sqlite => (plan.contains("TEMP B-TREE"), plan.contains("SEARCH")),
                Engine::Postgres => (plan.contains("Sort"), plan.contains("Index Cond")),
            };
            assert!(!sorts && seeks, "{order}: {plan}");
        }
    })
    .await;
}
