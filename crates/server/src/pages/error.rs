//! The error page: for people, with the code in `#error-code`, what to do, and the request's identifier.

use axum::response::{IntoResponse, Response};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::time::Seconds;
use http::StatusCode;
use serde_json::json;

use crate::error::{ApiError, LogDetail};
use crate::http::headers::no_store;
use crate::oauth::error::OAuthError;
use crate::pages::respond::{Allow, page};
use crate::pages::view::{ErrorPage, View};
use crate::pages::visit::Visit;

/// Shows a refusal to a person, or says it in JSON to whoever asked for that.
pub fn show(visit: &Visit, error: impl Into<OAuthError>) -> Response {
    answer(visit, error.into(), None)
}

/// The same for a form: where another attempt may do, a link leads to the page `form` with it.
pub fn show_before(visit: &Visit, error: impl Into<OAuthError>, form: &str) -> Response {
    answer(visit, error.into(), Some(form))
}

fn answer(visit: &Visit, error: OAuthError, form: Option<&str>) -> Response {
    if visit.wants_json() {
        return error.into_response();
    }
    let (refusal, status) = (error.refusal(), error.status());
    let Words { code, title, text, advice } = words(refusal, status);
    let advice = error.wait().map_or_else(|| advice.to_owned(), when);
    let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let view = ErrorPage {
        chrome: visit.chrome(None),
        code,
        title,
        text,
        advice: &advice,
        next: form.filter(|_| may_pass).map(|form| (form, "Back to the form")),
        detail: Some(refusal.public).filter(|_| !may_pass),
    };
    let mut response = page(status, view.html(), &Allow::default());
    response.headers_mut().extend(error.headers());
    let detail = refusal.detail.as_deref().unwrap_or(refusal.public);
    response.extensions_mut().insert(LogDetail(format!("{}: {detail}", refusal.code)));
    response
}

/// The form did not come from our page, or the page is older than the session.
pub fn cross_site(visit: &Visit) -> Response {
    if visit.wants_json() {
        let body =
            json!({"error": "invalid_request", "error_description": "The form token is missing or wrong."});
        return no_store((StatusCode::FORBIDDEN, axum::Json(body)));
    }
    let words = Words {
        code: "invalid_request",
        title: "That page is too old",
        text: "The form was not sent from this site, or you have signed in or out since it was opened.",
        advice: "Go back, reload the page and try again. If that does not help, allow cookies for this site.",
    };
    words.page(visit, StatusCode::FORBIDDEN)
}

/// There is nothing at the address: a page for whoever prefers one, the envelope for all others.
pub fn not_found(visit: &Visit) -> Response {
    let words = Words {
        code: "not_found",
        title: "There is nothing here",
        text: "The address does not lead to a page of this site.",
        advice: "It may be mistyped, or the page is gone.",
    };
    words.page_or(visit, ApiError::not_found("there is nothing at this address"))
}

/// The address is there, and takes no such request: a form that was sent, or an address that only takes one. A page for
/// whoever prefers one, the envelope for all others.
pub fn wrong_method(visit: &Visit) -> Response {
    let words = Words {
        code: "method_not_allowed",
        title: "There is no page here",
        text: "The address takes a form, and shows nothing by itself.",
        advice: "Go to the page that has the form.",
    };
    let text = "this address does not take this method";
    words.page_or(visit, ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text))
}

/// What somebody reads: the code is for those who help them.
struct Words {
    code: &'static str,
    title: &'static str,
    text: &'static str,
    advice: &'static str,
}

impl Words {
    /// The page for whoever prefers one, the envelope for all others.
    fn page_or(self, visit: &Visit, envelope: ApiError) -> Response {
        if visit.gets_page() { self.page(visit, envelope.status()) } else { envelope.into_response() }
    }

    fn page(self, visit: &Visit, status: StatusCode) -> Response {
        let Self { code, title, text, advice } = self;
        let next = Some(("/", "Go to the start page"));
        let view = ErrorPage { chrome: visit.chrome(None), code, title, text, advice, next, detail: None };
        page(status, view.html(), &Allow::default())
    }
}

/// When to try again, in words.
fn when(wait: Seconds) -> String {
    let (count, unit) = if wait.0 < 120 { (wait.0, "second") } else { (wait.0.div_ceil(60), "minute") };
    let plural = if count == 1 { "" } else { "s" };
    format!("Try again in {count} {unit}{plural}.")
}

/// What happened and what to do, without the words of the protocol.
fn words(refusal: &Refusal, status: StatusCode) -> Words {
    let code = refusal.code.as_str();
    let say = |title, text, advice| Words { code, title, text, advice };
    match (refusal.code, status) {
        (ErrorCode::InvalidClient, _) => say(
            "This app cannot ask for access",
            "The app that sent you here is not known on this site, or is not allowed here any more.",
            "Go back to the app. If it happens again, tell the people who make it.",
        ),
        (ErrorCode::TemporarilyUnavailable, _) => {
            say("Back in a moment", "This site cannot do that at the moment.", "Try again in a minute.")
        }
        (ErrorCode::TooManyRequests, _) => say(
            "Too many attempts",
            "There were many attempts from your network in a short time, so this one was not taken.",
            "Wait a minute and try again.",
        ),
        (ErrorCode::ServerError, _) => say(
            "Something went wrong on our side",
            "What you asked for could not be finished.",
            "Try again. If it happens again, send the request number below to whoever runs this site.",
        ),
        (_, StatusCode::PAYLOAD_TOO_LARGE) => {
            say("That is too much", "What was sent is larger than this site takes.", "Go back and send less.")
        }
        (_, StatusCode::REQUEST_TIMEOUT) => say(
            "That took too long",
            "What was sent did not arrive in time.",
            "Check your connection, go back and try again.",
        ),
        _ => say(
            "This does not work",
            "You came here with something that this site cannot follow, so it stopped before sharing anything.",
            "Go back and start again. If it happens again, tell the people who make the app that sent you here.",
        ),
    }
}
