//! Answers of the test server.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::http::HttpResponse;

pub(super) fn json(status: u16, value: &Value) -> HttpResponse {
    with(status, "application/json", value.to_string())
}

pub(super) fn error(status: u16, code: &str) -> HttpResponse {
    json(status, &json!({ "error": code, "error_description": "said the test server" }))
}

pub(super) fn with(status: u16, content_type: &str, body: impl Into<Bytes>) -> HttpResponse {
    let headers = vec![
        ("content-type".to_owned(), content_type.to_owned()),
        ("x-request-id".to_owned(), "request-1".to_owned()),
    ];
    HttpResponse { status, headers, body: body.into() }
}

/// The same answer with a header more.
pub(super) fn and(mut answer: HttpResponse, name: &str, value: &str) -> HttpResponse {
    answer.headers.push((name.to_owned(), value.to_owned()));
    answer
}
