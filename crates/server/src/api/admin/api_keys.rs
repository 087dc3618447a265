//! `/api/admin/api-keys`: keys that people gave to their programs.

use axum::extract::{Path, State};
use axum::response::Response;
use ayb_protocol::ids::{ApiKeyId, UserId};
use http::StatusCode;

use crate::admin::{AdminCaller, api_keys};
use crate::api::api_key::{ApiKeyView, CreatedApiKey, NewApiKey, NewApiKeyOfUser};
use crate::api::json::{List, ListQuery, answer};
use crate::api_keys::unknown;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;

/// `GET /api/admin/api-keys`
pub async fn list(
    State(app): State<App>,
    admin: AdminCaller,
    query: Result<QueryPairs, BodyRejection>,
) -> Result<Response, ApiError> {
    let query = ListQuery::read(query, &["userId"])?;
    let of = query.parsed("userId", "A user is named by a UUID.", UserId::parse)?;
    let found = api_keys::list(&app, &admin, query.page, of).await?;
    Ok(answer(List::new(query.page, found, ApiKeyView::from)))
}

/// `POST /api/admin/api-keys`
pub async fn create(
    State(app): State<App>,
    admin: AdminCaller,
    JsonBody(body): JsonBody<NewApiKeyOfUser>,
) -> Result<Response, ApiError> {
    let wrong_user = || ApiError::field("userId", "A user is named by a UUID.");
    let owner = UserId::parse(&body.user_id).ok_or_else(wrong_user)?;
    let (of_app, draft) = NewApiKey::from(body).read()?;
    let new = api_keys::create(&app, &admin, owner, of_app, &draft).await?;
    let mut response = answer(CreatedApiKey::from(new));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `DELETE /api/admin/api-keys/{id}`
pub async fn revoke(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
    api_keys::revoke(&app, &admin, id).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}
