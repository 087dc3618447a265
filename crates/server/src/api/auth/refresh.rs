//! `POST /api/auth/refresh`

use axum::response::Response;
use ayb_protocol::ids::{SessionId, UserId};
use ayb_protocol::secret::SessionRefresh;
use ayb_provider::session::{SessionRotation, rotate};
use serde_json::json;

use super::session::{RefreshToken, tokens};
use crate::audit::Subject;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::pages::visit::Visit;

/// Replaces the refresh token of a session. Each works once: an earlier one is in two hands, so the session ends.
///
/// # Errors
/// 401 for a token that is unknown, used or dead.
pub async fn refresh(visit: Visit, JsonBody(body): JsonBody<RefreshToken>) -> Result<Response, ApiError> {
    let Visit { app, now, .. } = &visit;
    let (secret, id) = body.locate(app).ok_or_else(refused)?;
    let next = app.mint.named::<SessionRefresh>(id.0)?;
    let (presented, fresh, lifetime) = (secret.hash(), next.hash(), app.config.auth.refresh_token_duration);
    let at = *now;
    let rule = move |found| rotate(found, &presented, fresh, lifetime, at);
    match app.store.rotate_api_session(id, at, rule).await? {
        SessionRotation::Issue { session } => {
            let user = app.store.user(session.user_id).await?.ok_or_else(refused)?;
            tokens(&visit, id, &next, user)
        }
        SessionRotation::Replay { revoke } => {
            let owner = app.store.api_session(revoke).await?.map(|(session, _)| session.user_id);
            replayed(&visit, revoke, owner);
            Err(refused())
        }
        SessionRotation::Refuse => Err(refused()),
    }
}

/// Notes that an earlier refresh token came back. Whoever sent it need not be the person.
pub(super) fn replayed(visit: &Visit, session: SessionId, owner: Option<UserId>) {
    let subject = Subject { user_id: owner, ip: Some(visit.caller.to_string()), ..Subject::default() };
    let detail = json!({"session_id": session.to_string()});
    visit.app.audit.note("session_refresh_replayed", subject.detail(detail), visit.now);
}

fn refused() -> ApiError {
    ApiError::unauthorized("the refresh token is unknown, used, expired or revoked")
}
