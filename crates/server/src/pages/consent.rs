//! The consent page, and the decision that it sends: `POST /oauth/consent`, also `/api/auth/authorize/consent`.

use std::collections::BTreeSet;

use axum::extract::FromRequest;
use axum::extract::Request;
use axum::response::Response;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::scope::Scope;
use ayb_provider::authorize::{ConsentQuestion, Step, Validated};
use ayb_provider::consent::ConsentRecord;
use ayb_provider::session::Present;
use ayb_store::Approval;
use http::StatusCode;
use http::header::AUTHORIZATION;

use crate::audit::Subject;
use crate::http::csrf::CSRF_FIELD;
use crate::http::extract::{FormPairs, JsonBody};
use crate::oauth::authorize::{Asked, PATH, Unread, address_of, present, refuse, start_over};
use crate::oauth::client_auth::Recall;
use crate::oauth::error::OAuthError;
use crate::oauth::{answer, prompt};
use crate::pages::error;
use crate::pages::form::address;
use crate::pages::login::for_somebody_else;
use crate::pages::respond::{Allow, page};
use crate::pages::view::{Asker, ConsentPage, Destination, Hidden, Permission, TableAccess, View};
use crate::pages::visit::{Visit, field, person};

const DECISION: &str = "decision";

/// Shows the question to a person, with what they allowed the client earlier.
///
/// # Errors
/// When nobody is signed in, the app cannot be loaded, or there is no randomness.
pub async fn show(
    visit: &Visit,
    asked: &Asked,
    pairs: &[(String, String)],
    asker: Option<(&Present, Option<&ConsentRecord>)>,
    question: &ConsentQuestion,
) -> Result<Response, OAuthError> {
    let Some((present, earlier)) = asker else {
        return Err(Refusal::new(ErrorCode::LoginRequired, "Sign in first.").into());
    };
    let client = asked.validated.client();
    let app = visit.app.store.app(client.app_id).await?;
    let app = app.ok_or_else(|| crate::oauth::error::internal("the client's app is gone"))?;
    let known_tables = known_tables(earlier);
    let form = visit.form_token(Some(present))?;
    let words = words(&question.scope);
    let redirect_uri = asked.validated.redirect_uri();
    let origin = redirect_uri.origin();
    let tables =
        question.tables.to_stored().filter(|_| question.scope.resource().is_some()).unwrap_or_default();
    let switch = for_somebody_else(Some(&address_of(pairs)));
    let view = ConsentPage {
        chrome: visit.chrome(Some(present)),
        csrf: &form.token,
        hidden: pairs.iter().map(|(name, value)| Hidden { name, value }).collect(),
        asker: Asker { client_name: &client.settings.name, app_name: &app.name },
        app_description: Some(app.description.as_str()).filter(|text| !text.is_empty()),
        user: person(present),
        switch_href: &switch,
        permissions: words.iter().map(|word| permission(word, &question.new)).collect(),
        tables: tables
            .iter()
            .map(|name| TableAccess {
                name,
                is_new: known_tables.as_ref().is_none_or(|known| !known.contains(name)),
            })
            .collect(),
        destination: Destination {
            host: origin.split("://").nth(1).unwrap_or_default(),
            is_loopback: redirect_uri.is_loopback(),
        },
    };
    Ok(page(StatusCode::OK, view.html(), &Allow::form_to(Some(&origin))))
}

fn words(scope: &Scope) -> Vec<String> {
    scope.to_string().split(' ').map(str::to_owned).collect()
}

fn permission<'a>(word: &'a str, new: &Scope) -> Permission<'a> {
    Permission { scope: word, is_new: words(new).iter().any(|new| new == word) }
}

/// The tables that were allowed before; `None` when nothing was, and when all were: then the page lists none.
fn known_tables(earlier: Option<&ConsentRecord>) -> Option<BTreeSet<String>> {
    let earlier = earlier?;
    match earlier.scope.resource() {
        Some(_) => earlier.tables.names().cloned(),
        None => Some(BTreeSet::new()),
    }
}

/// Takes the decision, as a form from the page or as JSON from a program with a session token.
pub async fn post(visit: Visit, request: Request) -> Response {
    match pairs(&visit, request).await {
        Ok(pairs) => decide(&visit, &pairs).await.unwrap_or_else(|fault| {
            let own = of_request(&pairs).map(|(name, value)| (name.as_str(), value.as_str()));
            error::show_before(&visit, fault, &address(PATH, own))
        }),
        Err(response) => *response,
    }
}

/// What is of the request and not of the decision, with what was done for it so far.
fn of_request(pairs: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    pairs.iter().filter(|(name, _)| name != DECISION && name != CSRF_FIELD)
}

async fn pairs(visit: &Visit, request: Request) -> Result<Vec<(String, String)>, Box<Response>> {
    let json = request
        .headers()
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/json")));
    if !json {
        let form = FormPairs::from_request(request, &()).await;
        return form.map(|form| form.0).map_err(|fault| Box::new(error::show(visit, fault)));
    }
    let body = JsonBody::<serde_json::Map<String, serde_json::Value>>::from_request(request, &()).await;
    let JsonBody(members) =
        body.map_err(|fault| Box::new(axum::response::IntoResponse::into_response(fault)))?;
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    let pairs: Result<_, Refusal> = given.map(|(name, value)| Ok((name, text(value)?))).collect();
    pairs.map_err(|refusal| Box::new(error::show(visit, refusal)))
}

/// A member as the parameter of a form that it stands for.
fn text(value: serde_json::Value) -> Result<String, Refusal> {
    let wrong = || {
        let text = "A member is a text, a number, a list of texts, or the object of claims.";
        Refusal::new(ErrorCode::InvalidRequest, text)
    };
    match value {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Array(names) => {
            let names: Option<Vec<_>> = names.iter().map(|name| name.as_str()).collect();
            names.map(|names| names.join(",")).ok_or_else(wrong)
        }
        value @ (serde_json::Value::Number(_) | serde_json::Value::Object(_)) => Ok(value.to_string()),
        serde_json::Value::Bool(_) | serde_json::Value::Null => Err(wrong()),
    }
}

async fn decide(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let present = present(visit).await?;
    // A bearer session token cannot be sent by another site; a cookie can, so the page's form proves itself.
    if !visit.headers.contains_key(AUTHORIZATION) && visit.check_form(present.as_ref(), pairs).is_err() {
        return Ok(match present {
            Some(_) => error::cross_site(visit),
            None => sign_in_first(visit, pairs),
        });
    }
    let allow = match field(pairs, DECISION) {
        Some("allow" | "approve") => true,
        Some("deny") => false,
        _ => return Err(Refusal::new(ErrorCode::InvalidRequest, "decision is approve or deny.").into()),
    };
    let pairs: Vec<_> = of_request(pairs).cloned().collect();
    let asked = match Asked::read(visit, &pairs, Recall::Never).await {
        Ok(asked) => asked,
        Err(Unread::Fault(fault)) => return Err(fault),
        Err(Unread::Told(response)) => return Ok(*response),
    };
    let Some(signed_in) = present else { return Ok(sign_in_first(visit, &pairs)) };
    if !allow {
        note(visit, "consent_denied", &signed_in, &asked.validated);
        let refusal = Refusal::new(ErrorCode::AccessDenied, "The person did not allow it.");
        return Ok(refuse(visit, &asked.validated, &refusal));
    }
    approve(visit, asked, signed_in, &pairs).await
}

fn sign_in_first(visit: &Visit, pairs: &[(String, String)]) -> Response {
    if visit.wants_json() {
        return prompt::sign_in_first(None);
    }
    start_over(&of_request(pairs).cloned().collect::<Vec<_>>())
}

async fn approve(
    visit: &Visit,
    asked: Asked,
    present: Present,
    pairs: &[(String, String)],
) -> Result<Response, OAuthError> {
    let (secret, fresh) = visit.app.mint.code(visit.now)?;
    let (user_id, client_id) = (present.user().id, asked.validated.client().client_id.clone());
    let (validated, person) = (asked.validated.clone(), present.clone());
    let (policy, now) = (visit.app.policy.clone(), visit.now);
    let rule = move |earlier: Option<&ConsentRecord>| {
        let expected = asked.expected_sub.as_deref();
        let agreed =
            asked.validated.clone().approve(Some(present.clone()), earlier, asked.progress, expected, now);
        agreed.map(|(approved, consent)| (consent, approved.code(&fresh, &policy, now)))
    };
    match visit.app.store.approve(user_id, &client_id, rule).await? {
        Approval::Stored(_) => {
            note(visit, "consent_given", &person, &validated);
            Ok(answer::code(visit, &validated, secret.expose()))
        }
        Approval::Refused(Step::Refuse(refusal)) => Ok(refuse(visit, &validated, &refusal)),
        // Something must be done first, such as signing in again: the request starts over.
        Approval::Refused(_) | Approval::SessionEnded => Ok(start_over(pairs)),
    }
}

/// Notes what a person decided about a client.
fn note(visit: &Visit, event: &'static str, person: &Present, about: &Validated) {
    let subject = Subject {
        client_id: Some(about.client().client_id.clone()),
        ..Subject::own(person.user().id, visit.caller)
    };
    let detail =
        serde_json::json!({"scope": about.scope().to_string(), "tables": about.request().tables.to_stored()});
    visit.app.audit.note(event, subject.detail(detail), visit.now);
}
