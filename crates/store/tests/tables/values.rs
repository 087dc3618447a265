use ayb_store::db::Engine;
use ayb_store::tables::{Operation, TableError, TableOptions, Tables};
use serde_json::{Value, json};

use super::kit::{anybody, ask, cells, create, library, list};
use crate::kit::each;

/// Which column a refusal names.
fn field(outcome: Result<Value, TableError>) -> Option<String> {
    match outcome {
        Err(TableError::Value { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_fit_is_refused_by_the_name_of_its_column() {
    let wrong = [
        ("id", json!("one")),
        ("id", json!(1.5)),
        ("id", json!(u64::MAX)),
        ("title", json!(5)),
        ("title", json!(null)),
        ("title", json!("a\u{0}b")),
        ("title", json!({"a": 1})),
        ("pages", json!(true)),
        ("pages", json!("")),
        ("price", json!("cheap")),
        ("price", json!([])),
        ("lent", json!("yes")),
        ("lent", json!(null)),
        ("cover", json!("zz")),
        ("nope", json!(1)),
        ("_ayb_users", json!(1)),
    ];
    each(async |db| {
        let postgres = db.engine() == Engine::Postgres;
        let tables = library(db).await;
        for (column, value) in wrong.clone() {
            let mut row = json!({"id": 1, "title": "t"});
            row[column] = value.clone();
            let outcome = create(&tables, "books", row).await;
            // PostgreSQL takes any text for bytes.
            if postgres && column == "cover" {
                assert!(outcome.is_ok());
                super::kit::change(&tables, "books", vec![Operation::Delete { id: vec!["1".to_owned()] }])
                    .await
                    .unwrap();
                continue;
            }
            assert_eq!(field(outcome).as_deref(), Some(column), "{value}");
        }
        assert_eq!(field(create(&tables, "books", json!({"id": 1})).await).as_deref(), Some("title"));
        let named = field(create(&tables, "books", json!({"x\u{202e}\" onload": 1, "title": "t"})).await);
        assert_eq!(named, None, "what cannot be a name is not repeated");
        assert!(list(&tables, "books", &ask()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_went() {
    each(async |db| {
        let tables = library(db).await;
        let rows = [
            json!({"id": 1, "title": "quote ' \" \\ \n zażółć \u{1F600}", "pages": -1, "price": 0.1, "lent": true,
                "author_id": null, "doc": {"a": [1, {"b": null}], "text": "x"}, "cover": "\\x00ff"}),
            json!({"id": 2147483647, "title": "", "pages": 0, "price": -1.5e-7, "lent": false, "author_id": null,
                "doc": [1, "two"], "cover": "\\x"}),
            json!({"id": 3, "title": "'; drop table books; --", "pages": null, "price": 12345678.875, "lent": false,
                "author_id": null, "doc": "text", "cover": null}),
        ];
        for row in rows {
            assert_eq!(create(&tables, "books", row.clone()).await.unwrap(), row);
            let id = row["id"].to_string();
            let read = tables.one(&anybody(), "books", &[id], None, &[]).await.unwrap();
            assert_eq!(serde_json::from_str::<Value>(&read).unwrap(), row);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_in_double_quotes_keep_their_meaning_in_declarations_of_sqlite() {
    each(async |db| {
        if db.engine() == Engine::Postgres {
            return;
        }
        for statement in [
            "create table posts (id integer primary key, state text default \"it's\", at text default current_timestamp)",
            "create table log (line text)",
            "create trigger noted after insert on posts begin insert into log values ('made'); end",
        ] {
            db.execute(statement, vec![]).await.unwrap();
        }
        let tables = Tables::new(db, TableOptions::default());
        create(&tables, "posts", json!({"id": 1, "state": "x"})).await.unwrap();
        let id = || vec!["1".to_owned()];
        let replaced = vec![Operation::Replace { id: id(), cells: vec![] }];
        let row = super::kit::one(super::kit::change(&tables, "posts", replaced).await).unwrap();
        assert_eq!(row["state"], "it's");
        assert!(row["at"].as_str().is_some_and(|at| at.starts_with("20")), "{row}");
        assert_eq!(list(&tables, "log", &ask()).await.unwrap(), [json!({"line": "made"})]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_postgresql_is_read_and_written() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        for statement in [
            "create type mood as enum ('sad', 'ok')",
            "create domain short as varchar(5) check (value <> 'bad')",
            "create domain shorter as short",
            "create type pair as (a integer, b text)",
            "create table kinds (id bigint primary key generated always as identity, small smallint, exact numeric(20, 5),
             c char(4), v varchar(3), n name, u uuid, t timestamptz, d date, i interval, tm time, j json, m mood,
             s short, s2 shorter, arr integer[], words text[], grid integer[][], net inet, bits bit(3), r int4range, p pair,
             pt point, x xml, ts tsvector, mon money, twice integer generated always as (small * 2) stored)",
        ] {
            db.execute(statement, vec![]).await.unwrap();
        }
        let tables = Tables::new(db, TableOptions { schema: "public".to_owned(), ..TableOptions::default() });
        let row = json!({
            "small": 7, "exact": "123456789012345.12345", "c": "ab", "v": "abc", "n": "name",
            "u": "0190a0e0-0000-7000-8000-000000000000", "t": "2026-11-21T10:00:00Z", "d": "2026-11-21",
            "i": "1 day", "tm": "10:00", "j": {"b": 1, "a": [true]}, "m": "ok", "s": "fine", "arr": [1, null, 3],
            "words": ["a,b", "{\"x\"}", "null", ""], "grid": [[1, 2], [3, 4]], "net": "10.0.0.0/8", "bits": "101",
            "r": "[1,5)", "p": "(1,x)", "pt": "(1,2)", "x": "<a/>", "ts": "'cat'", "mon": "5"
        });
        let made = create(&tables, "kinds", row.clone()).await.unwrap();
        assert_eq!((&made["twice"], &made["words"], &made["grid"]), (&json!(14), &row["words"], &row["grid"]));
        assert_eq!((&made["arr"], &made["j"], &made["m"]), (&row["arr"], &row["j"], &json!("ok")));
        assert_eq!((&made["bits"], &made["c"], &made["u"]), (&json!("101"), &json!("ab  "), &row["u"]));
        assert_eq!(made["p"], json!({"a": 1, "b": "x"}));
        let wrong = [
            ("small", json!(70000)),
            ("exact", json!("1e30")),
            ("c", json!("abcde")),
            ("v", json!("abcd")),
            ("u", json!("x")),
            ("t", json!("yesterday noon-ish")),
            ("d", json!("2026-02-30")),
            ("m", json!("glad")),
            ("s", json!("bad")),
            ("s", json!("much too long")),
            ("s2", json!("much too long")),
            ("s2", json!("bad")),
            ("arr", json!(["x"])),
            ("arr", json!([[1], [2, 3]])),
            ("arr", json!(5)),
            ("net", json!("10.0.0.300")),
            ("bits", json!("1011")),
            ("x", json!("<a>")),
            ("twice", json!(1)),
            ("id", json!(1)),
        ];
        for (column, value) in wrong {
            let outcome = create(&tables, "kinds", json!({"small": 1, column: value.clone()})).await;
            let Err(TableError::Value { field, .. }) = outcome else { panic!("{column} {value}: {outcome:?}") };
            assert_eq!(field.as_deref(), Some(column), "{value}");
        }
        for filter in ["u = '0190a0e0-0000-7000-8000-000000000000'", "t > '2026-01-01'", "exact = 123456789012345.12345",
            "m = 'ok'", "net = '10.0.0.0/8'", "c = 'ab'", "bits = '101'", "arr = '{1,NULL,3}'", "n = 'name'"] {
            assert_eq!(list(&tables, "kinds", &super::kit::filtered(filter)).await.unwrap().len(), 1, "{filter}");
        }
        for filter in ["j = '{}'", "x = '<a/>'", "pt = '(1,2)'", "m = 'glad'", "u = 1"] {
            let outcome = list(&tables, "kinds", &super::kit::filtered(filter)).await;
            assert!(matches!(outcome, Err(TableError::Query { .. } | TableError::Value { .. })), "{filter}: {outcome:?}");
        }
        let sorted = ayb_store::tables::ListAsk { sort: vec!["j".to_owned()], ..ask() };
        assert!(matches!(list(&tables, "kinds", &sorted).await, Err(TableError::Value { .. } | TableError::Query { .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_puts_the_defaults_back_and_changing_leaves_the_rest() {
    each(async |db| {
        let tables = library(db).await;
        create(&tables, "books", json!({"id": 1, "title": "a", "pages": 7, "price": 2.5, "lent": true}))
            .await
            .unwrap();
        let id = || vec!["1".to_owned()];
        let change =
            async |operation| super::kit::one(super::kit::change(&tables, "books", vec![operation]).await);
        let changed =
            change(Operation::Update { id: id(), cells: cells(&json!({"pages": 8})) }).await.unwrap();
        assert_eq!(
            (&changed["pages"], &changed["price"], &changed["lent"]),
            (&json!(8), &json!(2.5), &json!(true))
        );
        let same = change(Operation::Update { id: id(), cells: vec![] }).await.unwrap();
        assert_eq!(same, changed);
        let replaced =
            change(Operation::Replace { id: id(), cells: cells(&json!({"title": "b"})) }).await.unwrap();
        assert_eq!(
            replaced,
            json!({"id": 1, "title": "b", "pages": 100, "price": null, "lent": false,
            "author_id": null, "doc": null, "cover": null})
        );
        let missing = change(Operation::Replace { id: id(), cells: vec![] }).await;
        assert_eq!(field(missing).as_deref(), Some("title"));
        let moved =
            change(Operation::Replace { id: id(), cells: cells(&json!({"id": 2, "title": "b"})) }).await;
        assert_eq!(field(moved).as_deref(), Some("id"));
        let twice = [cells(&json!({"pages": 1})), cells(&json!({"pages": 2}))].concat();
        assert_eq!(
            field(change(Operation::Update { id: id(), cells: twice }).await).as_deref(),
            Some("pages")
        );
        for id in ["2", "x", "", "1,2", "99999999999999999999", "1;drop table books", "\u{0}"] {
            let gone =
                change(Operation::Update { id: vec![id.to_owned()], cells: cells(&json!({"pages": 1})) })
                    .await;
            let expected = matches!(gone, Err(TableError::NoRow | TableError::Value { .. }));
            assert!(expected, "{id:?} {gone:?}");
        }
    })
    .await;
}
