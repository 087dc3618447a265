//! Input that is made to do harm, at every place of a request where something can be put.

use ayb_protocol::time::Seconds;
use ayb_provider::app::RateLimit;
use http::Method;
use serde_json::{Value, json};

use super::{Library, everywhere};
use crate::kit::{Reply, Tokens};

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, field: &str, case: &str) {
    assert_eq!(reply.status, status, "{case}: {reply}");
    let said = reply.json()["data"]["field"].as_str().unwrap_or_default().to_owned();
    assert_eq!(said, field, "{case}: {reply}");
}

/// What a batch of one operation is answered.
async fn one(library: &Library, operation: Value) -> Reply {
    library.post("/books/batch", &json!({"operations": [operation]})).await
}

#[tokio::test]
async fn a_nul_byte_is_refused_wherever_it_stands() {
    for library in everywhere().await {
        library.stock().await;
        let queries = [
            "filter=title%3D'a%00'",
            "filter=%60a%00%60%3D1",
            "search=%00",
            "sort=%00",
            "fields=id,%00",
            "expand=author_id%00",
            "cursor=%00",
            "page=1%00",
            "perPage=%00",
            "skipTotal=true%00",
            "fil%00ter=1",
        ];
        for query in queries {
            assert_refused(&library.get(&format!("/books?{query}")).await, 400, "", query);
        }
        for path in ["/books%00", "/books/%00", "/books/1%00", "/odd%20name%2F%22x/a%00,1"] {
            assert_refused(&library.get(path).await, 404, "", path);
        }
        for (body, field) in [
            (json!({"title": "a\u{0}"}), "title"),
            (json!({"title": "t", "doc": {"k": ["a\u{0}"]}}), "doc"),
            (json!({"title": "t", "doc": {"a\u{0}": 1}}), "doc"),
        ] {
            let reply = library.post("/books", &body).await;
            // SQLite keeps the text of a document as it is written, where a NUL is an escape like any other.
            if field == "doc" && reply.status == 201 {
                assert_eq!(
                    (reply.json()["doc"].clone(), library.app.kind),
                    (body["doc"].clone(), ayb_testkit::Kind::Sqlite)
                );
                continue;
            }
            assert_refused(&reply, 422, field, &body.to_string());
        }
        assert_eq!(library.post("/books", &json!({"title": "t", "x\u{0}": 1})).await.status, 422);
        let by_id = one(&library, json!({"method": "delete", "id": "1\u{0}"})).await;
        assert_eq!(by_id.status, 404, "{by_id}");
        let data = json!({"method": "update", "id": 1, "data": {"title": "\u{0}"}});
        assert_refused(&one(&library, data).await, 422, "title", "batch");
    }
}

#[tokio::test]
async fn a_number_beyond_range_is_refused_wherever_it_stands() {
    const HUGE: [&str; 5] = [
        "9223372036854775808",
        "-9223372036854775809",
        "340282366920938463463374607431768211456",
        "1e400",
        "-1e400",
    ];
    for library in everywhere().await {
        library.stock().await;
        for number in HUGE {
            for parameter in ["page", "perPage"] {
                let path = format!("/books?{parameter}={number}");
                assert_refused(&library.get(&path).await, 400, parameter, &path);
            }
            assert_refused(&library.get(&format!("/books/{number}")).await, 404, "", number);
            assert_eq!(library.delete(&format!("/books/{number}")).await.status, 404);
            let send = async |body: String| {
                let call = library.app.post("/api/collections/books").bearer(&library.token);
                call.body("application/json", body).await
            };
            for column in ["id", "pages", "author_id"] {
                for quote in ["", "\""] {
                    let body = format!("{{\"title\": \"t\", \"{column}\": {quote}{number}{quote}}}");
                    assert_refused(&send(body.clone()).await, 422, column, &body);
                }
            }
            let batch = format!("{{\"operations\": [{{\"method\": \"delete\", \"id\": {number}}}]}}");
            let call = library.app.post("/api/collections/books/batch").bearer(&library.token);
            let reply = call.body("application/json", batch).await;
            assert!([400, 404, 422].contains(&reply.status.as_u16()), "{number} {reply}");
            for filter in
                [format!("id = {number}"), format!("pages in (1, {number})"), format!("price > {number}")]
            {
                let reply = library.get(&format!("/books?filter={}", encoded(&filter))).await;
                assert!([200, 400].contains(&reply.status.as_u16()), "{filter} {reply}");
                if reply.status == 200 && filter.starts_with("id") {
                    assert_eq!(reply.json()["items"], json!([]), "{filter}");
                }
            }
        }
        for (page, status) in
            [("0", 200), ("-1", 200), ("-9223372036854775808", 200), ("201", 200), ("202", 400)]
        {
            let reply = library.get(&format!("/books?perPage=500&page={page}")).await;
            assert_eq!(reply.status, status, "{page} {reply}");
        }
        let most = library.get("/books?perPage=9223372036854775807").await;
        assert_eq!((most.status.as_u16(), &most.json()["perPage"]), (200, &json!(500)), "{most}");
    }
}

/// Names that a statement put together from text would trip over.
const NAMES: [&str; 12] = [
    "select",
    "order",
    "user",
    "x\"; drop table books; --",
    "it's",
    "semi;colon",
    "per%25cent",
    "back\\slash",
    "`tick`",
    "[bracket]",
    "żółć 😀",
    "$1 ?1 :a @b",
];

#[tokio::test]
async fn reserved_words_and_quotes_are_names_like_any_other() {
    for library in everywhere().await {
        let db = library.app.app.store.db();
        for name in NAMES {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let table = format!(
                "create table {quoted} ({quoted} integer primary key, \"group\" text, \"a,b\" integer references {quoted})"
            );
            db.script_dynamic(table).await.unwrap();
        }
        for name in NAMES {
            let table = format!("/{}", encoded(name));
            library
                .app
                .until(201, || {
                    let row = json!({name: 1, "group": "g", "a,b": null});
                    library.app.post(&format!("/api/collections{table}")).bearer(&library.token).json(&row)
                })
                .await;
            let row = json!({name: 2, "group": "it's \"x\"", "a,b": 1});
            let made = library.post(&table, &row).await;
            assert_eq!((made.status.as_u16(), made.json()), (201, row.clone()), "{name}");
            let at = made.location().trim_start_matches("/api/collections").to_owned();
            let changed = library.send(Method::PATCH, &at, &json!({"group": "h"})).await;
            assert_eq!(changed.json()["group"], "h", "{name} {changed}");
            let replaced = library.send(Method::PUT, &at, &row).await;
            assert_eq!(replaced.json(), row, "{name} {replaced}");
            let column = format!("`{}`", name.replace('`', "``"));
            let filter = format!("{column} = 2 and `group` like '%\"x\"' and `a,b`.{column} = 1");
            let listed = library.get(&format!("{table}?filter={}&search=it's", encoded(&filter))).await;
            assert_eq!(listed.json()["items"], json!([row]), "{name} {filter} {listed}");
            let sorted = library.get(&format!("{table}?sort=-{}&fields=group", encoded(&column))).await;
            assert_eq!(sorted.json()["items"][0]["group"], row["group"], "{name} {sorted}");
            let batch = json!({"operations": [
                {"method": "create", "data": {name: 3}},
                {"method": "delete", "id": 3},
                {"method": "delete", "id": 2},
            ]});
            let done = library.post(&format!("{table}/batch"), &batch).await;
            assert_eq!(done.status, 200, "{name} {done}");
            assert_eq!(library.get(&table).await.json()["totalItems"], 1, "{name}");
        }
        let described = library.get("").await.json();
        let names: Vec<_> = described["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert!(NAMES.iter().all(|name| names.contains(&&json!(name))), "{names:?}");
        assert_eq!(library.get("/books").await.status, 200, "nothing was dropped");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read_and_changes_nothing() {
    for library in everywhere().await {
        library.stock().await;
        let large = "x".repeat(1 << 20);
        let row = json!({"title": large});
        let batch = json!({"operations": [{"method": "update", "id": 1, "data": row}]});
        for (method, path, body) in [
            (Method::POST, "/books", &row),
            (Method::PATCH, "/books/1", &row),
            (Method::PUT, "/books/1", &row),
            (Method::POST, "/books/batch", &batch),
        ] {
            let reply = library.send(method.clone(), path, body).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (413, &json!(413)), "{method} {path}");
        }
        let books = library.get("/books").await.json();
        assert_eq!((&books["totalItems"], &books["items"][0]["title"]), (&json!(4), &json!("A")));
    }
}

#[tokio::test]
async fn a_limit_that_is_used_up_says_when_to_come_back_and_nothing_is_done() {
    for library in everywhere().await {
        library.stock().await;
        let app = &library.app;
        let limit = RateLimit { requests: 2, window: Seconds(60) };
        let client = app.confidential_client().limited(limit).await;
        let code = app.authorize_code(&client, &library.ada, "readwrite").await;
        let token = Tokens::of(&app.redeem(&client, &code).await).access;
        let create =
            || app.post("/api/collections/authors").bearer(&token).json(&json!({"id": 9, "name": "N"}));
        assert_eq!(app.get("/api/collections/books").bearer(&token).await.status, 200);
        assert_eq!(app.get("/api/collections/openapi.json").bearer(&token).await.status, 200);
        for _ in 0..2 {
            let reply = create().await;
            let told = (reply.header("retry-after"), reply.header("x-app-ratelimit-remaining"));
            assert_eq!((reply.status.as_u16(), told), (429, ("30", "0")), "{reply}");
        }
        assert_eq!(library.get("/authors/9").await.status, 404, "what was refused was not done");
        app.travel(Seconds(30));
        assert_eq!(create().await.status, 201);
    }
}
