//! `DELETE /api/auth/me`

use axum::response::Response;
use ayb_provider::session::Present;
use http::StatusCode;

use super::session::own_session;
use crate::audit::Subject;
use crate::error::ApiError;
use crate::http::headers::no_store;
use crate::pages::visit::Visit;

/// Deletes the account of the person who is signed in, with everything that is theirs: sessions, consents, grants,
/// tokens, links. A client's access token does not suffice, whatever its scope.
pub async fn delete_me(visit: Visit) -> Response {
    own_session(&visit, async |present| delete(&visit, present).await).await
}

async fn delete(visit: &Visit, present: &Present) -> Result<Response, ApiError> {
    let id = present.user().id;
    if visit.app.store.delete_user(id).await? {
        visit.app.audit.note("account_deleted", Subject::own(id, visit.caller), visit.now);
    }
    Ok(no_store(StatusCode::NO_CONTENT))
}
