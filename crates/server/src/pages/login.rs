//! Signing in: `GET` and `POST /login`.

use axum::response::Response;
use ayb_protocol::ids::SessionId;
use ayb_protocol::secret::{BrowserSession, Secret};
use ayb_protocol::time::Timestamp;
use ayb_provider::session::SessionRecord;
use ayb_provider::user::UserRecord;
use ayb_store::SessionKind;
use http::StatusCode;

use crate::app::App;
use crate::http::cookie;
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::limits::Attempt;
use crate::oauth::error::OAuthError;
use crate::pages::asker::{self, AskerNames};
use crate::pages::form::taken_to_sign_in;
use crate::pages::respond::{Allow, page, see_other};
use crate::pages::view::{LoginPage, Problem, View};
use crate::pages::visit::{Visit, field};
use crate::pages::{error, return_to};
use crate::sign_in::{self, SignInError};

/// Where somebody lands who came from nowhere in particular.
pub const HOME: &str = "/account";

/// The parameter that shows the form to somebody who is signed in: as [`OTHER`], or to prove that they are still there.
pub const AGAIN: &str = "again";

/// Somebody else wants to sign in.
const OTHER: &str = "other";

/// The form for somebody else than who is signed in.
pub fn for_somebody_else(to: Option<&str>) -> String {
    return_to::link(&format!("/login?{AGAIN}={OTHER}"), to)
}

/// What the form was opened with.
#[derive(Clone, Copy)]
struct Opened<'a> {
    to: Option<&'a str>,
    again: Option<&'a str>,
}

impl<'a> Opened<'a> {
    fn read(pairs: &'a [(String, String)]) -> Self {
        let to = field(pairs, "return_to").and_then(return_to::checked);
        Self { to, again: field(pairs, AGAIN) }
    }
}

/// Shows the form, or goes on at once when somebody is signed in already.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    show(&visit, &pairs).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

async fn show(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let opened = Opened::read(pairs);
    let Opened { to, again } = opened;
    let present = visit.present().await?;
    if present.is_some() && again.is_none() {
        return Ok(see_other(to.unwrap_or(HOME)));
    }
    let hint = asker::login_hint(pairs, to);
    // Somebody else has another address than the one that is being left.
    let same = present.as_ref().filter(|_| again != Some(OTHER));
    let known = same.map(|present| present.user().email.clone());
    let email = hint.or(known).unwrap_or_default();
    form(visit, opened, &email, Vec::new(), StatusCode::OK).await
}

async fn form(
    visit: &Visit,
    Opened { to, again }: Opened<'_>,
    email: &str,
    problems: Vec<Problem<'_>>,
    status: StatusCode,
) -> Result<Response, OAuthError> {
    let asker = asker::of(&visit.app, to).await?;
    let token = visit.form_token(None)?;
    let view = LoginPage {
        chrome: visit.chrome(None),
        csrf: &token.token,
        return_to: to,
        again,
        asker: asker.as_ref().map(AskerNames::view),
        email,
        sign_up: visit.app.config.auth.registration,
        problems,
    };
    let allow = Allow::form_to(asker.as_ref().map(|asker| asker.origin.as_str()));
    let mut response = page(status, view.html(), &allow);
    cookie::append(response.headers_mut(), token.cookie);
    Ok(response)
}

/// Takes the form.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken_to_sign_in(&visit, "/login", form, async |pairs| take(&visit, pairs).await).await
}

async fn take(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let opened = Opened::read(pairs);
    let email = field(pairs, "email").unwrap_or_default();
    let password = field(pairs, "password").unwrap_or_default();
    let attempt = Attempt::count(&visit.app, visit.caller, visit.now).await?;
    let enter = async |user: UserRecord| enter(visit, &user, opened.to.unwrap_or(HOME)).await;
    match sign_in::with_password(&visit.app, &attempt, email, password, visit.now, enter).await {
        Ok(response) => Ok(response),
        Err(SignInError::Wrong) => {
            let text = "That email address and password do not belong together.";
            let problems = vec![Problem { field: None, text }];
            form(visit, opened, email, problems, StatusCode::UNAUTHORIZED).await
        }
        Err(SignInError::Fault(fault)) => Err(fault),
    }
}

/// Begins a browser session and goes on. The session is always a new one, and an earlier one of this browser ends, so
/// a session that somebody planted beforehand is worth nothing. `None`, and nothing happens, when the password of `user`
/// is another by now or the account is disabled.
///
/// # Errors
/// When the store cannot keep it.
pub async fn enter(visit: &Visit, user: &UserRecord, to: &str) -> Result<Option<Response>, OAuthError> {
    let Some(secret) = begin(visit, user).await? else { return Ok(None) };
    let mut response = see_other(to);
    cookie::append(response.headers_mut(), visit.app.session_cookie().set(secret.expose()));
    cookie::append(response.headers_mut(), visit.app.visitor_cookie().clear());
    Ok(Some(response))
}

async fn begin(visit: &Visit, user: &UserRecord) -> Result<Option<Secret<BrowserSession>>, OAuthError> {
    let Visit { app, now, .. } = visit;
    let id = SessionId(app.mint.uuid(*now)?);
    let secret = app.mint.named::<BrowserSession>(id.0)?;
    let record = record(app, visit, id, &secret, user, *now);
    if !app.store.insert_browser_session(&record, sign_in::verified(user)).await? {
        return Ok(None);
    }
    if let Some(earlier) = visit.present().await? {
        app.store.end_session(earlier.session().id, SessionKind::Browser, *now).await?;
    }
    Ok(Some(secret))
}

fn record(
    app: &App,
    visit: &Visit,
    id: SessionId,
    secret: &Secret<BrowserSession>,
    user: &UserRecord,
    now: Timestamp,
) -> SessionRecord<BrowserSession> {
    SessionRecord {
        id,
        hash: secret.hash(),
        user_id: user.id,
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        user_agent: visit.user_agent(),
        ip: Some(visit.caller.to_string()),
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(app.config.auth.browser_session_duration),
        revoked_at: None,
    }
}
