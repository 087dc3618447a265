use ayb_store::tables::{BatchError, MAX_BATCH, Operation, TableError};
use serde_json::json;

use super::kit::{ask, cells, change, create, library, list, stocked};
use crate::kit::each;

fn author(id: usize) -> Operation {
    Operation::Create { cells: cells(&json!({"id": id, "name": format!("n{id}")})) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_at_its_900th_row_changes_nothing() {
    each(async |db| {
        let tables = library(db).await;
        create(&tables, "authors", json!({"id": 5000, "name": "first"})).await.unwrap();
        let mut operations: Vec<_> = (1..=MAX_BATCH).map(author).collect();
        operations[900] = author(5000);
        let failed = change(&tables, "authors", operations.clone()).await.unwrap_err();
        assert_eq!(failed.index, Some(900));
        assert!(matches!(failed.error, TableError::Conflict(_)), "{failed:?}");
        operations[900] =
            Operation::Update { id: vec!["6000".to_owned()], cells: cells(&json!({"name": "x"})) };
        let failed = change(&tables, "authors", operations.clone()).await.unwrap_err();
        assert_eq!(failed, BatchError { index: Some(900), error: TableError::NoRow });
        operations[900] = Operation::Create { cells: cells(&json!({"id": 901, "name": null})) };
        let failed = change(&tables, "authors", operations.clone()).await.unwrap_err();
        assert_eq!(failed.index, Some(900));
        assert_eq!(list(&tables, "authors", &ask()).await.unwrap().len(), 1, "nothing but what was there");
        operations[900] = author(901);
        assert_eq!(change(&tables, "authors", operations).await.unwrap().len(), MAX_BATCH);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_a_batch_see_what_those_before_them_did() {
    each(async |db| {
        let tables = library(db).await;
        let id = || vec!["1".to_owned()];
        let operations = vec![
            author(1),
            author(2),
            Operation::Update { id: id(), cells: cells(&json!({"name": "changed"})) },
            Operation::Replace { id: id(), cells: cells(&json!({"name": "replaced"})) },
            Operation::Delete { id: vec!["2".to_owned()] },
        ];
        let written = change(&tables, "authors", operations).await.unwrap();
        assert_eq!(written[3].row.as_deref().map(|row| row.contains("replaced")), Some(true));
        assert_eq!((&written[0].id, &written[4].row), (&id(), &None));
        let left = list(&tables, "authors", &ask()).await.unwrap();
        assert_eq!(left, [json!({"id": 1, "name": "replaced", "born": null})]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clashes_of_keys_and_references_are_conflicts() {
    each(async |db| {
        let tables = stocked(db).await;
        let again = create(&tables, "books", json!({"id": 1, "title": "x"})).await;
        assert!(matches!(again, Err(TableError::Conflict(_))), "{again:?}");
        let same = create(&tables, "books", json!({"id": 9, "title": "Alpha", "author_id": 1})).await;
        assert!(matches!(same, Err(TableError::Conflict(_))), "{same:?}");
        let nobody = create(&tables, "books", json!({"id": 9, "title": "x", "author_id": 77})).await;
        assert!(matches!(nobody, Err(TableError::Conflict(_))), "{nobody:?}");
        let needed = change(&tables, "authors", vec![Operation::Delete { id: vec!["1".to_owned()] }]).await;
        assert!(matches!(needed, Err(BatchError { error: TableError::Conflict(_), .. })), "{needed:?}");
        let free = change(&tables, "authors", vec![Operation::Delete { id: vec!["3".to_owned()] }]).await;
        assert!(free.is_ok());
        let view = create(&tables, "short_books", json!({"id": 9, "title": "x"})).await;
        assert_eq!(view, Err(TableError::ReadOnly));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_row_can_have_is_one_that_no_row_has() {
    each(async |db| {
        let tables = stocked(db).await;
        for key in ["x", "2147483648", "9223372036854775808", "-1e400", "1.5", "", "a\u{0}"] {
            let id = vec![key.to_owned()];
            let row = cells(&json!({"title": "t", "pages": 1}));
            for operation in [
                Operation::Delete { id: id.clone() },
                Operation::Update { id: id.clone(), cells: row.clone() },
                Operation::Update { id: id.clone(), cells: Vec::new() },
                Operation::Replace { id, cells: row },
            ] {
                let failed = change(&tables, "books", vec![operation.clone()]).await.unwrap_err();
                assert_eq!(failed.error, TableError::NoRow, "{operation:?}");
            }
        }
        let unfit = cells(&json!({"pages": 2_147_483_648_u64 * 4_294_967_296}));
        let failed =
            change(&tables, "books", vec![Operation::Update { id: vec!["1".to_owned()], cells: unfit }]);
        let failed = failed.await.unwrap_err().error;
        assert!(
            matches!(&failed, TableError::Value { field: Some(field), .. } if field == "pages"),
            "{failed:?}"
        );
    })
    .await;
}
