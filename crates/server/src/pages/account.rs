//! The page on which people look after their own account: `GET /account`, and `POST /account/{part}` for its forms.

mod browser;
mod change;
mod listing;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use ayb_provider::session::Present;
use http::StatusCode;

use self::change::{Change, Done};
use self::listing::Listing;
use crate::http::cookie;
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::oauth::error::OAuthError;
use crate::pages::form::taken;
use crate::pages::login::{HOME, enter};
use crate::pages::respond::{Allow, page, see_other};
use crate::pages::view::{AccountPage, Problem, Profile, View};
use crate::pages::visit::{Visit, field};
use crate::pages::{error, return_to};

/// Shows the page, or asks to sign in first.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    let done = field(&pairs, "done").and_then(Done::parse);
    show_to_whom(&visit, done).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

async fn show_to_whom(visit: &Visit, done: Option<Done>) -> Result<Response, OAuthError> {
    let Some(present) = visit.present().await? else { return Ok(sign_in_first()) };
    let user = present.user();
    let shown = Shown {
        done,
        problems: Vec::new(),
        name: user.name.as_deref().unwrap_or_default(),
        picture: user.picture.as_deref().unwrap_or_default(),
    };
    show(visit, &present, &shown, StatusCode::OK).await
}

fn sign_in_first() -> Response {
    see_other(&return_to::link("/login", Some(HOME)))
}

/// What the page says that is not read from the store.
struct Shown<'a> {
    done: Option<Done>,
    problems: Vec<Problem<'a>>,
    name: &'a str,
    picture: &'a str,
}

async fn show(
    visit: &Visit,
    present: &Present,
    shown: &Shown<'_>,
    status: StatusCode,
) -> Result<Response, OAuthError> {
    let listing = Listing::read(&visit.app, present, visit.now).await?;
    let form = visit.form_token(Some(present))?;
    let user = present.user();
    let view = AccountPage {
        chrome: visit.chrome(Some(present)),
        csrf: &form.token,
        done: shown.done.map(Done::sentence),
        problems: shown.problems.clone(),
        profile: Profile {
            name: shown.name,
            picture: shown.picture,
            email: &user.email,
            email_verified: user.email_verified,
        },
        min_password_length: u32::try_from(visit.app.config.auth.min_password_length).unwrap_or(u32::MAX),
        sessions: listing.session_rows(),
        applications: listing.application_rows(),
    };
    Ok(page(status, view.html(), &Allow::default()))
}

/// Takes one of the page's forms.
pub async fn post(
    visit: Visit,
    part: Result<Path<String>, PathRejection>,
    form: Result<FormPairs, BodyRejection>,
) -> Response {
    // A part that is no text names no form.
    let part = part.map(|Path(part)| part).unwrap_or_default();
    taken(&visit, HOME, form, async |pairs| take(&visit, &part, pairs).await).await
}

async fn take(visit: &Visit, part: &str, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let Some(present) = visit.present().await? else { return Ok(sign_in_first()) };
    if visit.check_form(Some(&present), pairs).is_err() {
        return Ok(error::cross_site(visit));
    }
    let change = match part {
        "profile" => change::profile(visit, &present, pairs).await?,
        "password" => change::password(visit, &present, pairs).await?,
        "verification" => change::verification(visit, &present),
        "sessions" => change::sessions(visit, &present, pairs).await?,
        "applications" => change::applications(visit, &present, pairs).await?,
        "delete" => change::delete(visit, &present, pairs).await?,
        _ => return Ok(error::not_found(visit)),
    };
    answer(visit, &present, pairs, change).await
}

async fn answer(
    visit: &Visit,
    present: &Present,
    pairs: &[(String, String)],
    change: Change,
) -> Result<Response, OAuthError> {
    match change {
        Change::Done(done) => Ok(see_other(&done.address())),
        Change::Nothing => Ok(see_other(HOME)),
        Change::NewSession(done, user) => {
            Ok(enter(visit, &user, &done.address()).await?.unwrap_or_else(sign_in_first))
        }
        Change::Gone => {
            let mut response = see_other("/");
            cookie::append(response.headers_mut(), visit.app.session_cookie().clear());
            Ok(response)
        }
        Change::Refused(problems) => {
            let user = present.user();
            let typed = |name, kept: &Option<String>| {
                field(pairs, name).map(str::to_owned).or(kept.clone()).unwrap_or_default()
            };
            let (name, picture) = (typed("name", &user.name), typed("picture", &user.picture));
            let problems =
                problems.iter().map(|(field, text)| Problem { field: Some(field), text }).collect();
            let shown = Shown { done: None, problems, name: &name, picture: &picture };
            show(visit, present, &shown, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}
