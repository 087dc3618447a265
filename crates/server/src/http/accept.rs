//! What kind of answer a request asks for.

use http::HeaderMap;
use http::header::ACCEPT;

/// Whether JSON is asked for rather than a page.
pub fn prefers_json(headers: &HeaderMap) -> bool {
    preferred_kind(headers) == Some("application/json")
}

/// Whether a page is asked for rather than JSON.
pub fn prefers_page(headers: &HeaderMap) -> bool {
    preferred_kind(headers) == Some("text/html")
}

/// What `Accept` asks for by name, JSON or HTML, whichever it names first; browsers name HTML first.
fn preferred_kind(headers: &HeaderMap) -> Option<&str> {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut media =
        accept.flat_map(|value| value.split(',')).map(|item| item.split(';').next().unwrap_or("").trim());
    media.find(|kind| matches!(*kind, "application/json" | "text/html"))
}
