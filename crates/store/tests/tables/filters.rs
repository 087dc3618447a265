use ayb_provider::filter::{MAX_DEPTH, parse};
use ayb_store::db::Engine;
use ayb_store::tables::{ListAsk, TableError};

use super::kit::{anybody, ask, filtered, ids, list, stocked};
use crate::kit::each;

#[tokio::test(flavor = "multi_thread")]
async fn every_condition_finds_its_rows_on_both_databases() {
    let cases: &[(&str, &[i64])] = &[
        ("id = 1", &[1]),
        ("id != 1 and id <= 3", &[2, 3]),
        ("pages > 41.5 and pages < 300", &[5]),
        ("pages = 300.0", &[2, 4]),
        ("price = 0.25", &[4]),
        ("price >= 1.5", &[1, 2]),
        ("lent = true", &[2]),
        ("lent = false and id > 3", &[4, 5]),
        ("title = 'Alpha' or title = \"delta\"", &[1, 4]),
        ("pages is null", &[3]),
        ("pages = null", &[3]),
        ("author_id is not null and not (id = 1)", &[2, 3, 5]),
        ("id in (1, 3, 99)", &[1, 3]),
        ("id not in (1, 2, 3)", &[4, 5]),
        ("title like 'A%'", &[1]),
        ("title like 'a%'", &[]),
        ("title ilike 'a%'", &[1]),
        ("title like '%100\\%'", &[2]),
        ("title like 'Gamma\\_%'", &[3]),
        ("title like 'Gamma_ray'", &[3]),
        ("title not like '%a%'", &[5]),
        ("author_id.name = 'Ada'", &[1, 2]),
        ("author_id.name ilike '%b' and id > 3", &[5]),
        ("author_id.id > 1", &[3, 5]),
        ("doc.n = 5", &[1]),
        ("doc.n = '5'", &[5]),
        ("doc.n > 5", &[3]),
        ("doc.ok = true", &[3]),
        ("doc.tags.0 = 'x'", &[1]),
        ("doc.tags.1 in ('y', 'z')", &[1]),
        ("doc.nothing is not null", &[]),
        ("title = ''' or 1=1 --'", &[]),
        ("title = '\"; drop table books; --'", &[]),
    ];
    each(async |db| {
        let tables = stocked(db).await;
        for (filter, expected) in cases {
            assert_eq!(ids(&tables, filter).await, *expected, "{filter}");
        }
        assert_eq!(ids(&tables, "id > 0").await.len(), 5, "and every book is still there");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_the_fault_of_the_filter() {
    let wrong = [
        "nope = 1",
        "title.x = 1",
        "author_id.nope = 1",
        "author_id.name.x = 1",
        "\u{e9} = 1",
        "`_ayb_users` = 1",
        "`rowid; drop table books` = 1",
    ];
    each(async |db| {
        let tables = stocked(db.clone()).await;
        for filter in wrong {
            let error = list(&tables, "books", &filtered(filter)).await.unwrap_err();
            assert!(
                matches!(error, TableError::Query { parameter: "filter", position: Some(1), .. }),
                "{filter}: {error:?}"
            );
        }
        // SQLite compares anything to anything; PostgreSQL has types.
        for filter in ["pages = 'abc'", "pages = 99999999999", "lent = 7", "born = 'x'"] {
            let table = if filter.starts_with("born") { "authors" } else { "books" };
            let outcome = list(&tables, table, &filtered(filter)).await;
            match db.engine() {
                Engine::Sqlite => assert_eq!(outcome.unwrap(), Vec::<serde_json::Value>::new(), "{filter}"),
                Engine::Postgres => assert!(
                    matches!(outcome, Err(TableError::Query { parameter: "filter", .. })),
                    "{filter}: {outcome:?}"
                ),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_search_are_words_and_no_pattern() {
    each(async |db| {
        let tables = stocked(db).await;
        for (words, expected) in [
            ("ALPHA", vec![1]),
            ("100%", vec![2]),
            ("_", vec![3]),
            ("%", vec![2]),
            ("a", vec![1, 2, 3, 4]),
            ("'", vec![]),
        ] {
            let ask = ListAsk { search: Some(words.to_owned()), ..ask() };
            let found = list(&tables, "books", &ask).await.unwrap();
            let found: Vec<_> = found.iter().map(|row| row["id"].as_i64().unwrap()).collect();
            assert_eq!(found, expected, "{words}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_and_the_widest_filter_are_run() {
    each(async |db| {
        let tables = stocked(db).await;
        let deep = format!("{}id = 1{}", "not (".repeat(MAX_DEPTH / 2 - 1), ")".repeat(MAX_DEPTH / 2 - 1));
        let wide = vec!["author_id.name = 'Ada'"; 100].join(" or ");
        let long = format!("id in ({})", (0..500).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        for filter in [deep, wide, long] {
            assert!(list(&tables, "books", &filtered(&filter)).await.is_ok(), "{}", &filter[..40]);
        }
    })
    .await;
}

/// Filters of words and signs in every order; whatever reads as one must be run or be refused, never fail.
#[tokio::test(flavor = "multi_thread")]
async fn no_filter_is_a_failure_of_ours() {
    let pieces = [
        "id",
        "title",
        "pages",
        "price",
        "lent",
        "author_id",
        "author_id.name",
        "doc",
        "doc.n",
        "doc.tags.0",
        "cover",
        "born",
        "=",
        "!=",
        "<",
        ">=",
        "like",
        "ilike",
        "in (1, 'a', true)",
        "is null",
        "is not null",
        "and",
        "or",
        "not",
        "(",
        ")",
        "1",
        "-1.5",
        "1e300",
        "99999999999999999999",
        "'a'",
        "'%\\%_'",
        "'\\x00ff'",
        "true",
        "null",
        "'{\"a\":1}'",
        "'2026-01-01'",
    ];
    each(async |db| {
        let tables = stocked(db).await;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        let (mut run, mut refused) = (0, 0);
        for round in 0..6000 {
            let mut text: Vec<&str> = Vec::new();
            for _ in 0..=draw(2) {
                // Half of them have the form of a condition, so that most of these reach the database.
                match round % 2 {
                    0 => text.extend([pieces[draw(12)], pieces[12 + draw(6)], pieces[26 + draw(11)], "and"]),
                    _ => text.extend((0..=draw(4)).map(|_| pieces[draw(pieces.len())])),
                }
            }
            let text = text.join(" ");
            let Ok(filter) = parse(text.trim_end_matches("and")) else { continue };
            let ask = ListAsk { filter: Some(filter), count: round % 3 == 0, ..ask() };
            match tables.list(&anybody(), "books", &ask).await {
                Ok(_) => run += 1,
                Err(TableError::Query { .. } | TableError::Value { .. }) => refused += 1,
                Err(other) => panic!("{text}: {other:?}"),
            }
        }
        assert!(run > 300 && refused > 20, "{run} {refused}");
    })
    .await;
}
