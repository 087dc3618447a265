//! Sending the answer of an authorization request: by redirect, by a form that posts itself, or as JSON.

use axum::Json;
use axum::response::Response;
use ayb_protocol::message::authorize::{AuthorizeResponse, ResponseMode};
use ayb_provider::authorize::Validated;
use http::StatusCode;
use serde_json::json;

use crate::assets;
use crate::http::headers::no_store;
use crate::pages::respond::{Allow, found, page};
use crate::pages::view::{FormPostPage, Hidden, View};
use crate::pages::visit::Visit;

/// A code for the client.
pub fn code(visit: &Visit, validated: &Validated, code: &str) -> Response {
    let request = validated.request();
    let (to, mode) = (validated.redirect_uri(), request.response_mode);
    send(visit, &AuthorizeResponse::code(to, mode, code, &request.state, visit.app.issuer()))
}

/// Sends an answer in the mode that it was asked for in.
pub fn send(visit: &Visit, response: &AuthorizeResponse<'_>) -> Response {
    if visit.wants_json() {
        return no_store(Json(json!({"requires_consent": false, "redirect_to": response.location()})));
    }
    match response.mode {
        ResponseMode::Query => found(&response.location()),
        ResponseMode::FormPost => form_post(visit, response),
    }
}

fn form_post(visit: &Visit, response: &AuthorizeResponse<'_>) -> Response {
    let origin = response.redirect_uri.origin();
    let view = FormPostPage {
        chrome: visit.chrome(None),
        action: response.redirect_uri.as_str(),
        parameters: response.params.iter().map(|(name, value)| Hidden { name, value }).collect(),
        script_href: assets::form_post_href(),
        host: origin.split("://").nth(1).unwrap_or_default(),
    };
    let allow = Allow { script: true, ..Allow::form_to(Some(&origin)) };
    page(StatusCode::OK, view.html(), &allow)
}
