//! The bearer check (RFC 6750): from an `Authorization` header to a caller. Every protected door uses it.

use axum::response::{IntoResponse, Response};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::UserId;
use ayb_protocol::params::Params;
use ayb_protocol::time::Timestamp;
use ayb_provider::bearer::{Bearer, LiveToken, check, classify};
use ayb_provider::session::{Present, present_by_token};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::ApiError;
use crate::http::headers::{APP_RATE_LIMIT, BEARER_CHALLENGE};
use crate::limits::Standing;
use crate::oauth::error::OAuthError;
use crate::session_token;

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody who is signed in to the account API.
    Session(Box<Present>),
    /// A client with an access token, for a person or for itself.
    Client(Box<LiveToken>),
}

impl Caller {
    /// The person, if there is one.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Session(present) => Some(present.user().id),
            Self::Client(token) => token.token().user_id,
        }
    }
}

/// Why a request is not let in.
#[derive(Clone, Debug)]
pub enum NotAdmitted {
    /// No credential came: 401 without an error code (RFC 6750 §3.1).
    Missing,
    /// The credential is malformed, dead, or not enough.
    Refused(OAuthError),
    /// The app that the credential belongs to has used up its limit.
    OverLimit(Standing),
}

impl<E: Into<OAuthError>> From<E> for NotAdmitted {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The bearer string of the request. It never comes from the query, where logs would keep it.
///
/// # Errors
/// `invalid_request` when there are two, or another scheme is used.
pub fn token(headers: &HeaderMap, form: Option<&Params>) -> Result<Option<Zeroizing<String>>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let in_form = form.map(|form| form.one("access_token")).transpose()?.flatten();
    let Some(header) = values.next() else {
        return Ok(in_form.map(|token| Zeroizing::new(token.to_owned())));
    };
    if values.next().is_some() || in_form.is_some() {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "Send the access token once."));
    }
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(Zeroizing::new(token.trim().to_owned())))
        }
        _ => Err(Refusal::new(ErrorCode::InvalidRequest, "The Authorization header is not a bearer token.")),
    }
}

/// Checks a bearer string. The kinds never stand in for each other.
///
/// # Errors
/// `invalid_token`, or our own trouble.
pub async fn admit(app: &App, token: &str, now: Timestamp) -> Result<Caller, NotAdmitted> {
    let (row, hash) = match classify(token) {
        Bearer::Opaque(secret) => secret.locate(app.mint.mask()),
        Bearer::Jwt { row, hash } => (row, hash),
        Bearer::Session => return session(app, token, now).await,
        Bearer::Unusable => return Err(dead("not a token of this server").into()),
    };
    let live = check(&hash, app.store.access(row).await?, now)?;
    if live.found().record_first_use && !app.store.record_first_use(row, &hash, now).await? {
        return Err(dead("died since it was checked").into());
    }
    let found = live.found();
    match app.limits.app(found.app_id, found.rate_limit, now) {
        Some(standing) if !standing.verdict.is_allowed() => Err(NotAdmitted::OverLimit(standing)),
        _ => Ok(Caller::Client(Box::new(live))),
    }
}

async fn session(app: &App, token: &str, now: Timestamp) -> Result<Caller, NotAdmitted> {
    let claims = session_token::verify(app, token, now).ok_or_else(|| dead("session token"))?;
    let found = app.store.api_session(claims.session).await?;
    let present = present_by_token(claims.user, found, now).ok_or_else(|| dead("session is over"))?;
    Ok(Caller::Session(Box::new(present)))
}

/// Reads and checks the credential of a request.
///
/// # Errors
/// What the request is refused with.
pub async fn caller(app: &App, headers: &HeaderMap, now: Timestamp) -> Result<Caller, NotAdmitted> {
    let token = token(headers, None)?.ok_or(NotAdmitted::Missing)?;
    admit(app, &token, now).await
}

fn dead(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidToken, "The access token is invalid, expired or revoked.").detail(detail)
}

impl NotAdmitted {
    /// The answer outside the OAuth endpoints: the same status and challenge, with the error in the envelope.
    pub fn envelope(self) -> Response {
        match self {
            Self::Missing | Self::OverLimit(_) => self.into_response(),
            Self::Refused(error) => {
                let refusal = error.refusal().clone();
                challenge(ApiError::from(error).into_response(), Some(&refusal), None)
            }
        }
    }
}

impl IntoResponse for NotAdmitted {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => challenge(ApiError::unauthorized("sign in first").into_response(), None, None),
            Self::OverLimit(standing) => {
                let mut response =
                    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "app rate limit exceeded").into_response();
                APP_RATE_LIMIT.write(response.headers_mut(), standing.limit, &standing.verdict);
                response
            }
            Self::Refused(error) => {
                let refusal = error.refusal().clone();
                challenge(error.into_response(), Some(&refusal), None)
            }
        }
    }
}

/// 403 for a token whose scope is too small; `scope` is what would do (RFC 6750 §3.1).
pub fn insufficient_scope(scope: &'static str) -> Response {
    let refusal = Refusal::new(ErrorCode::InsufficientScope, "The access token does not allow this.");
    challenge(OAuthError::from(refusal.clone()).into_response(), Some(&refusal), Some(scope))
}

/// Adds the challenge of RFC 6750 §3. Our own trouble is no challenge.
fn challenge(mut response: Response, refusal: Option<&Refusal>, scope: Option<&str>) -> Response {
    let text = match refusal {
        None => BEARER_CHALLENGE.to_owned(),
        Some(refusal) if refusal.code.status() >= 500 || refusal.code.status() == 429 => return response,
        Some(refusal) => {
            let scope = scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
            format!(
                "{BEARER_CHALLENGE}, error=\"{}\", error_description=\"{}\"{scope}",
                refusal.code, refusal.public
            )
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
