use ayb_store::db::{Engine, migrate};
use ayb_store::tables::{Kind, TableError, TableOptions, Tables};
use serde_json::json;

use super::kit::{anybody, ask, create, library, list};
use crate::kit::each;

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_described_as_they_were_declared() {
    each(async |db| {
        let tables = library(db).await;
        let schema = tables.schema().await.unwrap();
        let names: Vec<_> = schema.tables().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["authors", "books", "order", "short_books"]);
        let books = schema.table("books").unwrap();
        let columns: Vec<_> =
            books.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        let expected = [
            ("id", Kind::Integer),
            ("title", Kind::Text),
            ("pages", Kind::Integer),
            ("price", Kind::Number),
            ("lent", Kind::Boolean),
            ("author_id", Kind::Integer),
            ("doc", Kind::Json),
            ("cover", Kind::Bytes),
        ];
        assert_eq!(columns, expected);
        let title = books.column("title").unwrap();
        assert!(!title.nullable && !title.has_default && books.column("pages").unwrap().has_default);
        assert!(books.column("id").unwrap().has_default && books.column("price").unwrap().nullable);
        assert_eq!((&books.primary_key, &books.unique), (&vec![0], &vec![vec![1, 5]]));
        let reference = books.reference("author_id").unwrap();
        assert_eq!((reference.table.as_str(), &reference.to), ("authors", &vec!["id".to_owned()]));
        assert_eq!(schema.table("order").unwrap().primary_key, [0, 1]);
        let view = schema.table("short_books").unwrap();
        assert!(view.is_view && !view.writable && view.primary_key.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_ayb_and_of_the_database_are_nowhere() {
    each(async |db| {
        migrate::up(&db).await.unwrap();
        let tables = library(db.clone()).await;
        let refers =
            "create table members (id integer primary key, name text, u text references _ayb_settings (key))";
        db.execute(refers, vec![]).await.unwrap();
        let tables = Tables::new(db, tables.options().clone());
        let schema = tables.schema().await.unwrap();
        assert_eq!(schema.tables().count(), 5);
        assert!(schema.table("members").unwrap().references.is_empty(), "not even as the end of a reference");
        let ours = [
            "_ayb_users",
            "_ayb_settings",
            "_AYB_users",
            "sqlite_schema",
            "sqlite_master",
            "pg_class",
            "pg_authid",
        ];
        let others =
            ["information_schema.tables", "main.books", "public.books", "books\"", "books; --", "", "BOOKS "];
        for name in ours.into_iter().chain(others) {
            assert_eq!(list(&tables, name, &ask()).await, Err(TableError::UnknownTable), "{name}");
            let created = create(&tables, name, json!({"id": 1})).await;
            assert_eq!(created, Err(TableError::UnknownTable), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_table_is_noticed_without_a_restart() {
    each(async |db| {
        let tables = library(db.clone()).await;
        create(&tables, "authors", json!({"id": 1, "name": "Ada"})).await.unwrap();
        assert_eq!(
            list(&tables, "authors", &ask()).await.unwrap()[0],
            json!({"id": 1, "name": "Ada", "born": null})
        );
        // What is gone shows itself by an error of the statement, at once.
        db.execute("alter table authors drop column born", vec![]).await.unwrap();
        assert_eq!(list(&tables, "authors", &ask()).await.unwrap()[0], json!({"id": 1, "name": "Ada"}));
        db.execute("alter table authors add column note text default 'new'", vec![]).await.unwrap();
        super::kit::later().await;
        assert_eq!(
            list(&tables, "authors", &ask()).await.unwrap()[0],
            json!({"id": 1, "name": "Ada", "note": "new"})
        );
        db.execute("alter table authors rename to writers", vec![]).await.unwrap();
        assert_eq!(list(&tables, "authors", &ask()).await, Err(TableError::UnknownTable));
        assert_eq!(list(&tables, "writers", &ask()).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_every_kind_are_only_names() {
    each(async |db| {
        let tables = library(db).await;
        let row = json!({"a 'b": "k,1/2", "select": 7, "c\"d": "x"});
        assert_eq!(create(&tables, "order", row.clone()).await.unwrap(), row);
        let id = ["k,1/2".to_owned(), "7".to_owned()];
        let found = tables.one(&anybody(), "order", &id, None, &[]).await.unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&found).unwrap(), row);
        let filter = super::kit::filtered("`a 'b` = 'k,1/2' and `c\"d` like 'x' and `select` in (7)");
        assert_eq!(list(&tables, "order", &filter).await.unwrap(), [row]);
        let half = tables.one(&anybody(), "order", &id[..1], None, &[]).await;
        assert_eq!(half, Err(TableError::NoRow));
        let view = tables.one(&anybody(), "short_books", &id[..1], None, &[]).await;
        assert_eq!(view, Err(TableError::NoKey));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_take_the_writes_of_others_along_is_read_only_on_sqlite() {
    each(async |db| {
        if db.engine() == Engine::Postgres {
            return;
        }
        let script = [
            "create table parents (id integer primary key)",
            "create table children (id integer primary key,
             parent integer references parents (id) deferrable initially deferred)",
            "create table strict_ones (id integer primary key)",
            "create trigger t before insert on strict_ones begin select raise(rollback, 'no'); end",
            "create table calm (id integer primary key, n integer unique on conflict rollback)",
        ];
        for statement in script {
            db.execute(statement, vec![]).await.unwrap();
        }
        let tables = Tables::new(db, TableOptions::default());
        for table in ["parents", "children", "strict_ones"] {
            assert_eq!(create(&tables, table, json!({"id": 1})).await, Err(TableError::ReadOnly), "{table}");
        }
        create(&tables, "calm", json!({"id": 1, "n": 1})).await.unwrap();
        let again = create(&tables, "calm", json!({"id": 2, "n": 1})).await;
        assert!(matches!(again, Err(TableError::Conflict(_))), "{again:?}");
    })
    .await;
}
