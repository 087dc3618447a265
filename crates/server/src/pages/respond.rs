//! Turning a view into an answer: HTML, never kept, never framed, loading nothing from elsewhere.

use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderValue, StatusCode};

use crate::http::headers::no_store;

/// What a page may do beyond the strictest policy.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    /// Origins besides our own to which its forms may lead, redirects included.
    pub form_targets: Vec<String>,
    /// It loads our own script.
    pub script: bool,
    /// Its script talks to this server.
    pub connect: bool,
}

impl Allow {
    /// Forms may lead to `origin` in the end.
    pub fn form_to(origin: Option<String>) -> Self {
        Self { form_targets: origin.into_iter().collect(), ..Self::default() }
    }

    fn policy(&self) -> String {
        let mut policy = String::from(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        );
        for target in &self.form_targets {
            policy.push(' ');
            policy.push_str(target);
        }
        if self.script {
            policy.push_str("; script-src 'self'");
        }
        if self.connect {
            policy.push_str("; connect-src 'self'");
        }
        policy
    }
}

/// A page with its policy.
pub fn page(status: StatusCode, html: String, allow: &Allow) -> Response {
    let mut response = no_store((status, Html(html)));
    if let Ok(policy) = HeaderValue::try_from(allow.policy()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// 303: the browser goes on with GET, whatever it sent (never 307, which would send a password on: RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

/// 302, the status of authorization answers (RFC 6749 §4.1.2).
pub fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => no_store((status, [(LOCATION, location)])),
        Err(_) => no_store(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}
