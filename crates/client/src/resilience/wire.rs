//! What goes over the wire, for whoever develops: names and lengths, never values.

use ayb_primitives::logging::Level;
use serde_json::{Map, Value};

use super::Call;
use crate::core::Core;
use crate::http::{HttpRequest, HttpResponse, without_query};

impl Core {
    pub(super) fn trace_request(&self, call: &Call<'_>, request: &HttpRequest) {
        let headers = named(request.headers.iter().map(|(name, value)| (*name, value.len())));
        let body = request.body.as_deref().map_or("", |body| body.as_str());
        let fields = [
            ("method", request.method.as_str()),
            ("url", &without_query(&request.url)),
            ("headers", &headers),
            ("body", &shape(body.as_bytes())),
        ];
        self.log(Level::Trace, "a request goes out", call.asked, &fields);
    }

    pub(super) fn trace_answer(&self, call: &Call<'_>, answer: &HttpResponse) {
        let headers = named(answer.headers.iter().map(|(name, value)| (name.as_str(), value.len())));
        let fields = [("headers", headers.as_str()), ("body", &shape(&answer.body))];
        self.log(Level::Trace, "an answer came in", call.asked, &fields);
    }
}

/// The members of a body with their lengths. What is neither a form nor an object has a length only.
fn shape(body: &[u8]) -> String {
    if let Ok(members) = serde_json::from_slice::<Map<String, Value>>(body) {
        return named(members.iter().map(|(name, value)| (name.as_str(), length(value))));
    }
    let form: Vec<_> = form_urlencoded::parse(body).collect();
    if !body.contains(&b'=') || form.iter().any(|(name, _)| !is_name(name)) {
        return format!("{} bytes", body.len());
    }
    named(form.iter().map(|(name, value)| (&**name, value.len())))
}

fn length(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().len(), str::len)
}

fn named<'a>(all: impl Iterator<Item = (&'a str, usize)>) -> String {
    // A name that is none may be a secret in the wrong place.
    let all = all.map(|(name, length)| (if is_name(name) { name } else { "?" }, length));
    all.map(|(name, length)| format!("{name}({length})")).collect::<Vec<_>>().join(" ")
}

fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_shows_names_and_lengths_and_no_value() {
        assert_eq!(
            shape(b"grant_type=refresh_token&refresh_token=canary"),
            "grant_type(13) refresh_token(6)"
        );
        assert_eq!(shape(br#"{"access_token":"canary","expires_in":60}"#), "access_token(6) expires_in(2)");
        assert_eq!(shape(br#"{"Canary":{"id":1},"a":1}"#), "?(8) a(1)");
        for body in ["canary", "<p class=canary>", "CANARY=1", ""] {
            assert_eq!(shape(body.as_bytes()), format!("{} bytes", body.len()));
        }
    }
}
