//! Types of PostgreSQL that hold other values, and types whose values name things.

use ayb_store::db::{Db, Engine};
use ayb_store::tables::{Kind, Operation, TableError, TableOptions, Tables};
use serde_json::{Value, json};

use super::kit::{anybody, cells, change, create, filtered, list, one};
use crate::kit::each;

async fn with(script: &[&'static str], test: impl AsyncFn(Db, Tables)) {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        for statement in script {
            db.execute(statement, vec![]).await.unwrap();
        }
        let options = TableOptions { schema: "public".to_owned(), ..TableOptions::default() };
        test(db.clone(), Tables::new(db, options)).await;
    })
    .await;
}

async fn set(tables: &Tables, column: &str, value: &Value) -> Result<Value, TableError> {
    let row = json!({ column: value });
    let update = Operation::Update { id: vec!["1".to_owned()], cells: cells(&row) };
    one(change(tables, "things", vec![update]).await).map(|row| row[column].clone())
}

async fn assert_unfit(tables: &Tables, column: &str, value: Value) {
    let outcome = set(tables, column, &value).await;
    let Err(TableError::Value { field, .. }) = &outcome else { panic!("{column} {value}: {outcome:?}") };
    assert_eq!(field.as_deref(), Some(column), "{value}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_of_a_type_that_holds_others_can_be_sent_back() {
    let script = [
        "create type pair as (a integer, b text)",
        "create type nest as (p pair, l pair[])",
        "create domain pairs as pair[] check (array_length(value, 1) < 3)",
        "create table things (id integer primary key, p pair, n nest, ps pair[], d pairs, boxes box[], js json[],
         jb jsonb[], exact numeric[], bytes bytea[], words varchar(4)[])",
        "insert into things (id) values (1)",
    ];
    with(&script, async |_, tables| {
        let schema = tables.schema().await.unwrap();
        assert_eq!(schema.table("things").unwrap().column("p").unwrap().kind, Kind::Composite);
        let pair = json!({"a": 1, "b": "x,\"y\" \\ (z)"});
        let fits = [
            ("p", pair.clone()),
            ("n", json!({"p": pair, "l": [pair, {"a": null, "b": ""}]})),
            ("ps", json!([pair, null])),
            ("d", json!([pair])),
            ("boxes", json!(["(1,1),(0,0)", "(2,2),(1,1)"])),
            ("js", json!([{"a": [1]}, "text", 5, true])),
            ("jb", json!(["{}", {"a": "b"}, null])),
            ("bytes", json!([r"\x00ff", null])),
            ("words", json!(["abc", "NULL", "", "a,b"])),
        ];
        for (column, value) in fits {
            let shown = set(&tables, column, &value).await;
            assert_eq!(shown.as_ref(), Ok(&value), "{column}");
            assert_eq!(set(&tables, column, &shown.unwrap()).await.as_ref(), Ok(&value), "{column}");
        }
        let digits = r#"{"exact": [12345678901234567890.12345678901234567890]}"#;
        let row: Vec<(String, Box<serde_json::value::RawValue>)> =
            serde_json::from_str::<std::collections::BTreeMap<_, _>>(digits).unwrap().into_iter().collect();
        let update = Operation::Update { id: vec!["1".to_owned()], cells: row };
        let written = change(&tables, "things", vec![update]).await.unwrap();
        assert!(written[0].row.as_ref().unwrap().contains("[12345678901234567890.12345678901234567890]"));
        assert_eq!(set(&tables, "p", &json!("(7,q)")).await, Ok(json!({"a": 7, "b": "q"})), "its own form");
        assert_eq!(set(&tables, "words", &json!("{a,b}")).await, Ok(json!(["a", "b"])), "its own form");
        let unfit = [
            ("p", json!({"a": "one"})),
            ("p", json!([1, "x"])),
            ("p", json!("(1")),
            ("n", json!({"l": {"a": 1}})),
            ("ps", json!([1])),
            ("d", json!([pair, pair, pair])),
            ("words", json!(["abcde"])),
            ("words", json!(["a\u{0}"])),
            ("exact", json!(["x"])),
            ("exact", json!([[1], [2, 3]])),
            ("exact", json!([[[[[[[1]]]]]]])),
        ];
        for (column, value) in unfit {
            assert_unfit(&tables, column, value).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_names_nothing_is_a_wrong_value_and_no_failure_of_ours() {
    let script = [
        "create table things (id integer primary key, c regclass, t regtype, p regproc, r regrole, q tsquery,
         path jsonpath, b bit(3))",
        "create table named (c regclass primary key)",
        "insert into things (id) values (1)",
    ];
    with(&script, async |_, tables| {
        assert_eq!(set(&tables, "c", &json!("things")).await, Ok(json!("things")));
        let unfit = [
            ("c", "nothing"),
            ("c", "a.b.c.d"),
            ("c", "a..b"),
            ("c", "nowhere.nothing"),
            ("t", "nothing"),
            ("p", "nothing"),
            ("r", "nobody"),
            ("q", "a &"),
            ("path", "$["),
            ("b", "1011"),
        ];
        for (column, text) in unfit {
            assert_unfit(&tables, column, json!(text)).await;
        }
        for filter in ["c = 'nothing'", "t = 'nothing'", "q = 'a &'", "r in ('nobody')"] {
            let outcome = list(&tables, "things", &filtered(filter)).await;
            assert!(
                matches!(outcome, Err(TableError::Query { parameter: "filter", .. })),
                "{filter}: {outcome:?}"
            );
        }
        let gone = tables.one(&anybody(), "named", &["nothing".to_owned()], None, &[]).await;
        assert_eq!(gone, Err(TableError::NoRow), "no row has a key that none can have");
        let delete = Operation::Delete { id: vec!["nothing".to_owned()] };
        assert_eq!(one(change(&tables, "named", vec![delete]).await), Err(TableError::NoRow));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_refuses_what_does_not_fit_however_many_domains_lie_below_it() {
    let script = [
        "create domain one as varchar(5) not null",
        "create domain two as one",
        "create domain three as two",
        "create domain four as three check (value <> 'bad')",
        "create table things (id integer primary key, v four default 'x')",
        "insert into things (id) values (1)",
    ];
    with(&script, async |_, tables| {
        let schema = tables.schema().await.unwrap();
        let column = schema.table("things").unwrap().column("v").unwrap().clone();
        assert_eq!((column.kind, column.max_length, column.nullable), (Kind::Text, Some(5), false));
        assert_eq!(set(&tables, "v", &json!("abcde")).await, Ok(json!("abcde")));
        for value in [json!("abcdef"), json!("bad"), json!(null)] {
            assert_unfit(&tables, "v", value).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_trigger_does_not_let_in_is_refused_and_not_missing() {
    let script = [
        "create table things (id integer primary key)",
        "create function nobody() returns trigger language plpgsql as $$ begin return null; end $$",
        "create trigger nobody before insert on things for each row execute function nobody()",
    ];
    with(&script, async |_, tables| {
        let refused = create(&tables, "things", json!({"id": 1})).await;
        assert!(matches!(refused, Err(TableError::Value { field: None, .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_no_filter_could_read_is_not_kept() {
    let script = [
        "create table things (id integer primary key, j json, b jsonb)",
        "insert into things (id) values (1)",
    ];
    with(&script, async |_, tables| {
        let keeps = json!({"b": 1, "a": {"n": 5}});
        assert_eq!(set(&tables, "j", &keeps).await, Ok(keeps));
        assert_eq!(set(&tables, "j", &json!(null)).await, Ok(json!(null)));
        for column in ["j", "b"] {
            for document in [r#"{"a": "\u0000"}"#, r#"{"a": "\ud800"}"#, r#"{"a": 1e200000}"#] {
                let document: Box<serde_json::value::RawValue> = serde_json::from_str(document).unwrap();
                let cells = vec![(column.to_owned(), document)];
                let update = Operation::Update { id: vec!["1".to_owned()], cells };
                let outcome = one(change(&tables, "things", vec![update]).await);
                let Err(TableError::Value { field, .. }) = &outcome else { panic!("{column} {outcome:?}") };
                assert_eq!(field.as_deref(), Some(column));
            }
            let filter = format!("{column}.a = 'x'");
            assert_eq!(list(&tables, "things", &filtered(&filter)).await, Ok(vec![]));
        }
    })
    .await;
}
