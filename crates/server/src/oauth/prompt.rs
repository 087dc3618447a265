//! What a program gets instead of a page: the consent question and the need to sign in, as JSON.

use axum::Json;
use axum::response::Response;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_provider::authorize::{ConsentQuestion, Validated};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde::Serialize;

use crate::http::headers::no_store;

#[derive(Serialize)]
struct Prompt<'a> {
    requires_consent: bool,
    client_id: &'a str,
    client_name: &'a str,
    redirect_uri: &'a str,
    scope: String,
    state: &'a str,
    code_challenge: String,
    code_challenge_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_tables: Option<Vec<String>>,
    new_scope: String,
}

/// The question that the consent page would ask.
pub fn json(validated: &Validated, question: &ConsentQuestion) -> Response {
    let request = validated.request();
    no_store(Json(Prompt {
        requires_consent: true,
        client_id: validated.client().client_id.as_str(),
        client_name: &validated.client().settings.name,
        redirect_uri: validated.redirect_uri().as_str(),
        // What is asked, to be sent back with the decision; a wider consent of earlier days is no part of it.
        scope: request.scope.to_string(),
        state: &request.state,
        code_challenge: request.challenge.to_string(),
        code_challenge_method: ayb_protocol::pkce::METHOD_S256,
        allowed_tables: request.tables.to_stored(),
        new_scope: question.new.to_string(),
    }))
}

/// 401: a person has to sign in first.
pub fn sign_in_first(then: Option<&str>) -> Response {
    login_required(&Refusal::new(ErrorCode::LoginRequired, "Sign in first."), then)
}

/// 401: a person has to do something first. `then` is the address of the request with what was asked for: a program that has
/// had it done goes on there, as a browser does, and is not asked for it again.
pub fn login_required(refusal: &Refusal, then: Option<&str>) -> Response {
    let mut body = serde_json::json!({"error": refusal.code.as_str(), "error_description": refusal.public});
    if let Some(then) = then {
        body["continue"] = then.into();
    }
    let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"ayb\"")];
    no_store((StatusCode::UNAUTHORIZED, challenge, Json(body)))
}
