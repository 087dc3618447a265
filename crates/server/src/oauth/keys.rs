//! `GET /jwks.json`: the public keys (RFC 7517 §5).

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::http::headers::cached_json;

/// How long readers may keep the keys. The next key is published much longer than this before it signs.
const CACHE_CONTROL: &str = "public, max-age=3600";

/// Answers with the keys that sign, that will sign next, and that signed tokens which may still be alive.
pub async fn get(State(app): State<App>) -> Response {
    cached_json(app.keys.ring().jwks(), CACHE_CONTROL)
}
