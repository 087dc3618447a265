//! `POST /api/auth/logout`

use axum::response::Response;
use ayb_store::SessionKind;
use http::StatusCode;
use serde_json::json;

use super::refresh::replayed;
use super::session::RefreshToken;
use crate::audit::Subject;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::headers::no_store;
use crate::pages::visit::Visit;

/// Ends the session of a refresh token; its session tokens die at once. What is no session is as good as ended.
///
/// # Errors
/// When the store cannot do it: an end that did not happen is never claimed.
pub async fn logout(visit: Visit, JsonBody(body): JsonBody<RefreshToken>) -> Result<Response, ApiError> {
    let Visit { app, now, .. } = &visit;
    let Some((secret, id)) = body.locate(app) else { return Ok(done()) };
    let Some((session, _)) = app.store.api_session(id).await? else { return Ok(done()) };
    if !session.is_live(*now) || !app.store.end_session(id, SessionKind::Api, *now).await? {
        return Ok(done());
    }
    if session.hash == secret.hash() {
        let subject = Subject::own(session.user_id, visit.caller);
        app.audit.note("session_ended", subject.detail(json!({"session_id": id.to_string()})), *now);
    } else {
        // An earlier token ends the session too, as it does at the refresh endpoint.
        replayed(&visit, id, Some(session.user_id));
    }
    Ok(done())
}

fn done() -> Response {
    no_store(StatusCode::NO_CONTENT)
}
