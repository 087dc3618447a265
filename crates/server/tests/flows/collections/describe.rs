use serde_json::{Value, json};

use super::everywhere;

#[tokio::test]
async fn the_description_names_columns_keys_and_references() {
    for library in everywhere().await {
        let body = library.get("").await.json();
        let items = body["items"].as_array().unwrap();
        let names: Vec<_> = items.iter().map(|item| item["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["authors", "books", "notes", "odd name/\"x", "pages", "titles"]);
        let books = &items[1];
        assert_eq!(books["primaryKey"], json!(["id"]));
        assert_eq!(
            books["references"],
            json!([{"columns": ["author_id"], "table": "authors", "to": ["id"]}])
        );
        let title = &books["columns"][1];
        assert_eq!(
            (&title["name"], &title["json"], &title["nullable"]),
            (&json!("title"), &json!("string"), &json!(false))
        );
        assert_eq!((&books["columns"][0]["hasDefault"], &books["writable"]), (&json!(true), &json!(true)));
        assert_eq!((&items[2]["ownerColumn"], &items[5]["view"]), (&json!("owner_id"), &json!(true)));
        assert_eq!(items[5]["writable"], false);
        assert!(!body.to_string().contains("_ayb_"));
    }
}

#[tokio::test]
async fn the_served_document_describes_the_tables_that_there_are() {
    for library in everywhere().await {
        let document = library.get("/openapi.json").await.json();
        assert_eq!(document["openapi"], "3.1.0");
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        for path in ["books", "books/{id}", "books/batch", "odd%20name%2F%22x/{id}", "titles"] {
            assert!(paths.contains(&format!("/api/collections/{path}")), "{path} {paths:?}");
        }
        assert!(document["paths"]["/api/collections/titles"]["post"].is_null(), "a view takes no rows");
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        let row = document["components"]["schemas"]
            .as_object()
            .unwrap()
            .values()
            .find(|one| one["title"] == "books");
        assert_eq!(row.unwrap()["properties"]["pages"]["type"], json!(["integer", "string", "null"]));
        let notes = &document["paths"]["/api/collections/notes/{id}"];
        for (method, status, is_there) in [
            ("get", "405", false),
            ("patch", "405", true),
            ("put", "408", true),
            ("delete", "405", true),
            ("patch", "413", true),
        ] {
            assert_eq!(notes[method]["responses"][status].is_object(), is_there, "{method} {status}");
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let note = schemas.values().find(|one| one["title"] == "notes").unwrap();
        let owner = note["properties"]["owner_id"]["description"].as_str().unwrap();
        assert!(owner.contains("PUT and PATCH keep it"), "{owner}");
    }
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
