//! Owner columns: which tables they hold for, and the ways around them that are closed.

use std::collections::BTreeMap;

use ayb_store::db::{Db, Engine};
use ayb_store::tables::{Asker, Operation, TableError, TableOptions, Tables};
use serde_json::{Value, json};

use super::kit::{anybody, ask, cells, change_as, one};
use super::security::{ADA, BOB, notes, person, seen, write};
use crate::kit::each;

async fn run(db: &Db, statements: &[&'static str]) {
    for statement in statements {
        db.execute(statement, vec![]).await.unwrap();
    }
}

/// The same tables under another configuration.
fn with(db: &Db, owners: &[(&str, &str)], views: &[&str]) -> Tables {
    let owners: BTreeMap<_, _> =
        owners.iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())).collect();
    let views = views.iter().map(|view| (*view).to_owned()).collect();
    Tables::new(db.clone(), TableOptions { schema: "public".to_owned(), role: None, owners, views })
}

async fn names(tables: &Tables) -> Vec<String> {
    tables.schema().await.unwrap().tables().map(|table| table.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_found_as_the_database_finds_names_and_one_that_is_not_is_told() {
    each(async |db| {
        let tables = notes(db.clone()).await;
        write(&tables, &person(ADA), "notes", json!({"id": 1, "text": "ada's"})).await.unwrap();
        let shouted = with(&db, &[("Notes", "OWNER_ID")], &[]);
        let schema = shouted.schema().await.unwrap();
        if db.engine() == Engine::Sqlite {
            assert!(schema.missing_owners().is_empty());
            assert!(seen(&shouted, &person(BOB), "notes").await.is_empty());
            assert_eq!(seen(&shouted, &person(ADA), "notes").await, ["ada's"]);
        } else {
            assert_eq!(schema.missing_owners(), ["Notes.OWNER_ID"], "PostgreSQL knows case");
        }
        let misspelt = with(&db, &[("note", "owner_id"), ("notes", "ownerid")], &[]);
        let schema = misspelt.schema().await.unwrap();
        assert_eq!(schema.missing_owners(), ["note.owner_id", "notes.ownerid"]);
        assert!(schema.table("notes").is_none(), "a table without its owner column is not shown");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_shown_only_when_it_is_named_or_has_an_owner_itself() {
    each(async |db| {
        let tables = notes(db.clone()).await;
        run(&db, &["create view mine as select * from notes", "create view texts as select text from notes"])
            .await;
        write(&tables, &person(ADA), "notes", json!({"id": 1, "text": "ada's"})).await.unwrap();
        let owner = ("notes", "owner_id");
        let closed = with(&db, &[owner], &[]);
        assert_eq!(names(&closed).await, ["comments", "notes"]);
        assert_eq!(closed.list(&person(BOB), "texts", &ask()).await, Err(TableError::UnknownTable));
        let open = with(&db, &[owner, ("mine", "owner_id")], &["texts"]);
        assert_eq!(names(&open).await, ["comments", "mine", "notes", "texts"]);
        assert_eq!(seen(&open, &person(BOB), "texts").await, ["ada's"]);
        assert!(seen(&open, &person(BOB), "mine").await.is_empty());
        assert_eq!(seen(&open, &person(ADA), "mine").await, ["ada's"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_inherit_have_the_owner_of_the_table_above_and_what_shows_them_all_is_not_there() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        run(
            &db,
            &[
                "create table things (id integer primary key, text text)",
                "create table notes (owner_id uuid not null) inherits (things)",
                "create table letters (stamp text) inherits (notes)",
                "create table airmail () inherits (letters)",
                "create table apart (id integer primary key, text text)",
            ],
        )
        .await;
        db.execute(
            "insert into airmail (id, owner_id, text) values (1, $1::text::uuid, 'ada''s')",
            vec![ADA.into()],
        )
        .await
        .unwrap();
        let tables = with(&db, &[("notes", "owner_id")], &[]);
        assert_eq!(names(&tables).await, ["airmail", "apart", "letters", "notes"]);
        for table in ["airmail", "letters", "notes"] {
            assert!(seen(&tables, &person(BOB), table).await.is_empty(), "{table}");
            assert_eq!(seen(&tables, &person(ADA), table).await, ["ada's"], "{table}");
        }
    })
    .await;
}

async fn refused(tables: &Tables, asker: &Asker<'_>, operation: Operation) -> Result<Value, TableError> {
    one(change_as(asker, tables, "comments", vec![operation]).await)
}

fn id(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_leads_to_no_row_of_another_and_does_not_tell_whether_there_is_one() {
    each(async |db| {
        let tables = notes(db).await;
        let (ada, bob) = (person(ADA), person(BOB));
        write(&tables, &ada, "notes", json!({"id": 1, "text": "ada's"})).await.unwrap();
        write(&tables, &bob, "notes", json!({"id": 2, "text": "bob's"})).await.unwrap();
        write(&tables, &bob, "comments", json!({"id": 7, "note_id": 2, "text": "own"})).await.unwrap();
        let to = |note: i64| cells(&json!({"note_id": note}));
        let kinds: [&dyn Fn(i64) -> Operation; 3] = [
            &|note| Operation::Create { cells: cells(&json!({"id": 8, "note_id": note})) },
            &|note| Operation::Update { id: id("7"), cells: to(note) },
            &|note| Operation::Replace { id: id("7"), cells: to(note) },
        ];
        for kind in kinds {
            let absent = refused(&tables, &bob, kind(99)).await;
            assert!(matches!(absent, Err(TableError::Conflict(_))), "{absent:?}");
            for asker in [&bob, &anybody()] {
                assert_eq!(refused(&tables, asker, kind(1)).await, absent, "{:?}", kind(1));
            }
        }
        let batch = vec![
            Operation::Create { cells: cells(&json!({"id": 9, "note_id": 2})) },
            Operation::Update { id: id("7"), cells: cells(&json!({"text": "changed"})) },
            Operation::Create { cells: cells(&json!({"id": 10, "note_id": 1})) },
        ];
        let failed = change_as(&bob, &tables, "comments", batch.clone()).await.unwrap_err();
        assert_eq!(failed.index, Some(2), "the operation is named, whatever was looked up before it");
        assert_eq!(seen(&tables, &bob, "comments").await, ["own"], "and nothing of it is done");
        let done = change_as(&bob, &tables, "comments", batch[..2].to_vec()).await.unwrap();
        assert_eq!(done.iter().map(|row| row.id[0].as_str()).collect::<Vec<_>>(), ["9", "7"]);
        let nowhere =
            Operation::Replace { id: id("7"), cells: cells(&json!({"note_id": null, "text": "t"})) };
        assert_eq!(refused(&tables, &bob, nowhere).await.unwrap()["note_id"], Value::Null);
        let gone = Operation::Update { id: id("77"), cells: to(2) };
        assert_eq!(refused(&tables, &bob, gone).await, Err(TableError::NoRow));
        let delete = vec![Operation::Delete { id: id("1") }];
        assert_eq!(
            one(change_as(&ada, &tables, "notes", delete).await),
            Ok(Value::Null),
            "nobody is in the way"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_of_several_columns_is_looked_at_as_the_row_will_be() {
    each(async |db| {
        let owner = if db.engine() == Engine::Postgres { "uuid" } else { "text" };
        let script = [
            format!("create table notes (owner_id {owner} not null, shelf integer, n integer, primary key (shelf, n))"),
            "create table marks (id integer primary key, shelf integer default 1, n integer, text text,
             foreign key (shelf, n) references notes (shelf, n))"
                .to_owned(),
        ];
        for statement in script {
            db.script_dynamic(statement).await.unwrap();
        }
        let tables = with(&db, &[("notes", "owner_id")], &[]);
        let (ada, bob) = (person(ADA), person(BOB));
        for (asker, shelf, n) in [(&ada, 1, 1), (&ada, 2, 2), (&bob, 1, 2), (&bob, 2, 1)] {
            write(&tables, asker, "notes", json!({"shelf": shelf, "n": n})).await.unwrap();
        }
        let mark = async |asker: &Asker<'_>, row: Value| write(&tables, asker, "marks", row).await.is_ok();
        assert!(mark(&bob, json!({"id": 1, "shelf": 1, "n": 2})).await);
        assert!(!mark(&bob, json!({"id": 2, "shelf": 2, "n": 2})).await, "both columns are Ada's");
        assert!(mark(&bob, json!({"id": 3, "shelf": null, "n": 1})).await, "with a null it leads nowhere");
        assert!(mark(&bob, json!({"id": 4, "n": 2})).await, "the shelf is the default");
        let change = async |row: Value| {
            let update = Operation::Update { id: id("1"), cells: cells(&row) };
            one(change_as(&bob, &tables, "marks", vec![update]).await)
        };
        let refused = change(json!({"n": 1})).await;
        assert!(matches!(refused, Err(TableError::Conflict(_))), "1, 1 is Ada's: {refused:?}");
        assert_eq!(change(json!({"shelf": 2, "n": 1})).await.unwrap()["shelf"], 2);
        assert_eq!(change(json!({"text": "t"})).await.unwrap()["text"], "t", "what stays is not looked at");
    })
    .await;
}
