use http::Method;
use serde_json::json;

use super::everywhere;

#[tokio::test]
async fn a_row_is_created_read_changed_replaced_and_deleted() {
    for library in everywhere().await {
        let made = library.post("/books", &json!({"title": "A", "pages": 1, "doc": {"k": [1]}})).await;
        assert_eq!(made.status, 201, "{made}");
        let (row, address) = (made.json(), made.location().to_owned());
        assert_eq!(address, format!("/api/collections/books/{}", row["id"]));
        let path = address.trim_start_matches("/api/collections");
        assert_eq!(library.get(path).await.json(), row);
        let changed = library.send(Method::PATCH, path, &json!({"pages": 2})).await;
        assert_eq!((changed.status.as_u16(), &changed.json()["title"]), (200, &json!("A")), "{changed}");
        let replaced = library.send(Method::PUT, path, &json!({"title": "B"})).await;
        let expected = json!({"id": row["id"], "title": "B", "pages": null, "price": null, "author_id": null, "doc": null});
        assert_eq!((replaced.status.as_u16(), replaced.json()), (200, expected), "{replaced}");
        let gone = library.delete(path).await;
        assert_eq!((gone.status.as_u16(), gone.text().as_str()), (204, ""), "{gone}");
        assert_eq!(gone.header("cache-control"), "no-store");
        for reply in [library.get(path).await, library.delete(path).await] {
            assert_eq!(reply.status, 404, "{reply}");
        }
        let after = library.send(Method::PATCH, path, &json!({"pages": 2})).await;
        assert_eq!(after.status, 404, "{after}");
    }
}

#[tokio::test]
async fn bad_input_gets_the_status_and_the_field_that_say_what_is_wrong() {
    for library in everywhere().await {
        library.stock().await;
        let cases = [
            (json!({"title": "x", "nope": 1}), 422, "nope"),
            (json!({"title": 5}), 422, "title"),
            (json!({"title": null}), 422, "title"),
            (json!({}), 422, "title"),
            (json!({"title": "a\u{0}b"}), 422, "title"),
            (json!({"title": "x", "pages": "many"}), 422, "pages"),
            (json!({"title": "x", "pages": 1e30}), 422, "pages"),
            (json!({"title": "x", "id": 1}), 409, ""),
            (json!({"title": "x", "author_id": 99}), 409, ""),
        ];
        for (body, status, field) in cases {
            let reply = library.post("/books", &body).await;
            assert_eq!(reply.status, status, "{body}: {reply}");
            assert_eq!(reply.json()["data"]["field"].as_str().unwrap_or_default(), field, "{body}: {reply}");
            assert!(reply.json()["code"] == status && reply.json()["message"].is_string());
        }
        let send = async |kind: &str, body: &str| {
            let call = library.app.post("/api/collections/books").bearer(&library.token);
            call.body(kind, body).await
        };
        for (kind, body, status) in [
            ("application/json", "{\"title\": \"x\", \"pages\": 1e400000}", 422),
            ("application/json", "{\"title\": \"x\", \"title\": \"y\"}", 422),
            ("application/json", "{\"title\": ", 400),
            ("application/json", "[]", 422),
            ("application/json", "\"x\"", 422),
            ("text/plain", "{}", 415),
        ] {
            let reply = send(kind, body).await;
            assert_eq!(reply.status, status, "{body}: {reply}");
        }
        let large = format!("{{\"title\": \"{}\"}}", "x".repeat(1 << 20));
        assert_eq!(send("application/json", &large).await.status, 413);
        let deep = format!("{{\"title\": \"deep\", \"doc\": {}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
        let reply = send("application/json", &deep).await;
        assert!(!reply.status.is_server_error(), "{}", reply.status);
        assert_eq!(library.delete("/authors/1").await.status, 409, "books refer to it");
    }
}

#[tokio::test]
async fn a_number_keeps_all_its_digits() {
    for library in everywhere().await {
        let postgres = library.app.app.store.db().engine() == ayb_store::db::Engine::Postgres;
        let create = if postgres {
            "create table exact (id bigint primary key, n numeric)"
        } else {
            "create table exact (id integer primary key, n text)"
        };
        library.app.app.store.db().execute(create, vec![]).await.unwrap();
        let number =
            if postgres { "12345678901234567890.123456789" } else { "\"12345678901234567890.123456789\"" };
        let body = format!("{{\"id\": 9223372036854775807, \"n\": {number}}}");
        let call = library.app.post("/api/collections/exact").bearer(&library.token);
        let made = call.body("application/json", body).await;
        assert_eq!(made.status, 201, "{made}");
        let read = library.get("/exact/9223372036854775807").await.text();
        assert!(
            read.contains("12345678901234567890.123456789") && read.contains("9223372036854775807"),
            "{read}"
        );
    }
}

#[tokio::test]
async fn addresses_of_strange_rows_and_tables_lead_there() {
    for library in everywhere().await {
        let table = "/odd%20name%2F%22x";
        let made = library.post(table, &json!({"a,b": "1,2/ü%", "n": -3})).await;
        assert_eq!(made.status, 201, "{made}");
        let location = made.location().to_owned();
        assert_eq!(location, "/api/collections/odd%20name%2F%22x/1%2C2%2F%C3%BC%25,-3");
        let read = library.app.get(&location).bearer(&library.token).await;
        assert_eq!(read.json(), made.json(), "{read}");
        for path in [
            "/books/",
            "/books/x",
            "/books/1,2",
            "/books/%00",
            "/books/99999999999999999999",
            "/books/1%20or%201=1",
            "/titles/1",
            "/odd%20name%2F%22x/1",
            "/odd%20name%2F%22x/1,2,3",
        ] {
            let reply = library.get(path).await;
            assert_eq!(reply.status, 404, "{path} {reply}");
        }
        assert_eq!(library.get("/books/%ff").await.status, 400);
        for path in
            ["/nowhere", "/_ayb_users", "/sqlite_schema", "/pg_class", "/books%22", "/books;", "/BOOKS%00"]
        {
            let reply = library.get(path).await;
            assert_eq!(
                (reply.status.as_u16(), reply.member("message")),
                (404, "there is no such table".to_owned()),
                "{path}"
            );
        }
        let view = library.post("/titles", &json!({"title": "x"})).await;
        assert_eq!((view.status.as_u16(), view.header("allow")), (405, "GET, HEAD"), "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_key_is_a_word_of_the_api_has_an_address_too() {
    for library in everywhere().await {
        for slug in ["batch", "openapi.json", "index"] {
            let made = library.post("/pages", &json!({"slug": slug, "text": "a"})).await;
            assert_eq!(made.status, 201, "{made}");
            let path = format!("/pages/{slug}");
            assert_eq!(made.location(), format!("/api/collections{path}"));
            assert_eq!(library.get(&path).await.json(), made.json());
            let changed = library.send(http::Method::PATCH, &path, &json!({"text": "b"})).await;
            assert_eq!((changed.status.as_u16(), &changed.json()["text"]), (200, &json!("b")));
            let replaced = library.send(http::Method::PUT, &path, &json!({})).await;
            assert_eq!((replaced.status.as_u16(), &replaced.json()["text"]), (200, &json!(null)));
            assert_eq!(library.delete(&path).await.status, 204);
            assert_eq!(library.get(&path).await.status, 404);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_with_signs_in_its_name_is_shown_and_sorted_by() {
    for library in everywhere().await {
        for (text, n) in [("x", 1), ("y", 2)] {
            let made = library.post("/odd%20name%2F%22x", &json!({"a,b": text, "n": n})).await;
            assert_eq!(made.status, 201, "{made}");
        }
        let listed = library.get("/odd%20name%2F%22x?sort=-%60a,b%60&fields=%60a,b%60,n").await;
        assert_eq!(listed.json()["items"], json!([{"a,b": "y", "n": 2}, {"a,b": "x", "n": 1}]), "{listed}");
        let bare = library.get("/odd%20name%2F%22x?sort=a,b").await;
        assert_eq!(bare.status, 400, "{bare}");
    }
}
