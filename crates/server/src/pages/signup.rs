//! Making an account: `GET` and `POST /signup`.

use axum::response::Response;
use ayb_protocol::ids::UserId;
use ayb_protocol::time::Timestamp;
use ayb_provider::user::{UserRecord, check_password, parse_email, parse_name};
use ayb_store::UserInsertion;
use http::StatusCode;
use zeroize::Zeroizing;

use crate::app::App;
use crate::audit::Subject;
use crate::http::cookie;
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::limits::Attempt;
use crate::mail_link;
use crate::oauth::error::OAuthError;
use crate::pages::asker::{self, AskerNames};
use crate::pages::form::taken_to_sign_in;
use crate::pages::login::{HOME, enter};
use crate::pages::respond::{Allow, page, see_other};
use crate::pages::view::{Problem, SignupPage, View};
use crate::pages::visit::{Visit, field};
use crate::pages::{error, return_to};
use crate::sign_in;

/// Shows the form.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    let to = field(&pairs, "return_to").and_then(return_to::checked);
    let email = asker::login_hint(&pairs, to).unwrap_or_default();
    let typed = Typed { to, name: "", email: &email };
    form(&visit, &typed, &[], StatusCode::OK).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

/// Takes the form.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken_to_sign_in(&visit, "/signup", form, async |pairs| take(&visit, pairs).await).await
}

struct Typed<'a> {
    to: Option<&'a str>,
    name: &'a str,
    email: &'a str,
}

async fn form(
    visit: &Visit,
    typed: &Typed<'_>,
    problems: &[(Option<&'static str>, String)],
    status: StatusCode,
) -> Result<Response, OAuthError> {
    let asker = asker::of(&visit.app, typed.to).await?;
    let token = visit.form_token(None)?;
    let view = SignupPage {
        chrome: visit.chrome(None),
        csrf: &token.token,
        return_to: typed.to,
        asker: asker.as_ref().map(AskerNames::view),
        name: typed.name,
        email: typed.email,
        min_password_length: u32::try_from(visit.app.config.auth.min_password_length).unwrap_or(u32::MAX),
        problems: problems.iter().map(|(field, text)| Problem { field: *field, text }).collect(),
    };
    let allow = Allow::form_to(asker.as_ref().map(|asker| asker.origin.as_str()));
    let mut response = page(status, view.html(), &allow);
    cookie::append(response.headers_mut(), token.cookie);
    Ok(response)
}

async fn take(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let to = field(pairs, "return_to").and_then(return_to::checked);
    let text = |name| field(pairs, name).unwrap_or_default();
    let typed = Typed { to, name: text("name"), email: text("email") };
    let draft = Draft { email: typed.email, password: text("password"), name: typed.name };
    let attempt = Attempt::count(&visit.app, visit.caller, visit.now).await?;
    match create(&visit.app, &attempt, &draft, visit.now).await {
        Ok(user) => {
            let entered = enter(visit, &user, to.unwrap_or(HOME)).await?;
            // Somebody has set another password, or disabled the account, in this moment.
            Ok(entered.unwrap_or_else(|| see_other(&return_to::link("/login", to))))
        }
        Err(SignUpError::Problems(problems)) => {
            let problems: Vec<_> = problems.into_iter().map(|(field, text)| (Some(field), text)).collect();
            form(visit, &typed, &problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(SignUpError::Taken) => {
            let text =
                "No account can be made with this address. If it is yours, sign in or reset your password.";
            form(visit, &typed, &[(None, text.to_owned())], StatusCode::CONFLICT).await
        }
        Err(SignUpError::Closed) => {
            let text = "New accounts are made by the administrator of this server.";
            form(visit, &typed, &[(None, text.to_owned())], StatusCode::FORBIDDEN).await
        }
        Err(SignUpError::Fault(fault)) => Err(fault),
    }
}

/// What somebody wants their account to be.
pub struct Draft<'a> {
    /// Email address.
    pub email: &'a str,
    /// Password.
    pub password: &'a str,
    /// Name to show; empty for none.
    pub name: &'a str,
}

/// A field that breaks a rule, with a sentence for the person.
pub type FieldProblem = (&'static str, String);

/// Why no account was made.
#[derive(Debug)]
pub enum SignUpError {
    /// Fields that break a rule, each with a sentence.
    Problems(Vec<FieldProblem>),
    /// The address has an account. A password was hashed all the same, so the time does not tell.
    Taken,
    /// `auth.registration` is off.
    Closed,
    /// Our own trouble.
    Fault(OAuthError),
}

impl<E: Into<OAuthError>> From<E> for SignUpError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Makes an account.
///
/// # Errors
/// See [`SignUpError`].
pub async fn create(
    app: &App,
    attempt: &Attempt,
    draft: &Draft<'_>,
    now: Timestamp,
) -> Result<UserRecord, SignUpError> {
    if !app.config.auth.registration {
        return Err(SignUpError::Closed);
    }
    let (email, name) = check(draft, app.config.auth.min_password_length).map_err(SignUpError::Problems)?;
    let hash = sign_in::hash(app, Zeroizing::new(draft.password.to_owned())).await?;
    let user = UserRecord {
        id: UserId(app.mint.uuid(now)?),
        email,
        password_hash: Some(hash.as_str().to_owned()),
        email_verified: false,
        name,
        picture: None,
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    match app.store.insert_user(&user).await? {
        UserInsertion::Inserted => {
            app.audit.note("signed_up", Subject::own(user.id, attempt.caller()), now);
            mail_link::send_verification(app, &user, now);
            Ok(user)
        }
        UserInsertion::EmailTaken => Err(SignUpError::Taken),
    }
}

/// Checks a draft: the address and the name as they will be stored.
///
/// # Errors
/// Every field that breaks a rule.
pub fn check(draft: &Draft<'_>, min_length: usize) -> Result<(String, Option<String>), Vec<FieldProblem>> {
    let email = parse_email(draft.email).map_err(|text| ("email", text.to_owned()));
    let name = parse_name(draft.name).map_err(|text| ("name", text.to_owned()));
    let password = check_password(draft.password, min_length).map_err(|text| ("password", text));
    match (email, name, password) {
        (Ok(email), Ok(name), Ok(())) => Ok((email, name)),
        (email, name, password) => {
            Err([email.err(), name.err(), password.err()].into_iter().flatten().collect())
        }
    }
}
