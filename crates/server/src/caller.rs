//! From a request to who calls (RFC 6750): the one place where a bearer credential of any kind is checked. What a caller
//! is and may do is decided in [`ayb_provider::caller`] and [`ayb_provider::access`].

mod refusal;

use axum::response::{IntoResponse, Response};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::params::Params;
use ayb_protocol::secret::{ApiKey, Secret, SecretHash};
use ayb_protocol::time::Timestamp;
use ayb_provider::bearer::{Bearer, LiveToken, check, classify};
use ayb_provider::session::{Present, present_by_token};
use ayb_provider::{api_key, caller};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::client_ip::ClientIp;
use crate::http::cors::grant_origin;
use crate::http::headers::APP_RATE_LIMIT;
use crate::limits::Standing;
use crate::pages::visit::Visit;
use crate::session_token;
use crate::sign_in::limited;

pub use caller::Caller;
pub use refusal::{NotAdmitted, denied, insufficient_scope};

/// A caller who was let in, and what is left of the limit that they share with others of their app.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Who calls.
    pub caller: Caller,
    standing: Option<Standing>,
}

impl Admitted {
    /// Says in the answer what is left of the app's limit, and that scripts of the app's and the client's own origins may read it.
    #[must_use]
    pub fn finish(&self, mut response: Response) -> Response {
        if let Some(standing) = &self.standing {
            APP_RATE_LIMIT.write(response.headers_mut(), standing);
        }
        grant_origin(&mut response, self.caller.allowed_origins());
        response
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
        // Another way to prove oneself is none here, and not a wrong one either (RFC 6750 §3.1).
        Some((scheme, _)) if !scheme.eq_ignore_ascii_case("bearer") => Ok(None),
        _ => Err(Refusal::new(ErrorCode::InvalidRequest, "The Authorization header is not a bearer token.")),
    }
}

/// Checks a bearer string and counts the request against the limits of its client and its app. What proves nobody
/// counts against the address that it came from, so an address that sends good credentials is never slowed down by it.
///
/// # Errors
/// `invalid_token`, a limit that is used up, or our own trouble.
pub async fn admit(
    app: &App,
    token: &str,
    address: ClientIp,
    now: Timestamp,
) -> Result<Admitted, NotAdmitted> {
    let caller = match who(app, token, now).await {
        Err(NotAdmitted::Refused(error)) if error.refusal().code == ErrorCode::InvalidToken => {
            limited(app.limits.failure(address, now).await)?;
            return Err(error.into());
        }
        outcome => outcome?,
    };
    // The client first: one that has used up its own limit must not use up the limit of its app.
    if let Some(client) = caller.client_id() {
        limited(app.limits.client_calls(&client.to_string(), now).await)?;
    }
    let standing = match caller.app() {
        Some(of) => app.limits.app(of.id, of.rate_limit, now).await,
        None => None,
    };
    match standing {
        Some(standing) if !standing.verdict.is_allowed() => Err(NotAdmitted::OverLimit(standing)),
        standing => Ok(Admitted { caller, standing }),
    }
}

/// Whose credential it is. The kinds never stand in for each other.
async fn who(app: &App, token: &str, now: Timestamp) -> Result<Caller, NotAdmitted> {
    Ok(match classify(token) {
        Bearer::Opaque(secret) => {
            let (row, hash) = secret.locate(app.mint.mask());
            Caller::Token(Box::new(access_token(app, row, hash, now).await?))
        }
        Bearer::Jwt { row, hash, audience } => {
            let live = access_token(app, row, hash, now).await?;
            Caller::Token(Box::new(live.with_audience(audience.as_deref(), app.issuer())))
        }
        Bearer::ApiKey(secret) => Caller::ApiKey(Box::new(key(app, &secret, now).await?)),
        Bearer::Session => Caller::Session(Box::new(session(app, token, now).await?)),
        Bearer::Unusable => return Err(dead("not a token of this server").into()),
    })
}

async fn access_token(
    app: &App,
    row: Uuid,
    hash: SecretHash<ayb_protocol::secret::Access>,
    now: Timestamp,
) -> Result<LiveToken, NotAdmitted> {
    let live = check(&hash, app.store.access(row).await?, now)?;
    if live.found().record_first_use && !app.store.record_first_use(row, &hash, now).await? {
        return Err(dead("died since it was checked").into());
    }
    Ok(live)
}

async fn key(app: &App, secret: &Secret<ApiKey>, now: Timestamp) -> Result<api_key::LiveKey, NotAdmitted> {
    let hash = secret.hash();
    let live = api_key::check(&hash, app.store.api_key(hash).await?, now)?;
    app.key_use.note(live.key(), now);
    Ok(live)
}

async fn session(app: &App, token: &str, now: Timestamp) -> Result<Present, NotAdmitted> {
    let claims = session_token::verify(app, token, now).ok_or_else(|| dead("session token"))?;
    let found = app.store.api_session(claims.session).await?;
    Ok(present_by_token(claims.user, found, now).ok_or_else(|| dead("session is over"))?)
}

/// Reads and checks the credential of a request.
///
/// # Errors
/// What the request is refused with.
pub async fn caller(visit: &Visit) -> Result<Admitted, NotAdmitted> {
    let token = token(&visit.headers, None)?.ok_or(NotAdmitted::Missing)?;
    admit(&visit.app, &token, visit.caller, visit.now).await
}

/// Does something for whoever proves to be somebody, with what every answer of a protected API carries: 401 and 429 in
/// the envelope, what is left of the app's limit, and the origins that may read it.
pub async fn for_caller<E: IntoResponse>(
    visit: &Visit,
    work: impl AsyncFnOnce(&Caller) -> Result<Response, E>,
) -> Response {
    match caller(visit).await {
        Ok(admitted) => {
            let answer = work(&admitted.caller).await;
            admitted.finish(answer.unwrap_or_else(IntoResponse::into_response))
        }
        Err(refused) => refused.envelope(),
    }
}

fn dead(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidToken, "The access token is invalid, expired or revoked.").detail(detail)
}
