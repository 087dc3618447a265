//! Signing out: `GET` and `POST /logout`, also `/oauth/logout` (OpenID Connect RP-Initiated Logout 1.0).

use axum::response::Response;
use ayb_protocol::ids::{ClientId, SessionId};
use ayb_protocol::message::logout::LogoutRequest;
use ayb_protocol::params::Params;
use ayb_provider::client::ClientRecord;
use ayb_provider::logout::{Destination, Hint, destination, named_client, needs_confirmation};
use ayb_provider::session::Present;
use ayb_store::{RevocationReason, SessionKind};
use http::{Method, StatusCode};

use crate::audit::Subject;
use crate::http::cookie;
use crate::http::csrf::CSRF_FIELD;
use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::oauth::error::OAuthError;
use crate::oauth::id_token_hint;
use crate::pages::error;
use crate::pages::form::address;
use crate::pages::login::HOME;
use crate::pages::respond::{Allow, nothing_done, page, see_other};
use crate::pages::view::{Hidden, LoggedOutPage, LogoutPage, View};
use crate::pages::visit::{Visit, field, person};

/// The address that is there with and without provider mode.
const PATH: &str = "/logout";

/// A logout request in the query: by a link, or by a client.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    match query {
        Ok(QueryPairs(pairs)) => walk(&visit, &pairs, false).await,
        Err(rejection) => error::show(&visit, rejection),
    }
}

/// A logout request in a form: by our own page once the person has confirmed, or by a client. The client's is sent on
/// with GET: a form from another site brings no session cookie along, so it says nothing about who is signed in.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    match form {
        Ok(FormPairs(pairs)) if field(&pairs, CSRF_FIELD).is_some() => walk(&visit, &pairs, true).await,
        Ok(FormPairs(pairs)) => start_over(&pairs),
        Err(rejection) => error::show(&visit, rejection),
    }
}

/// The address of a request.
fn address_of(pairs: &[(String, String)]) -> String {
    let own = pairs.iter().filter(|(name, _)| name != CSRF_FIELD);
    address(PATH, own.map(|(name, value)| (name.as_str(), value.as_str())))
}

fn start_over(pairs: &[(String, String)]) -> Response {
    see_other(&address_of(pairs))
}

async fn walk(visit: &Visit, pairs: &[(String, String)], confirmed: bool) -> Response {
    let answer = answer(visit, pairs, confirmed).await;
    answer.unwrap_or_else(|fault| error::show_before(visit, fault, &address_of(pairs)))
}

async fn answer(visit: &Visit, pairs: &[(String, String)], confirmed: bool) -> Result<Response, OAuthError> {
    let present = visit.present().await?;
    if confirmed && visit.check_form(present.as_ref(), pairs).is_err() {
        return Ok(if present.is_some() { error::cross_site(visit) } else { start_over(pairs) });
    }
    let own: Vec<_> = pairs.iter().filter(|(name, _)| name != CSRF_FIELD).cloned().collect();
    let request = LogoutRequest::read(&Params::from_pairs(own.clone())?)?;
    let hint =
        request.id_token_hint.as_deref().and_then(|token| id_token_hint::read(&visit.app, token, visit.now));
    let client = client(visit, &request, hint.as_ref()).await?;
    let to = destination(&request, client.as_ref())?;
    let about =
        present.as_ref().map(|present| (present.user().id.to_string(), present.session().id.to_string()));
    let about = about.as_ref().map(|(sub, sid)| (sub.as_str(), sid.as_str()));
    if let Some(present) = present.as_ref().filter(|_| !confirmed && needs_confirmation(hint.as_ref(), about))
    {
        return ask(visit, present, client.as_ref(), &own, &to);
    }
    if visit.method == Method::HEAD {
        return Ok(nothing_done());
    }
    if let Some(present) = &present {
        end(visit, present, client.as_ref()).await?;
    }
    Ok(leave(visit, &to))
}

async fn client(
    visit: &Visit,
    request: &LogoutRequest,
    hint: Option<&Hint>,
) -> Result<Option<ClientRecord>, OAuthError> {
    let Some(client_id) = named_client(request, hint)?.and_then(ClientId::parse) else { return Ok(None) };
    Ok(visit.app.store.client(&client_id).await?)
}

fn ask(
    visit: &Visit,
    present: &Present,
    client: Option<&ClientRecord>,
    pairs: &[(String, String)],
    to: &Destination,
) -> Result<Response, OAuthError> {
    let token = visit.form_token(Some(present))?;
    let view = LogoutPage {
        chrome: visit.chrome(Some(present)),
        csrf: &token.token,
        hidden: pairs.iter().map(|(name, value)| Hidden { name, value }).collect(),
        user: person(present),
        client_name: client.map(|client| client.settings.name.as_str()),
        stay_href: HOME,
    };
    let origin = match to {
        Destination::OurPage => None,
        Destination::Client { uri, .. } => Some(uri.origin()),
    };
    Ok(page(StatusCode::OK, view.html(), &Allow::form_to(origin.as_deref())))
}

/// Ends the browser session, and what the asking client was given in it, except for access meant to outlast it.
async fn end(visit: &Visit, present: &Present, client: Option<&ClientRecord>) -> Result<(), OAuthError> {
    let session: SessionId = present.session().id;
    if let Some(client) = client {
        let (user, reason) = (present.user().id, RevocationReason::LoggedOut);
        visit.app.store.revoke_grants_of_session(user, &client.client_id, session, reason, visit.now).await?;
    }
    if visit.app.store.end_session(session, SessionKind::Browser, visit.now).await? {
        let subject = Subject {
            client_id: client.map(|client| client.client_id.clone()),
            ..Subject::own(present.user().id, visit.caller)
        };
        let detail = serde_json::json!({"session_id": session.to_string()});
        visit.app.audit.note("session_ended", subject.detail(detail), visit.now);
    }
    Ok(())
}

fn leave(visit: &Visit, to: &Destination) -> Response {
    let mut response = match to {
        Destination::OurPage => {
            let view = LoggedOutPage { chrome: visit.chrome(None) };
            page(StatusCode::OK, view.html(), &Allow::default())
        }
        Destination::Client { uri, state } => {
            let params: Vec<_> = state.iter().map(|state| ("state", state.as_str())).collect();
            let location = if params.is_empty() { uri.as_str().to_owned() } else { uri.with_params(&params) };
            see_other(&location)
        }
    };
    cookie::append(response.headers_mut(), visit.app.session_cookie().clear());
    response
}
