//! Turning a view into an answer: HTML, never kept, never framed, loading nothing from elsewhere.

use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderValue, StatusCode};

use crate::http::headers::no_store;

/// What a page may do beyond the strictest policy.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    /// Where its forms may lead besides our own origin, redirects included: a scheme.
    pub form_target: Option<&'static str>,
    /// It loads our own script.
    pub script: bool,
    /// Its script talks to this server.
    pub connect: bool,
}

impl Allow {
    /// Forms may lead to a client at `origin` in the end. Its whole scheme is allowed: browsers hold every redirect after
    /// a form to the list, and a client may send the person on from its callback to an address that we do not know.
    pub fn form_to(origin: Option<&str>) -> Self {
        let scheme = |origin: &str| if origin.starts_with("https:") { "https:" } else { "http:" };
        Self { form_target: origin.map(scheme), ..Self::default() }
    }

    fn policy(&self) -> String {
        let mut policy = String::from(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        );
        if let Some(target) = self.form_target {
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

/// What HEAD gets where GET would do something: that there is an answer, and nothing of it (RFC 9110 §9.2.1).
pub fn nothing_done() -> Response {
    no_store(StatusCode::OK)
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
