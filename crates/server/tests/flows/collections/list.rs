use serde_json::{Value, json};

use super::{Library, everywhere};

fn titles(body: &Value) -> Vec<&str> {
    body["items"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect()
}

async fn listed(library: &Library, query: &str) -> Value {
    let reply = library.get(&format!("/books?{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {reply}");
    reply.json()
}

#[tokio::test]
async fn a_list_is_filtered_sorted_searched_and_cut_into_pages() {
    for library in everywhere().await {
        library.stock().await;
        let cases = [
            ("", vec!["A", "B", "C", "D"]),
            ("sort=-pages", vec!["D", "C", "B", "A"]),
            ("sort=author_id,-title", vec!["C", "A", "D", "B"]),
            ("filter=pages%20%3E%2015%20and%20pages%20%3C%2035", vec!["B", "C"]),
            ("filter=author_id.name%20%3D%20'Ada'", vec!["A", "C"]),
            ("filter=doc.n%20in%20(10,40)", vec!["A", "D"]),
            ("search=b", vec!["B"]),
            ("perPage=2&page=2", vec!["C", "D"]),
            ("perPage=0", vec!["A"]),
        ];
        for (query, expected) in cases {
            assert_eq!(titles(&listed(&library, query).await), expected, "{query}");
        }
        let page = listed(&library, "perPage=3&page=2").await;
        let numbers = |page: &Value| {
            [&page["page"], &page["perPage"], &page["totalItems"], &page["totalPages"]].map(Value::as_i64)
        };
        assert_eq!(numbers(&page), [Some(2), Some(3), Some(4), Some(2)]);
        assert_eq!(page.get("nextCursor"), None, "there is nothing behind the last page");
        let uncounted = listed(&library, "skipTotal=true&perPage=1000").await;
        assert_eq!(numbers(&uncounted), [Some(1), Some(500), None, None]);
        let shown = listed(&library, "fields=title&expand=author_id&filter=title%3D'A'").await;
        assert_eq!(
            shown["items"],
            json!([{"title": "A", "expand": {"author_id": {"id": 1, "name": "Ada"}}}])
        );
    }
}

#[tokio::test]
async fn a_walk_by_cursors_meets_every_row_once_while_rows_come_and_go() {
    for library in everywhere().await {
        library.stock().await;
        let first = listed(&library, "cursor=&perPage=2&sort=-pages").await;
        assert_eq!(
            (titles(&first), first.get("page"), first.get("totalItems")),
            (vec!["D", "C"], None, None)
        );
        library.post("/books", &json!({"title": "new", "pages": 99})).await;
        let next = first["nextCursor"].as_str().unwrap();
        let second = listed(&library, &format!("cursor={next}&perPage=2&sort=-pages")).await;
        assert_eq!((titles(&second), second.get("nextCursor")), (vec!["B", "A"], None));
        for (query, field) in [
            (format!("cursor={next}"), "cursor"),
            (format!("cursor={next}x&sort=-pages"), "cursor"),
            (format!("cursor={next}&sort=-pages&page=2"), "page"),
        ] {
            let reply = library.get(&format!("/books?{query}")).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()["data"]["field"].as_str()),
                (400, Some(field)),
                "{query} {reply}"
            );
        }
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_with_the_place() {
    for library in everywhere().await {
        let cases = [
            ("filter=title%20%3D", "filter", Some(8)),
            ("filter=nope%20%3D%201", "filter", Some(1)),
            ("filter=title%20%3D%20'a'%20and%20nope%3D1", "filter", Some(17)),
            ("sort=nope", "sort", None),
            ("sort=id,-id", "sort", None),
            ("fields=id,nope", "fields", None),
            ("expand=title", "expand", None),
            ("page=x", "page", None),
            ("page=4294967295", "page", None),
            ("skipTotal=maybe", "skipTotal", None),
            ("page=1&page=2", "page", None),
        ];
        for (query, field, position) in cases {
            let reply = library.get(&format!("/books?{query}")).await;
            let data = reply.json()["data"].clone();
            assert_eq!(reply.status, 400, "{query} {reply}");
            assert_eq!(
                (data["field"].as_str(), data["position"].as_u64()),
                (Some(field), position),
                "{query}"
            );
        }
        let deep = format!("/books?filter={}id%3D1{}", "(".repeat(2000), ")".repeat(2000));
        assert_eq!(library.get(&deep).await.status, 400);
        assert_eq!(library.get("/books?where=1").await.json()["data"]["known"][0], "filter");
        assert_eq!(library.get("/books?filter=title%3D%00").await.status, 400);
    }
}
