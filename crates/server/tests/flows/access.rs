//! One credential system: what each kind of credential opens and keeps shut, as one table of requests.
//!
//! The answer that is wanted of a request is worked out here from what the credential says and what the request needs,
//! for every credential with every request.

mod credentials;

use ayb_testkit::rows::TextRow;
use http::Method;

use self::credentials::{Credential, Means, credentials};
use super::collections::{Library, everywhere};
use crate::kit::Reply;

const READ: &str = "readonly";
const WRITE: &str = "readwrite";

/// Method, path, body, the least scope, the tables that it reaches, and the answer to whoever may.
type Ask = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], u16);

/// In an order in which each can be done by whoever may do all of them, and leaves everything as it was.
const ASKS: &[Ask] = &[
    ("GET", "", "", READ, &[], 200),
    ("HEAD", "", "", READ, &[], 200),
    ("GET", "/openapi.json", "", READ, &[], 200),
    ("HEAD", "/openapi.json", "", READ, &[], 200),
    ("GET", "/books", "", READ, &["books"], 200),
    ("HEAD", "/books", "", READ, &["books"], 200),
    ("GET", "/books?cursor=&perPage=1", "", READ, &["books"], 200),
    ("GET", "/books?filter=author_id%20%3D%201", "", READ, &["books"], 200),
    ("GET", "/books?filter=author_id.name%20%3D%20'Ada'", "", READ, &["books", "authors"], 200),
    ("HEAD", "/books?filter=author_id.name%20%3D%20'Ada'", "", READ, &["books", "authors"], 200),
    (
        "GET",
        "/books?filter=id%3D1%20or%20not%20(id%3D2%20and%20author_id.name%20like%20'x%25')",
        "",
        READ,
        &["books", "authors"],
        200,
    ),
    ("GET", "/books?expand=author_id", "", READ, &["books", "authors"], 200),
    ("HEAD", "/books?expand=author_id", "", READ, &["books", "authors"], 200),
    ("GET", "/books?perPage=1&fields=id&expand=author_id", "", READ, &["books", "authors"], 200),
    ("GET", "/books/1", "", READ, &["books"], 200),
    ("HEAD", "/books/1", "", READ, &["books"], 200),
    ("GET", "/books/1?expand=author_id", "", READ, &["books", "authors"], 200),
    ("GET", "/authors/1", "", READ, &["authors"], 200),
    ("POST", "/books", r#"{"id": 70, "title": "N", "author_id": 1}"#, WRITE, &["books"], 201),
    ("PATCH", "/books/70", r#"{"pages": 11}"#, WRITE, &["books"], 200),
    ("PUT", "/books/70", r#"{"title": "M"}"#, WRITE, &["books"], 200),
    ("DELETE", "/books/70", "", WRITE, &["books"], 204),
    ("DELETE", "/books/70", "", WRITE, &["books"], 404),
    (
        "POST",
        "/books/batch",
        r#"{"operations": [
            {"method": "create", "data": {"id": 71, "title": "N"}},
            {"method": "update", "id": 71, "data": {"pages": 1}},
            {"method": "delete", "id": 71}
        ]}"#,
        WRITE,
        &["books"],
        200,
    ),
    ("GET", "/nowhere", "", READ, &["nowhere"], 404),
    ("HEAD", "/nowhere", "", READ, &["nowhere"], 404),
    ("GET", "/nowhere/1", "", READ, &["nowhere"], 404),
    ("GET", "/_ayb_users", "", READ, &["_ayb_users"], 404),
    ("POST", "/_ayb_users", "{}", WRITE, &["_ayb_users"], 404),
    ("DELETE", "/_ayb_users/1", "", WRITE, &["_ayb_users"], 404),
    ("GET", "/books/batch", "", READ, &["books"], 404),
    ("DELETE", "/books/batch", "", WRITE, &["books"], 404),
    ("POST", "/nowhere/batch", r#"{"operations": []}"#, WRITE, &["nowhere"], 404),
];

/// What no address takes, whoever asks.
const NEVER: &[(&str, &str)] = &[
    ("PUT", ""),
    ("POST", "/openapi.json"),
    ("PUT", "/books"),
    ("PATCH", "/books"),
    ("DELETE", "/books"),
    ("POST", "/books/1"),
    ("OPTIONS", "/books"),
    ("OPTIONS", "/books/1"),
    ("TRACE", "/books"),
];

/// The status of an answer, the error of its challenge, and the scope that it says would do.
type Verdict = (u16, &'static str, &'static str);

fn wanted(means: &Means, (_, _, _, needs, tables, done): &Ask) -> Verdict {
    let (scope, allowed) = match means {
        Means::Missing => return (401, "", ""),
        Means::Dead => return (401, "invalid_token", ""),
        Means::Alive { scope, tables } => (*scope, *tables),
    };
    let suffices = match scope {
        "readwrite" | "*" => true,
        "readonly" => *needs == READ,
        _ => false,
    };
    if !suffices {
        return (403, "insufficient_scope", needs);
    }
    if tables.iter().any(|table| !allowed.is_empty() && !allowed.contains(table)) {
        return (403, "insufficient_scope", "");
    }
    (*done, "", "")
}

/// The value of a parameter of the challenge; empty when it is not there.
fn challenged<'a>(reply: &'a Reply, parameter: &str) -> &'a str {
    let found = reply.header("www-authenticate").split_once(&format!(" {parameter}=\""));
    found.map(|(_, rest)| rest.split('"').next().unwrap()).unwrap_or_default()
}

async fn send(library: &Library, credential: &Credential, method: &str, path: &str, body: &str) -> Reply {
    let call = library.app.request(method.parse().unwrap(), &format!("/api/collections{path}"));
    let call = if body.is_empty() { call } else { call.body("application/json", body) };
    match &credential.token {
        Some(token) => call.bearer(token).await,
        None => call.await,
    }
}

async fn assert_wanted(library: &Library, credential: &Credential, ask: &Ask) {
    let (method, path, body, ..) = *ask;
    let verdict @ (status, ..) = wanted(&credential.means, ask);
    let reply = send(library, credential, method, path, body).await;
    let case = format!("{} {method} {path}: {reply}", credential.name);
    let found = (reply.status.as_u16(), challenged(&reply, "error"), challenged(&reply, "scope"));
    assert_eq!(found, verdict, "{case}");
    assert_eq!(reply.header("www-authenticate").is_empty(), !matches!(status, 401 | 403), "{case}");
    if method == "HEAD" {
        assert_eq!(reply.text(), "", "{case}");
    } else if status == 403 {
        let data = reply.json()["data"].clone();
        let said = ["error", "scope"].map(|name| data[name].as_str().unwrap_or_default().to_owned());
        assert_eq!(said, [verdict.1, verdict.2], "{case}");
    }
    if (method, status) == ("GET", 200)
        && let Means::Alive { tables, .. } = credential.means
        && ["", "/openapi.json"].contains(&path)
    {
        let text = reply.text();
        for table in ["authors", "books"] {
            let told = tables.is_empty() || tables.contains(&table);
            assert_eq!(text.contains(table), told, "{table} {case}");
        }
    }
}

/// Every row that the requests could touch, as the database has it.
async fn rows(library: &Library) -> [Vec<TextRow>; 2] {
    let books = library.app.db_rows("select id, title, pages, author_id from books order by id").await;
    [books, library.app.db_rows("select id, name from authors order by id").await]
}

#[tokio::test]
async fn each_credential_opens_what_its_scope_and_its_tables_say_and_nothing_else() {
    for library in everywhere().await {
        library.stock().await;
        let before = rows(&library).await;
        for credential in credentials(&library).await {
            let refused = |ask: &&Ask| matches!(wanted(&credential.means, ask), (401 | 403, ..));
            for ask in ASKS.iter().filter(refused) {
                assert_wanted(&library, &credential, ask).await;
            }
            assert_eq!(
                rows(&library).await,
                before,
                "{} was refused, and changed something",
                credential.name
            );
            for ask in ASKS.iter().filter(|ask| !refused(ask)) {
                assert_wanted(&library, &credential, ask).await;
            }
            assert_eq!(rows(&library).await, before, "{}", credential.name);
        }
    }
}

#[tokio::test]
async fn what_no_address_takes_is_refused_whoever_asks_and_a_preflight_needs_no_credential() {
    let library = everywhere().await.remove(0);
    for credential in credentials(&library).await {
        for (method, path) in NEVER {
            let reply = send(&library, &credential, method, path, "").await;
            assert_eq!(reply.status, 405, "{} {method} {path}: {reply}", credential.name);
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let call = library.app.request(Method::OPTIONS, "/api/collections/books/1");
            let call = call.header("origin", "https://app.example");
            let call = call.header("access-control-request-method", method);
            let reply = match &credential.token {
                Some(token) => call.bearer(token).await,
                None => call.await,
            };
            assert_eq!(reply.status, 204, "{} {method}: {reply}", credential.name);
            assert!(reply.header("access-control-allow-methods").contains(method), "{reply}");
        }
    }
}
