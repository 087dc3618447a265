//! `/api/auth/api-keys`: the keys of the person who is signed in. Only a session makes, shows and revokes them: a key or a
//! token that could make keys would outlive its own end.

use axum::extract::Path;
use axum::response::Response;
use ayb_protocol::ids::{ApiKeyId, AppId};
use ayb_provider::api_key::settle;
use ayb_provider::session::Present;
use http::StatusCode;

use super::session::own_session;
use crate::api::api_key::{ApiKeyView, CreatedApiKey, NewApiKey};
use crate::api::json::{List, ListQuery, answer};
use crate::api_keys::{made, make, revoked, unknown};
use crate::audit::Subject;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;
use crate::pages::visit::Visit;

/// `GET /api/auth/api-keys`
pub async fn list(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    own_session(&visit, async |present| {
        let page = ListQuery::read(query, &[])?.page;
        let found = visit.app.store.list_api_keys_of(present.user().id, page).await?;
        Ok(answer(List::new(page, found, ApiKeyView::from)))
    })
    .await
}

/// `POST /api/auth/api-keys`
pub async fn create(visit: Visit, body: Result<JsonBody<NewApiKey>, ApiError>) -> Response {
    own_session(&visit, async |present| {
        let JsonBody(body) = body?;
        let (of_app, draft) = body.read()?;
        let settings = settle(&draft, visit.now)?;
        if let Some(id) = of_app {
            looks_after(&visit, present, id).await?;
        }
        let (record, secret) = make(&visit.app, present.user().id, of_app, settings, visit.now).await?;
        visit.app.audit.note("api_key.created", made(&record, by(&visit, present)), visit.now);
        let mut response = answer(CreatedApiKey::from((record, secret)));
        *response.status_mut() = StatusCode::CREATED;
        Ok(response)
    })
    .await
}

/// `DELETE /api/auth/api-keys/{id}`
pub async fn revoke(visit: Visit, Path(id): Path<String>) -> Response {
    own_session(&visit, async |present| {
        let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
        if !visit.app.store.revoke_api_key(id, Some(present.user().id), visit.now).await? {
            return Err(unknown());
        }
        visit.app.audit.note("api_key.revoked", revoked(id, by(&visit, present)), visit.now);
        Ok(no_store(StatusCode::NO_CONTENT))
    })
    .await
}

/// A key uses up the limit of its app, so it may only be of an app that its owner looks after.
async fn looks_after(visit: &Visit, present: &Present, id: AppId) -> Result<(), ApiError> {
    let owner = visit.app.store.app(id).await?.and_then(|app| app.owner_user_id);
    if owner == Some(present.user().id) {
        return Ok(());
    }
    Err(ApiError::field("appId", "There is no such app that you look after."))
}

fn by(visit: &Visit, present: &Present) -> Subject {
    Subject::own(present.user().id, visit.caller)
}
