//! Bodies and queries as values: forms as ordered pairs, so that a repeated parameter can be seen and refused, and
//! JSON with errors in the envelope.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use ayb_protocol::params::means_itself;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::ApiError;
use crate::http::body::{self, BodyError};

/// The largest form that is read, in bytes: signed requests and assertions fit, uploads do not.
pub const MAX_FORM_BYTES: usize = 64 * 1024;
/// The largest JSON body that is read, in bytes.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
const MAX_PAIRS: usize = 256;
/// The longest path to a member of a JSON body that an error tells.
const MAX_FIELD: usize = 100;

/// The pairs of a form body, in the order they were sent, repeated names included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormPairs(pub Vec<(String, String)>);

/// The pairs of the query, in the order they were sent, repeated names included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryPairs(pub Vec<(String, String)>);

/// A JSON body of type `T`. Give `T` `deny_unknown_fields`; a member that is there twice is refused for every field
/// that `T` names.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

/// Why a body or a query is not what the endpoint reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BodyRejection {
    /// Another content type, or none.
    #[error("the Content-Type must be application/x-www-form-urlencoded")]
    NotAForm,
    /// Another content type, or none.
    #[error("the Content-Type must be application/json")]
    NotJson,
    /// Not name-value pairs in percent-encoded UTF-8, or too many of them.
    #[error("the parameters are not well-formed")]
    Malformed,
    /// Too large, too slow or broken.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl BodyRejection {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAForm | Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed | Self::Body(BodyError::Broken) => StatusCode::BAD_REQUEST,
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl From<BodyRejection> for ApiError {
    fn from(rejection: BodyRejection) -> Self {
        Self::new(rejection.status(), rejection.to_string())
    }
}

impl IntoResponse for BodyRejection {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}

impl<S: Sync> FromRequest<S> for FormPairs {
    type Rejection = BodyRejection;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, BodyRejection> {
        let (head, body) = request.into_parts();
        Self::read(&head.headers, body).await
    }
}

impl FormPairs {
    /// Reads the body of a request with these headers.
    ///
    /// # Errors
    /// When it is no form, or not well-formed.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, BodyRejection> {
        if !is_form(headers) {
            return Err(BodyRejection::NotAForm);
        }
        let bytes = body::read(body, MAX_FORM_BYTES).await?;
        parse_pairs(&bytes).map(Self).ok_or(BodyRejection::Malformed)
    }
}

impl<S: Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = BodyRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, BodyRejection> {
        let query = parts.uri.query().unwrap_or_default();
        parse_pairs(query.as_bytes()).map(Self).ok_or(BodyRejection::Malformed)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(BodyRejection::NotJson.into());
        }
        let bytes = body::read(request.into_body(), MAX_JSON_BYTES).await.map_err(BodyRejection::from)?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| explain(error.inner(), &error.path().to_string()))?;
        reader.end().map_err(|error| explain(&error, ""))?;
        Ok(Self(value))
    }
}

/// Reads `application/x-www-form-urlencoded` text. Stricter than browsers need: a broken percent sign, bytes that are
/// not UTF-8 or a NUL make the whole text unreadable, instead of turning into something else.
pub fn parse_pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let segments = text.split(|byte| *byte == b'&').filter(|segment| !segment.is_empty());
    let pairs = segments.take(MAX_PAIRS + 1).map(|segment| {
        let at = segment.iter().position(|byte| *byte == b'=').unwrap_or(segment.len());
        let (name, value) = (&segment[..at], segment.get(at + 1..).unwrap_or_default());
        Some((decode(name)?, decode(value)?))
    });
    let pairs = pairs.collect::<Option<Vec<_>>>()?;
    (pairs.len() <= MAX_PAIRS).then_some(pairs)
}

fn decode(text: &[u8]) -> Option<String> {
    if means_itself(text) {
        return String::from_utf8(text.to_vec()).ok();
    }
    let escapes_are_whole = text.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return None;
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = String::from_utf8(percent_decode(&spaced).collect()).ok()?;
    (!decoded.contains('\0')).then_some(decoded)
}

fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/x-www-form-urlencoded")
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| {
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    })
}

/// The media type in lower case without its parameters; none when it is missing, repeated or in another character set
/// than UTF-8.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let (field, None) = (fields.next()?.to_str().ok()?, fields.next()) else {
        return None;
    };
    let mut parts = field.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next()?;
    let foreign = |part: &String| {
        part.strip_prefix("charset=")
            .is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8"))
    };
    (!parts.any(|part| foreign(&part))).then_some(kind)
}

/// Says what is wrong with a JSON body without repeating any of it. `path` leads to a value of the wrong type or kind;
/// it is told when it consists of names of ours, which it does unless the last of them is the unknown one. Keys of a map
/// are the caller's, so a path is told only when it could be one of ours by its length and its letters.
fn explain(error: &serde_json::Error, path: &str) -> ApiError {
    let mut data = serde_json::json!({"line": error.line(), "column": error.column()});
    if error.classify() != Category::Data {
        return ApiError::bad_request("the body is not valid JSON").data(data);
    }
    let text = error.to_string();
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let ours = !text.starts_with("unknown field") && could_be_ours(path);
    if let Some(field) = missing.or(ours.then_some(path)) {
        data["field"] = field.into();
    }
    ApiError::unprocessable(data_fault(&text)).data(data)
}

/// Whether `path` looks like members and indices of our types: `scopes[3]`, `client.name`.
fn could_be_ours(path: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte);
    path.len() <= MAX_FIELD && path.starts_with(|c: char| c.is_ascii_alphabetic()) && path.bytes().all(letter)
}

/// The library's text about a missing or repeated field names a field of our own types; its other texts quote what was
/// sent.
fn data_fault(text: &str) -> String {
    let ours = |kind: &str| {
        let name = text.strip_prefix(kind)?.strip_prefix(" `")?.split('`').next()?;
        Some(format!("{kind}: {name}"))
    };
    if text.starts_with("unknown field") {
        return "the body has a member that is not known here".to_owned();
    }
    ours("missing field")
        .or_else(|| ours("duplicate field"))
        .unwrap_or_else(|| "a member of the body has the wrong type or value".to_owned())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn pairs(text: &str) -> Option<Vec<(String, String)>> {
        parse_pairs(text.as_bytes())
    }

    fn owned(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn pairs_keep_their_order_and_their_repetitions() {
        assert_eq!(pairs("b=2&a=1&b=3"), owned(&[("b", "2"), ("a", "1"), ("b", "3")]));
        assert_eq!(pairs(""), owned(&[]));
        assert_eq!(pairs("&&a=1&"), owned(&[("a", "1")]));
        assert_eq!(pairs("a"), owned(&[("a", "")]));
        assert_eq!(pairs("a=b=c"), owned(&[("a", "b=c")]));
        assert_eq!(pairs("a+b=c%20d%2Bé"), owned(&[("a b", "c d+é")]));
        assert_eq!(pairs("%61=%C3%A9"), owned(&[("a", "é")]));
    }

    #[test]
    fn text_that_could_be_read_in_two_ways_is_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "%=a", "a=%ff", "a=%C3", "a=%00", "a\0=b", "a=%+1"] {
            assert_eq!(pairs(text), None, "{text:?}");
        }
        assert_eq!(parse_pairs(b"a=\xff"), None);
        assert!(pairs(&"a=1&".repeat(256)).is_some());
        assert_eq!(pairs(&"a=1&".repeat(257)), None);
    }

    fn post(content_type: &[&str], body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::new(body.into());
        for value in content_type {
            request.headers_mut().append(CONTENT_TYPE, value.parse().unwrap());
        }
        request
    }

    #[tokio::test]
    async fn a_form_must_say_that_it_is_one() {
        let form = "application/x-www-form-urlencoded";
        let accepted: &[&[&str]] = &[
            &[form],
            &["Application/X-WWW-Form-URLEncoded; charset=UTF-8"],
            &["application/x-www-form-urlencoded;charset=\"utf-8\""],
        ];
        for content_type in accepted {
            let read = FormPairs::from_request(post(content_type, "a=1"), &()).await;
            assert_eq!(read.map(|form| Some(form.0)), Ok(owned(&[("a", "1")])), "{content_type:?}");
        }
        let refused: &[&[&str]] = &[
            &[],
            &["application/json"],
            &["multipart/form-data; boundary=x"],
            &["text/plain"],
            &["application/x-www-form-urlencoded; charset=utf-16"],
            &["application/x-www-form-urlencodedx"],
            &[form, form],
            &[""],
        ];
        for content_type in refused {
            let read = FormPairs::from_request(post(content_type, "a=1"), &()).await;
            assert_eq!(read, Err(BodyRejection::NotAForm), "{content_type:?}");
        }
    }

    #[tokio::test]
    async fn a_form_of_64_kib_is_read_and_one_byte_more_is_not() {
        let form = |length: usize| {
            post(&["application/x-www-form-urlencoded"], format!("a={}", "x".repeat(length - 2)))
        };
        assert!(FormPairs::from_request(form(MAX_FORM_BYTES), &()).await.is_ok());
        let refused = FormPairs::from_request(form(MAX_FORM_BYTES + 1), &()).await.unwrap_err();
        assert_eq!(refused.status(), 413);
    }

    #[tokio::test]
    async fn a_query_is_read_by_the_same_rules() {
        let read = |uri: &str| {
            let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
            async move { QueryPairs::from_request_parts(&mut parts, &()).await }
        };
        assert_eq!(read("/x?a=1&a=2").await.map(|query| Some(query.0)), Ok(owned(&[("a", "1"), ("a", "2")])));
        assert_eq!(read("/x").await, Ok(QueryPairs(vec![])));
        assert_eq!(read("/x?a=%ff").await, Err(BodyRejection::Malformed));
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct App {
        name: String,
        #[serde(default)]
        limit: Option<u32>,
    }

    async fn read_app(content_type: &[&str], body: &str) -> Result<App, (u16, String)> {
        match JsonBody::<App>::from_request(post(content_type, body.to_owned()), &()).await {
            Ok(JsonBody(app)) => Ok(app),
            Err(error) => {
                let response = error.into_response();
                let status = response.status().as_u16();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                let envelope: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(envelope["code"], status);
                Err((status, envelope.to_string()))
            }
        }
    }

    #[tokio::test]
    async fn json_is_read_into_its_type() {
        for content_type in ["application/json", "application/json; charset=utf-8", "application/scim+json"] {
            let app = read_app(&[content_type], r#" {"name": "a", "limit": 5} "#).await.unwrap();
            assert_eq!((app.name.as_str(), app.limit), ("a", Some(5)));
        }
    }

    #[tokio::test]
    async fn each_fault_of_a_json_body_has_its_status_and_no_echo() {
        let json: &[&str] = &["application/json"];
        let deep = format!("{{\"name\": {}", "[".repeat(100_000));
        let large = format!("{{\"name\": \"{}\"}}", "x".repeat(MAX_JSON_BYTES));
        let cases: &[(&[&str], &str, u16, &str)] = &[
            (&[], r#"{"name": "a"}"#, 415, "Content-Type"),
            (&["text/plain"], r#"{"name": "a"}"#, 415, "Content-Type"),
            (json, "", 400, "not valid JSON"),
            (json, r#"{"name": "CANARY""#, 400, "not valid JSON"),
            (json, r#"{"name": "a"} CANARY"#, 400, "not valid JSON"),
            (json, r#"{"name": "a",}"#, 400, "not valid JSON"),
            (json, &deep, 422, "wrong type"),
            (json, "{}", 422, "missing field: name"),
            (json, r#"{"name": "CANARY", "name": "CANARY"}"#, 422, "duplicate field: name"),
            (json, r#"{"name": "a", "CANARY": 1}"#, 422, "not known here"),
            (json, r#"{"name": "a", "limit": "CANARY"}"#, 422, "wrong type"),
            (json, r#"{"name": "a", "limit": -1}"#, 422, "\"field\":\"limit\""),
            (json, "[]", 422, "wrong type"),
            (json, "\"CANARY\"", 422, "wrong type"),
            (json, &large, 413, "too large"),
        ];
        for (content_type, body, status, text) in cases {
            let (got, envelope) = read_app(content_type, body).await.unwrap_err();
            let start: String = body.chars().take(60).collect();
            assert_eq!(got, *status, "{start}: {envelope}");
            assert!(envelope.contains(text), "{start}: {envelope}");
            assert!(!envelope.contains("CANARY"), "{start}: {envelope}");
        }
    }

    #[tokio::test]
    async fn a_key_that_the_caller_chose_is_told_only_if_it_could_be_a_name_of_ours() {
        let field = async |key: &str| {
            let body = serde_json::json!({"counts": {key: "not a number"}}).to_string();
            let read = JsonBody::<Counts>::from_request(post(&["application/json"], body), &()).await;
            let response = read.unwrap_err().into_response();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let envelope: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(envelope["code"], 422, "{envelope}");
            envelope["data"].get("field").map(|field| field.as_str().unwrap().to_owned())
        };
        assert_eq!(field("limit").await.as_deref(), Some("counts.limit"));
        let long = "x".repeat(MAX_FIELD);
        let hostile = ["a\nb", "\u{1b}[31m", "<script>", "a b", "\u{202e}", "\0", "é", "\"", &long];
        for key in hostile {
            assert_eq!(field(key).await, None, "{key:?}");
        }
    }

    #[derive(Debug, Deserialize)]
    struct Counts {
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        counts: std::collections::HashMap<String, u32>,
    }

    #[tokio::test]
    async fn json_without_end_to_its_depth_is_an_error_and_not_a_crash() {
        let deep = post(&["application/json"], "[".repeat(100_000));
        let error = JsonBody::<Value>::from_request(deep, &()).await.unwrap_err();
        assert_eq!(error.status(), 400);
    }
}
