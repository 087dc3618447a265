use serde_json::{Value, json};

use super::everywhere;

fn batch(operations: &[Value]) -> Value {
    json!({"operations": operations})
}

#[tokio::test]
async fn a_batch_is_done_as_a_whole_or_not_at_all() {
    for library in everywhere().await {
        let author = |id: usize| json!({"method": "create", "data": {"id": id, "name": "n"}});
        let mut operations: Vec<_> = (1..=1000).map(author).collect();
        operations[900] = author(5);
        let failed = library.post("/authors/batch", &batch(&operations)).await;
        assert_eq!((failed.status.as_u16(), &failed.json()["data"]["index"]), (409, &json!(900)), "{failed}");
        assert_eq!(library.get("/authors").await.json()["totalItems"], 0, "nothing is left of the first 900");
        operations[900] = json!({"method": "update", "id": 1, "data": {"name": "changed"}});
        let done = library.post("/authors/batch", &batch(&operations)).await;
        assert_eq!(
            (done.status.as_u16(), &done.json()["items"][900]),
            (200, &json!({"id": 1, "name": "changed"})),
            "{done}"
        );
        let more = [
            json!({"method": "delete", "id": "2"}),
            json!({"method": "replace", "id": [3], "data": {"name": "r"}}),
        ];
        let done = library.post("/authors/batch", &batch(&more)).await;
        assert_eq!(done.json(), json!({"items": [null, {"id": 3, "name": "r"}]}), "{done}");
        assert_eq!(library.get("/authors").await.json()["totalItems"], 998);
    }
}

#[tokio::test]
async fn an_operation_that_is_none_is_named_by_its_place() {
    for library in everywhere().await {
        let good = json!({"method": "create", "data": {"id": 1, "name": "n"}});
        let cases = [
            (json!({"method": "create", "id": 1, "data": {}}), 422, "id"),
            (json!({"method": "create"}), 422, "data"),
            (json!({"method": "update", "data": {}}), 422, "id"),
            (json!({"method": "delete", "id": 1, "data": {}}), 422, "data"),
            (json!({"method": "create", "data": {"id": 2, "name": 5}}), 422, "name"),
            (json!({"method": "create", "data": {"id": "x", "name": "n"}}), 422, "id"),
            (json!({"method": "delete", "id": 77}), 404, ""),
        ];
        for (operation, status, field) in cases {
            let reply = library.post("/authors/batch", &batch(&[good.clone(), operation.clone()])).await;
            let data = reply.json()["data"].clone();
            assert_eq!(
                (reply.status.as_u16(), data["index"].as_u64()),
                (status, Some(1)),
                "{operation} {reply}"
            );
            assert_eq!(data["field"].as_str().unwrap_or_default(), field, "{operation} {reply}");
        }
        for body in [
            json!({}),
            json!([]),
            json!({"operations": [{"method": "drop"}]}),
            json!({"operations": [], "more": 1}),
        ] {
            assert_eq!(library.post("/authors/batch", &body).await.status, 422, "{body}");
        }
        let many = batch(&vec![json!({"method": "delete", "id": 1}); 1001]);
        assert_eq!(library.post("/authors/batch", &many).await.status, 422);
        assert_eq!(library.post("/nowhere/batch", &batch(&[])).await.status, 404);
        assert_eq!(library.get("/authors").await.json()["totalItems"], 0);
    }
}

#[tokio::test]
async fn a_batch_that_would_answer_with_too_much_is_refused_as_a_whole() {
    for library in everywhere().await {
        if library.app.app.store.db().engine() == ayb_store::db::Engine::Postgres {
            continue;
        }
        let long = "x".repeat(1000 * 1000);
        let made = library.post("/authors", &json!({"id": 1, "name": long})).await;
        assert_eq!(made.status, 201);
        let mut operations = vec![json!({"method": "create", "data": {"id": 2, "name": "n"}})];
        operations.extend(vec![json!({"method": "update", "id": 1, "data": {}}); 999]);
        let refused = library.post("/authors/batch", &batch(&operations)).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["data"]["index"]),
            (413, &json!(17)),
            "{refused}"
        );
        assert!(refused.json()["message"].as_str().unwrap().contains("16 MiB"), "{refused}");
        assert_eq!(library.get("/authors?fields=id").await.json()["totalItems"], 1);
    }
}
