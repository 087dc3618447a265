//! The error of the JSON API outside the OAuth endpoints: an envelope `{code, message, data?, doc_url?}`.

use std::borrow::Cow;
use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ayb_protocol::time::Seconds;
use ayb_provider::register::FieldError;
use ayb_store::error::StoreError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::entropy::EntropyError;
use crate::http::headers;
use crate::password::PasswordError;

/// How long a client should wait before it tries again when the fault is ours.
pub const RETRY_SOON: Seconds = Seconds(5);

/// An answer that is not a success. The message is public and fixed; what only the operator may read is the detail,
/// which reaches the request's log line and nothing else.
#[derive(Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Clone)]
struct Parts {
    status: StatusCode,
    message: Cow<'static, str>,
    data: Option<Value>,
    doc_url: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    detail: Option<String>,
}

/// What the operator may read about an answer. It travels in the response's extensions to the request's log line.
#[derive(Clone, Debug)]
pub struct LogDetail(pub String);

#[derive(Serialize)]
struct Envelope<'a> {
    code: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_url: Option<&'static str>,
}

impl ApiError {
    /// An error with the status and the public text given. The text must not repeat anything the caller sent.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let (message, headers) = (message.into(), Vec::new());
        Self(Box::new(Parts { status, message, data: None, doc_url: None, headers, detail: None }))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400: a member of the body or of the query breaks a rule; `data.field` names it.
    pub fn field(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(message).data(serde_json::json!({"field": field}))
    }

    /// 401 with the challenge of a bearer-token endpoint (RFC 6750 §3, RFC 9110 §11.6.1).
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static(headers::BEARER_CHALLENGE))
    }

    /// 403: known, and not allowed.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: the state does not allow it, for example a name that is taken.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 422: understood, but a value breaks a rule.
    pub fn unprocessable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 429 with `Retry-After` (RFC 6585 §4).
    pub fn too_many(message: impl Into<Cow<'static, str>>, retry_after: Seconds) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(retry_after)
    }

    /// 503 with `Retry-After`: it may work soon. `detail` is for the log.
    pub fn unavailable(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the service is not available at the moment")
            .retry_after(RETRY_SOON)
            .detail(detail)
    }

    /// 500: our fault. `detail` is for the log.
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "an internal error occurred").detail(detail)
    }

    /// Adds facts for programs, such as the name of the field at fault. Must not repeat what the caller sent.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.0.data = Some(data);
        self
    }

    /// Adds the address of the page of the manual that explains the error.
    #[must_use]
    pub fn doc_url(mut self, doc_url: &'static str) -> Self {
        self.0.doc_url = Some(doc_url);
        self
    }

    /// Says how long to wait before the next attempt.
    #[must_use]
    pub fn retry_after(self, wait: Seconds) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(wait.0))
    }

    /// Adds what only the operator may read. It must hold no secret: it is written to the log.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What only the operator may read.
    pub fn log_detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The public text.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Parts { status, message, data, doc_url, headers, detail } = *self.0;
        let envelope = Envelope { code: status.as_u16(), message: &message, data: data.as_ref(), doc_url };
        let mut response = headers::no_store((status, Json(envelope)));
        response.headers_mut().extend(headers);
        if let Some(detail) = detail {
            response.extensions_mut().insert(LogDetail(detail));
        }
        response
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status.as_u16(), self.0.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    /// A store that fails is our fault and never the caller's; only a clash of keys or references is a state that the
    /// caller can change.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::unavailable(error),
            StoreError::Duplicate { .. } => Self::conflict("it exists already").detail(error),
            StoreError::ForeignKey => Self::conflict("something else depends on it").detail(error),
            StoreError::Check { .. } | StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::field(error.field, error.message)
    }
}

impl From<EntropyError> for ApiError {
    fn from(error: EntropyError) -> Self {
        Self::internal(error)
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooLong => Self::bad_request(error.to_string()),
            PasswordError::Busy => Self::unavailable(error),
            PasswordError::Stored
            | PasswordError::Cost
            | PasswordError::Pool(_)
            | PasswordError::Entropy(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(response: Response) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_envelope_says_code_and_message_and_leaves_out_what_is_absent() {
        let response = ApiError::not_found("no such client").into_response();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(body(response).await, serde_json::json!({"code": 404, "message": "no such client"}));
    }

    #[tokio::test]
    async fn data_and_doc_url_are_shown_when_given() {
        let error = ApiError::bad_request("name is missing")
            .data(serde_json::json!({"field": "name"}))
            .doc_url("https://ayb.example/errors");
        let expected = serde_json::json!({
            "code": 400, "message": "name is missing", "data": {"field": "name"}, "doc_url": "https://ayb.example/errors"
        });
        assert_eq!(body(error.into_response()).await, expected);
    }

    #[tokio::test]
    async fn the_detail_reaches_the_log_and_not_the_peer() {
        let response = ApiError::internal("disk sda1 is gone").into_response();
        assert_eq!(response.extensions().get::<LogDetail>().unwrap().0, "disk sda1 is gone");
        assert!(!body(response).await.to_string().contains("sda1"));
        assert!(!format!("{:?}", ApiError::internal("disk sda1 is gone")).contains("sda1"));
    }

    #[test]
    fn a_store_that_fails_is_5xx_and_a_clash_is_409() {
        let text = || "users_email_key".to_owned();
        let cases = [
            (StoreError::Unavailable { cause: text() }, 503),
            (StoreError::Corrupt { what: text() }, 500),
            (StoreError::Check { constraint: text() }, 500),
            (StoreError::Duplicate { constraint: text() }, 409),
            (StoreError::ForeignKey, 409),
        ];
        for (error, status) in cases {
            let error = ApiError::from(error);
            assert_eq!(error.status(), status);
            assert!(!error.to_string().contains("users_email_key"), "the peer does not read our columns");
        }
    }

    #[test]
    fn an_overloaded_password_queue_says_when_to_come_back() {
        let response = ApiError::from(PasswordError::Busy).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &HeaderValue::from(5))
        );
        assert_eq!(ApiError::from(PasswordError::TooLong).status(), 400);
        assert_eq!(ApiError::from(PasswordError::Stored).status(), 500);
    }

    #[test]
    fn answers_that_may_be_retried_say_when_and_401_challenges() {
        assert_eq!(ApiError::unavailable("x").into_response().headers()["retry-after"], "5");
        assert_eq!(ApiError::too_many("slow down", Seconds(7)).into_response().headers()["retry-after"], "7");
        let refused = ApiError::unauthorized("sign in").into_response();
        assert_eq!(refused.headers()["www-authenticate"], "Bearer realm=\"ayb\"");
    }
}
