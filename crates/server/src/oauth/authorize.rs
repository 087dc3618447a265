//! The authorization endpoint (RFC 6749 §3.1): `/oauth/authorize` for browsers, `/api/auth/authorize` for programs that
//! ask for JSON. One walk serves both.

use axum::response::Response;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::ClientId;
use ayb_protocol::message::authorize::{Address, AuthorizeRequest, AuthorizeResponse, ResponseMode};
use ayb_protocol::params::Params;
use ayb_protocol::time::Timestamp;
use ayb_provider::authorize::{Addressed, Approved, Progress, Step, Validated, address};
use ayb_provider::consent::ConsentRecord;
use ayb_provider::session::Present;
use http::Method;
use http::header::AUTHORIZATION;

use crate::caller::{self, Caller, NotAdmitted};
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::oauth::client_auth::Recall;
use crate::oauth::error::OAuthError;
use crate::oauth::progress::{PARAMETER, request_query};
use crate::oauth::{answer, id_token_hint, prompt};
use crate::pages::respond::{nothing_done, see_other};
use crate::pages::return_to;
use crate::pages::visit::Visit;
use crate::pages::{consent, error};

/// The path that leads back to a request.
pub const PATH: &str = "/oauth/authorize";

/// Answers an authorization request in the query.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    match query {
        Ok(QueryPairs(pairs)) => walk(&visit, &pairs).await,
        Err(rejection) => error::show(&visit, rejection),
    }
}

/// Answers an authorization request in a form (OpenID Connect Core §3.1.2.1). A browser is sent on with GET, because a
/// form from another site brings no session cookie along.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    match form {
        Ok(FormPairs(pairs)) if visit.wants_json() => walk(&visit, &pairs).await,
        Ok(FormPairs(pairs)) => start_over(&pairs),
        Err(rejection) => error::show(&visit, rejection),
    }
}

async fn walk(visit: &Visit, pairs: &[(String, String)]) -> Response {
    if let Some(response) = from_memory(visit, pairs).await {
        return response;
    }
    let asked = match Asked::read(visit, pairs, Recall::Never).await {
        Ok(asked) => asked,
        Err(Unread::Fault(fault)) => return error::show(visit, fault),
        Err(Unread::Told(response)) => return *response,
    };
    match next(visit, &asked, pairs).await {
        Ok(response) => response,
        Err(fault) => error::show(visit, fault),
    }
}

/// The code for a browser whose person has agreed earlier, decided with the client as it was read last. The write that
/// stores the code tells whether that still holds; anything but a stored code is no answer yet.
async fn from_memory(visit: &Visit, pairs: &[(String, String)]) -> Option<Response> {
    if visit.headers.contains_key(AUTHORIZATION) || visit.method == Method::HEAD {
        return None;
    }
    let asked = Asked::read(visit, pairs, Recall::Allowed).await.ok()?;
    let (present, consent) = present_and_consent(visit, &asked.validated).await.ok()?;
    match asked.decide(present, consent.as_ref(), visit.now) {
        Step::Approved(approved) => code(visit, &approved).await.ok()?,
        _ => None,
    }
}

/// A request whose address is trusted and whose contents are allowed.
pub struct Asked {
    /// The request.
    pub validated: Validated,
    /// What the person has done for it so far.
    pub progress: Progress,
    /// The person that a verified `id_token_hint` names.
    pub expected_sub: Option<String>,
}

/// Why there is no request.
pub enum Unread {
    /// The address is not trusted: a page says so, or JSON.
    Fault(OAuthError),
    /// The client is told: an error on its way to it.
    Told(Box<Response>),
}

impl<E: Into<OAuthError>> From<E> for Unread {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl Asked {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// See [`Unread`].
    pub async fn read(visit: &Visit, pairs: &[(String, String)], recall: Recall) -> Result<Self, Unread> {
        let progress = visit.app.progress.read(pairs, visit.now);
        let own = pairs.iter().filter(|(name, _)| name != PARAMETER).cloned().collect();
        let params = Params::from_pairs(own)?;
        let addressed = addressed(visit, &params, recall).await?;
        let checked = AuthorizeRequest::read(&params).and_then(|request| addressed.validate(request));
        let told = |refusal: &Refusal| Unread::Told(Box::new(refused(visit, &addressed, &params, refusal)));
        let validated = checked.map_err(|refusal| told(&refusal))?;
        let expected_sub = match &validated.request().id_token_hint {
            None => None,
            Some(hint) => match id_token_hint::read(&visit.app, hint, visit.now) {
                Some(hint) => Some(hint.sub),
                None => {
                    let refusal = Refusal::new(
                        ErrorCode::InvalidRequest,
                        "The id_token_hint is not an ID token of this server.",
                    );
                    return Err(told(&refusal));
                }
            },
        };
        Ok(Self { validated, progress, expected_sub })
    }

    fn decide(&self, present: Option<Present>, consent: Option<&ConsentRecord>, now: Timestamp) -> Step {
        let expected_sub = self.expected_sub.as_deref();
        self.validated.clone().decide(present, consent, self.progress, expected_sub, now)
    }
}

async fn addressed(visit: &Visit, params: &Params, recall: Recall) -> Result<Addressed, OAuthError> {
    let sent = Address::read(params)?;
    let store = &visit.app.store;
    let remembered = |id: &ClientId| store.recall_client(id).filter(|_| recall == Recall::Allowed);
    let found = match ClientId::parse(&sent.client_id) {
        None => None,
        Some(id) => match remembered(&id) {
            Some(client) => Some(client),
            None => store.load_client(&id).await?,
        },
    };
    // Nothing was asked for by which a client could prove itself, so there is nothing to challenge (RFC 9110 §15.5.2).
    address(&sent, found).map_err(OAuthError::as_bad_request)
}

fn refused(visit: &Visit, to: &Addressed, params: &Params, refusal: &Refusal) -> Response {
    let mut states = params.all("state");
    let state = states.next().filter(|_| states.next().is_none());
    let mode = ResponseMode::of(params);
    let response = AuthorizeResponse::error(to.redirect_uri(), mode, refusal, state, visit.app.issuer());
    answer::send(visit, &response)
}

async fn next(visit: &Visit, asked: &Asked, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let (present, consent) = present_and_consent(visit, &asked.validated).await?;
    match asked.decide(present.clone(), consent.as_ref(), visit.now) {
        Step::Approved(_) if visit.method == Method::HEAD => Ok(nothing_done()),
        Step::Approved(approved) => issue(visit, &approved, pairs).await,
        Step::Refuse(refusal) => Ok(refuse(visit, &asked.validated, &refusal)),
        Step::SignIn { again } => Ok(sign_in(visit, asked, pairs, again)),
        Step::SelectAccount => Ok(select_account(visit, asked, pairs)),
        Step::AskConsent(question) if visit.wants_json() => Ok(prompt::json(&asked.validated, &question)),
        Step::AskConsent(question) => {
            let asker = present.as_ref().map(|present| (present, consent.as_ref()));
            consent::show(visit, asked, pairs, asker, &question).await
        }
    }
}

/// Who is signed in: by session token for programs, by cookie for browsers. Neither an OAuth token nor an API key is
/// ever a session, so it cannot approve a wider one for itself.
///
/// # Errors
/// When the token is not a session, or the store cannot say.
pub async fn present(visit: &Visit) -> Result<Option<Present>, OAuthError> {
    if !visit.headers.contains_key(AUTHORIZATION) {
        return Ok(visit.present().await?);
    }
    match caller::caller(visit).await.map(|admitted| admitted.caller) {
        Ok(Caller::Session(present)) => Ok(Some(*present)),
        Ok(Caller::Token(_) | Caller::ApiKey(_)) => {
            Err(Refusal::new(ErrorCode::InvalidToken, "Only a signed-in session can give consent.").into())
        }
        Err(NotAdmitted::Missing) => Ok(None),
        Err(NotAdmitted::Refused(fault)) => Err(fault),
        Err(NotAdmitted::OverLimit(standing)) => Err(OAuthError::limited(standing)),
    }
}

/// Who is signed in, and what they allowed this client earlier: one question for a browser.
async fn present_and_consent(
    visit: &Visit,
    validated: &Validated,
) -> Result<(Option<Present>, Option<ConsentRecord>), OAuthError> {
    let client_id = &validated.client().client_id;
    if !visit.headers.contains_key(AUTHORIZATION) {
        return Ok(visit.present_and_consent(client_id).await?);
    }
    let Some(present) = present(visit).await? else { return Ok((None, None)) };
    let consent = visit.app.store.consent(present.user().id, client_id).await?;
    Ok((Some(present), consent))
}

async fn issue(
    visit: &Visit,
    approved: &Approved,
    pairs: &[(String, String)],
) -> Result<Response, OAuthError> {
    if let Some(response) = code(visit, approved).await? {
        return Ok(response);
    }
    // The session ended, the consent was taken back or the client changed since they were read: the request starts over.
    if visit.wants_json() {
        return Ok(prompt::sign_in_first(None));
    }
    Ok(start_over(pairs))
}

/// A code on its way to the client; `None` when what it was decided with has changed.
async fn code(visit: &Visit, approved: &Approved) -> Result<Option<Response>, OAuthError> {
    let (secret, fresh) = visit.app.mint.code(visit.now)?;
    let record = approved.code(&fresh, &visit.app.policy, visit.now);
    let stored = visit.app.store.insert_code(&record, approved.validated().client()).await?;
    Ok(stored.then(|| answer::code(visit, approved.validated(), secret.expose())))
}

/// Sends the browser back to the beginning of a request, without what was done for it so far.
pub fn start_over(pairs: &[(String, String)]) -> Response {
    see_other(&address_of(pairs))
}

/// The address of a request, without what was done for it so far.
pub fn address_of(pairs: &[(String, String)]) -> String {
    format!("{PATH}?{}", request_query(pairs))
}

/// An error on its way to the client.
pub fn refuse(visit: &Visit, validated: &Validated, refusal: &Refusal) -> Response {
    let request = validated.request();
    let (to, mode) = (validated.redirect_uri(), request.response_mode);
    let response = AuthorizeResponse::error(to, mode, refusal, Some(&request.state), visit.app.issuer());
    answer::send(visit, &response)
}

fn sign_in(visit: &Visit, asked: &Asked, pairs: &[(String, String)], again: bool) -> Response {
    // Stamped even when nobody is signed in: the sign-in to come satisfies prompt=login and max_age.
    let login_asked_at = asked.progress.login_asked_at.or(Some(visit.now));
    let progress = Progress { login_asked_at, ..asked.progress };
    if visit.wants_json() {
        return prompt::sign_in_first(Some(&back(visit, pairs, progress)));
    }
    let path = if again { "/login?again=1" } else { "/login" };
    back_through(visit, asked, path, pairs, progress)
}

fn select_account(visit: &Visit, asked: &Asked, pairs: &[(String, String)]) -> Response {
    let progress = Progress { account_chosen: true, ..asked.progress };
    if visit.wants_json() {
        let refusal = Refusal::new(ErrorCode::AccountSelectionRequired, "Choose an account first.");
        return prompt::login_required(&refusal, Some(&back(visit, pairs, progress)));
    }
    back_through(visit, asked, "/select-account", pairs, progress)
}

/// The address that leads back to this request.
fn back(visit: &Visit, pairs: &[(String, String)], progress: Progress) -> String {
    format!("{PATH}?{}", visit.app.progress.query(pairs, progress, visit.now))
}

/// Sends the browser to a page that leads back to this request. One that is too long to come back is refused here, where
/// the client still hears of it.
fn back_through(
    visit: &Visit,
    asked: &Asked,
    page: &str,
    pairs: &[(String, String)],
    progress: Progress,
) -> Response {
    let back = back(visit, pairs, progress);
    if return_to::checked(&back).is_none() {
        let text =
            "The request is too long to be kept while somebody signs in; send fewer or shorter parameters.";
        return refuse(visit, &asked.validated, &Refusal::new(ErrorCode::InvalidRequest, text));
    }
    see_other(&return_to::link(page, Some(&back)))
}
