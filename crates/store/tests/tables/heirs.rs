//! Tables of PostgreSQL that inherit from one another: keys and references hold for the rows of one of them.

use ayb_store::db::Engine;
use ayb_store::tables::{ListAsk, Operation, TableError, TableOptions, Tables};
use serde_json::json;

use super::kit::{anybody, ask, cells, change, filtered, list, one, rows, words};
use crate::kit::each;

async fn family(test: impl AsyncFn(Tables)) {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        for statement in [
            "create table animals (id integer primary key, name text)",
            "create table dogs (breed text) inherits (animals)",
            "create table tags (id integer primary key, animal_id integer references animals (id))",
            "insert into animals values (1, 'cat'), (2, 'cow')",
            "insert into dogs values (1, 'dog', 'pug'), (3, 'hound', 'beagle'), (1, 'pup', 'pug')",
            "insert into tags values (1, 1), (2, 2)",
        ] {
            db.execute(statement, vec![]).await.unwrap();
        }
        let options = TableOptions { schema: "public".to_owned(), ..TableOptions::default() };
        test(Tables::new(db, options)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_leads_to_the_row_of_the_table_it_names_and_not_to_one_of_an_heir() {
    family(async |tables| {
        let expand = ListAsk { expand: vec![words("animal_id")], ..ask() };
        let tags = list(&tables, "tags", &expand).await.unwrap();
        assert_eq!(tags[0]["expand"]["animal_id"], json!({"id": 1, "name": "cat"}));
        let found = async |filter| list(&tables, "tags", &filtered(filter)).await.unwrap().len();
        assert_eq!(found("animal_id.name = 'cat'").await, 1);
        assert_eq!(found("animal_id.name = 'dog'").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_several_rows_have_changes_none_of_them() {
    family(async |tables| {
        let id = |key: &str| vec![key.to_owned()];
        let named = async |key: &str| {
            let update = Operation::Update { id: id(key), cells: cells(&json!({"name": "x"})) };
            one(change(&tables, "animals", vec![update]).await)
        };
        assert_eq!(named("2").await, Ok(json!({"id": 2, "name": "x"})));
        assert_eq!(named("3").await, Ok(json!({"id": 3, "name": "x"})), "the row of an heir");
        assert_eq!(named("1").await, Err(TableError::NoRow));
        let delete = change(&tables, "animals", vec![Operation::Delete { id: id("1") }]).await;
        assert_eq!(one(delete), Err(TableError::NoRow));
        assert_eq!(tables.one(&anybody(), "animals", &id("1"), None, &[]).await, Err(TableError::NoRow));
        let names = list(&tables, "animals", &filtered("name in ('cat', 'dog', 'pup')")).await.unwrap();
        assert_eq!(names.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_over_a_table_and_its_heirs_meets_rows_with_the_same_key_too() {
    family(async |tables| {
        for sort in ["", "-id", "name", "-name,id"] {
            let (mut names, mut cursor) = (Vec::new(), Some(String::new()));
            while let Some(next) = cursor {
                let ask = ListAsk {
                    sort: words(sort),
                    per_page: 1,
                    cursor: Some(next).filter(|next| !next.is_empty()),
                    ..ask()
                };
                let page = tables.list(&anybody(), "animals", &ask).await.unwrap();
                names.extend(rows(&page).iter().map(|row| row["name"].as_str().unwrap().to_owned()));
                cursor = page.next;
            }
            names.sort_unstable();
            assert_eq!(names, ["cat", "cow", "dog", "hound", "pup"], "{sort}");
        }
    })
    .await;
}
