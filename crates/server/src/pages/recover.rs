//! Mailed links: `GET` and `POST` of `/forgot`, `/reset` and `/verify-email`. None of them signs anybody in or looks at
//! who is signed in: what a link allows, it allows to whoever reads the mail.

use axum::response::Response;
use ayb_provider::user::parse_email;
use ayb_store::LinkKind;
use http::StatusCode;

use crate::http::cookie;
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::limits::Attempt;
use crate::mail_link::{self, ResetError};
use crate::oauth::error::OAuthError;
use crate::pages::form::taken_of_visitor;
use crate::pages::respond::{Allow, page};
use crate::pages::view::{ForgotPage, Notice, NoticePage, Problem, ResetPage, VerifyPage, View};
use crate::pages::visit::{FormToken, Visit, field};
use crate::pages::{asker, error, return_to};

/// Asks for the address of the account.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    let to = field(&pairs, "return_to").and_then(return_to::checked);
    let email = asker::login_hint(&pairs, to).unwrap_or_default();
    forgot(&visit, to, &email, Vec::new(), StatusCode::OK).unwrap_or_else(|fault| error::show(&visit, fault))
}

/// Sends the link, if an account has the address, and says the same in any case.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken_of_visitor(&visit, "/forgot", form, async |pairs| {
        Attempt::count(&visit.app, visit.caller, visit.now).await?;
        let to = field(pairs, "return_to").and_then(return_to::checked);
        let typed = field(pairs, "email").unwrap_or_default();
        match parse_email(typed) {
            Ok(email) => {
                mail_link::send_reset(&visit.app, email, visit.now);
                let login = return_to::link("/login", to);
                Ok(notice(&visit, Notice::ResetLinkSent, &login, "Back to sign in", StatusCode::OK))
            }
            Err(text) => {
                let problems = vec![Problem { field: Some("email"), text }];
                forgot(&visit, to, typed, problems, StatusCode::UNPROCESSABLE_ENTITY)
            }
        }
    })
    .await
}

/// Asks for the new password.
pub async fn get_reset(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    let token = field(&pairs, "token").unwrap_or_default();
    reset(&visit, token, &[], StatusCode::OK).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

/// Sets the new password, which uses the link up.
pub async fn post_reset(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken_of_visitor(&visit, "/reset", form, async |pairs| {
        let attempt = Attempt::count(&visit.app, visit.caller, visit.now).await?;
        let token = field(pairs, "token").unwrap_or_default();
        let password = field(pairs, "password").unwrap_or_default();
        match mail_link::set_password(&visit.app, &attempt, token, password, visit.now).await {
            Ok(()) => {
                let mut response =
                    notice(&visit, Notice::PasswordChanged, "/login", "Sign in", StatusCode::OK);
                cookie::append(response.headers_mut(), visit.app.session_cookie().clear());
                Ok(response)
            }
            Err(ResetError::Dead) => Ok(dead_reset(&visit)),
            Err(ResetError::Password(text)) => {
                let problem = Problem { field: Some("password"), text: &text };
                reset(&visit, token, &[problem], StatusCode::UNPROCESSABLE_ENTITY).await
            }
            Err(ResetError::Fault(fault)) => Err(fault),
        }
    })
    .await
}

/// Asks whether the address is really theirs.
pub async fn verify_email(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    let token = field(&pairs, "token").unwrap_or_default();
    verify(&visit, token).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

/// Takes the yes, which uses the link up.
pub async fn post_verify_email(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken_of_visitor(&visit, "/verify-email", form, async |pairs| {
        let token = field(pairs, "token").unwrap_or_default();
        if !mail_link::verify_email(&visit.app, token, visit.caller, visit.now).await? {
            return Ok(dead_verification(&visit));
        }
        Ok(notice(&visit, Notice::EmailVerified, "/account", "Go to your account", StatusCode::OK))
    })
    .await
}

fn forgot(
    visit: &Visit,
    to: Option<&str>,
    email: &str,
    problems: Vec<Problem<'_>>,
    status: StatusCode,
) -> Result<Response, OAuthError> {
    let form = visit.form_token(None)?;
    let view = ForgotPage { chrome: visit.chrome(None), csrf: &form.token, return_to: to, email, problems };
    Ok(with_cookie(page(status, view.html(), &Allow::default()), &form))
}

async fn reset(
    visit: &Visit,
    token: &str,
    problems: &[Problem<'_>],
    status: StatusCode,
) -> Result<Response, OAuthError> {
    let Some(user) = mail_link::peek(&visit.app, LinkKind::Reset, token, visit.now).await? else {
        return Ok(dead_reset(visit));
    };
    let form = visit.form_token(None)?;
    let view = ResetPage {
        chrome: visit.chrome(None),
        csrf: &form.token,
        token,
        email: &user.email,
        min_password_length: u32::try_from(visit.app.config.auth.min_password_length).unwrap_or(u32::MAX),
        problems: problems.to_vec(),
    };
    Ok(with_cookie(page(status, view.html(), &Allow::default()), &form))
}

async fn verify(visit: &Visit, token: &str) -> Result<Response, OAuthError> {
    let Some(user) = mail_link::peek(&visit.app, LinkKind::Verify, token, visit.now).await? else {
        return Ok(dead_verification(visit));
    };
    let form = visit.form_token(None)?;
    let view = VerifyPage { chrome: visit.chrome(None), csrf: &form.token, token, email: &user.email };
    Ok(with_cookie(page(StatusCode::OK, view.html(), &Allow::default()), &form))
}

fn dead_reset(visit: &Visit) -> Response {
    notice(visit, Notice::ResetLinkExpired, "/forgot", "Ask for a new link", StatusCode::BAD_REQUEST)
}

fn dead_verification(visit: &Visit) -> Response {
    notice(visit, Notice::VerificationExpired, "/account", "Go to your account", StatusCode::BAD_REQUEST)
}

fn notice(visit: &Visit, notice: Notice, href: &str, words: &str, status: StatusCode) -> Response {
    let view = NoticePage { chrome: visit.chrome(None), notice, next: Some((href, words)) };
    page(status, view.html(), &Allow::default())
}

fn with_cookie(mut response: Response, form: &FormToken) -> Response {
    cookie::append(response.headers_mut(), form.cookie.clone());
    response
}
