//! Errors of the OAuth endpoints: JSON by RFC 6749 §5.2, with the challenge that the status asks for.

use axum::Json;
use axum::response::{IntoResponse, Response};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::token::ErrorResponse;
use ayb_protocol::time::Seconds;
use ayb_provider::limit::Verdict;
use ayb_store::error::StoreError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::entropy::EntropyError;
use crate::error::{ApiError, LogDetail, RETRY_SOON};
use crate::http::body::BodyError;
use crate::http::extract::BodyRejection;
use crate::http::headers::{RATE_LIMIT, no_store};
use crate::limits::Standing;

/// An error answer of an OAuth endpoint.
#[derive(Clone, Debug)]
pub struct OAuthError {
    refusal: Refusal,
    /// The status, where it is about the transport of the request and not about its meaning.
    transport: Option<StatusCode>,
    retry_after: Option<Seconds>,
    standing: Option<Standing>,
}

impl OAuthError {
    /// What went wrong.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        let of_code = || StatusCode::from_u16(self.refusal.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        self.transport.unwrap_or_else(of_code)
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after: Seconds) -> Self {
        let refusal = Refusal::new(ErrorCode::TooManyRequests, "Too many requests; try again later.");
        Self { retry_after: Some(retry_after), ..refusal.into() }
    }

    /// 400, whatever the code.
    pub fn as_bad_request(refusal: Refusal) -> Self {
        Self { transport: Some(StatusCode::BAD_REQUEST), ..refusal.into() }
    }

    /// 405: the endpoint takes `POST` only (RFC 6749 §3.2, RFC 7009 §2.1).
    pub fn wrong_method() -> Self {
        let refusal = Refusal::new(ErrorCode::InvalidRequest, "Send the request with POST.");
        Self { transport: Some(StatusCode::METHOD_NOT_ALLOWED), ..refusal.into() }
    }

    /// A fault of the edge, which has a status and no code of OAuth.
    pub fn at_edge(error: &ApiError) -> Self {
        let status = error.status();
        let (code, text) = match status.as_u16() {
            503 => (
                ErrorCode::TemporarilyUnavailable,
                "The server cannot do this at the moment; try again soon.",
            ),
            500.. => (ErrorCode::ServerError, "The server failed; the fault is logged."),
            _ => (ErrorCode::InvalidRequest, "The request is too large or not readable."),
        };
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_SOON);
        let refusal = Refusal::new(code, text).detail(error.log_detail().unwrap_or(text));
        Self { transport: Some(status), retry_after, ..refusal.into() }
    }

    /// 503 with `Retry-After`: the store could not do it.
    pub fn not_now(error: &StoreError) -> Self {
        let text = "The server cannot do this at the moment; try again soon.";
        let refusal = Refusal::new(ErrorCode::TemporarilyUnavailable, text).detail(error.to_string());
        Self { retry_after: Some(RETRY_SOON), ..refusal.into() }
    }

    /// 429 with the state of the limit that is used up, `Retry-After` included.
    pub fn limited(standing: Standing) -> Self {
        Self { standing: Some(standing), ..Self::too_many(RETRY_SOON) }
    }
}

impl OAuthError {
    /// 503 with `Retry-After`: more sign-ins at once than passwords can be hashed.
    pub fn busy() -> Self {
        let refusal =
            Refusal::new(ErrorCode::TemporarilyUnavailable, "Too many people sign in at once; try again.");
        Self { retry_after: Some(RETRY_SOON), ..refusal.into() }
    }
}

impl OAuthError {
    fn log_line(&self) -> String {
        let detail = self.refusal.detail.as_deref().unwrap_or(self.refusal.public);
        format!("{}: {detail}", self.refusal.code)
    }

    /// How long to wait before the next attempt, where waiting helps.
    pub fn wait(&self) -> Option<Seconds> {
        match self.standing.map(|standing| standing.verdict) {
            Some(Verdict::Limited { retry_after, .. }) => Some(retry_after),
            _ => self.retry_after,
        }
    }

    /// What the answer says in its header in whatever form: the challenge of a 401, and when to come back.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.when_to_come_back();
        let challenge = match self.refusal.code {
            _ if self.status() != StatusCode::UNAUTHORIZED => None,
            // RFC 6749 §5.2: the challenge names the scheme that a client may use here.
            ErrorCode::InvalidClient => Some("Basic realm=\"ayb\", charset=\"UTF-8\""),
            ErrorCode::InvalidToken => Some("Bearer realm=\"ayb\", error=\"invalid_token\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        headers
    }

    /// `Retry-After`, and what is left of a limit.
    fn when_to_come_back(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.0));
        }
        if let Some(standing) = &self.standing {
            RATE_LIMIT.write(&mut headers, standing);
        }
        headers
    }
}

impl From<OAuthError> for ApiError {
    /// The same error outside the OAuth endpoints: in the envelope.
    fn from(error: OAuthError) -> Self {
        let headers = error.when_to_come_back();
        let envelope = Self::new(error.status(), error.refusal.public).detail(error.log_line());
        headers.into_iter().fold(envelope, |envelope, (name, value)| match name {
            Some(name) => envelope.header(name, value),
            None => envelope,
        })
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, transport: None, retry_after: None, standing: None }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::not_now(&error),
            _ => internal(error.to_string()),
        }
    }
}

impl From<EntropyError> for OAuthError {
    fn from(error: EntropyError) -> Self {
        internal(error.to_string())
    }
}

impl From<BodyRejection> for OAuthError {
    fn from(rejection: BodyRejection) -> Self {
        let text = match rejection {
            BodyRejection::NotAForm | BodyRejection::NotJson => {
                "The body must be application/x-www-form-urlencoded."
            }
            BodyRejection::Malformed => "The parameters are not well-formed.",
            BodyRejection::Body(_) => "The body is too large, too slow or broken.",
        };
        let transport = match rejection {
            BodyRejection::Body(BodyError::TooLarge | BodyError::TooSlow) => Some(rejection.status()),
            _ => None,
        };
        let refusal = Refusal::new(ErrorCode::InvalidRequest, text).detail(rejection.to_string());
        Self { transport, ..refusal.into() }
    }
}

/// A fault of ours; `detail` is for the log.
pub fn internal(detail: impl Into<String>) -> OAuthError {
    Refusal::new(ErrorCode::ServerError, "The server failed; the fault is logged.").detail(detail).into()
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut response = no_store((self.status(), Json(ErrorResponse::from(&self.refusal))));
        response.headers_mut().extend(self.headers());
        response.extensions_mut().insert(LogDetail(self.log_line()));
        response
    }
}
