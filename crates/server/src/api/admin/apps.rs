//! `/api/admin/apps`: the products that clients belong to.

use axum::extract::{Path, State};
use axum::response::Response;
use ayb_protocol::ids::{AppId, UserId};
use ayb_provider::app::AppRecord;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::{AdminCaller, apps};
use crate::api::json::{IsoTime, List, ListQuery, Patch, answer};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;

/// An app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = App)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// Its identifier.
    id: Uuid,
    /// Shown on the consent page.
    name: String,
    /// Shown on the consent page.
    description: String,
    /// The user who looks after it.
    owner_user_id: Option<Uuid>,
    /// Requests that its credentials may make together in one window; 0 is no limit.
    rate_limit_rps: u32,
    /// The window of the limit, in seconds.
    rate_limit_window_seconds: u64,
    /// Browser origins that may read answers to its credentials; empty for the server's own setting.
    allowed_origins: Vec<String>,
    /// When it was made.
    created_at: IsoTime,
    /// When it was last changed.
    updated_at: IsoTime,
}

impl From<AppRecord> for AppView {
    fn from(app: AppRecord) -> Self {
        Self {
            id: app.id.0,
            name: app.name,
            description: app.description,
            owner_user_id: app.owner_user_id.map(|owner| owner.0),
            rate_limit_rps: app.rate_limit.requests,
            rate_limit_window_seconds: app.rate_limit.window.0,
            allowed_origins: app.allowed_origins,
            created_at: IsoTime(app.created_at),
            updated_at: IsoTime(app.updated_at),
        }
    }
}

/// A new app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApp {
    /// Shown on the consent page; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// Shown on the consent page; at most 1000 characters.
    #[serde(default)]
    description: String,
    /// The user who looks after it; nobody when not said.
    #[schema(value_type = Option<Uuid>)]
    owner_user_id: Option<String>,
    /// Requests that its credentials may make together in one window; 0, the default, is no limit.
    rate_limit_rps: Option<u64>,
    /// The window of the limit in seconds, 60 when not said.
    rate_limit_window_seconds: Option<u64>,
    /// Browser origins that may read answers to its credentials; none for the server's own setting.
    #[serde(default)]
    allowed_origins: Vec<String>,
}

/// A change of an app; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppChange {
    /// Shown on the consent page; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// Shown on the consent page; at most 1000 characters.
    description: Option<String>,
    /// The user who looks after it; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    owner_user_id: Patch<String>,
    /// Requests that its credentials may make together in one window; 0 is no limit.
    rate_limit_rps: Option<u64>,
    /// The window of the limit in seconds.
    rate_limit_window_seconds: Option<u64>,
    /// Browser origins that may read answers to its credentials; replaces the list.
    allowed_origins: Option<Vec<String>>,
}

/// `GET /api/admin/apps`
pub async fn list(
    State(app): State<App>,
    admin: AdminCaller,
    query: Result<QueryPairs, BodyRejection>,
) -> Result<Response, ApiError> {
    let query = ListQuery::read(query, &[])?;
    let found = apps::list(&app, &admin, query.page).await?;
    Ok(answer(List::new(query.page, found, AppView::from)))
}

/// `GET /api/admin/apps/{id}`
pub async fn get(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(AppView::from(apps::get(&app, &admin, named(&id)?).await?)))
}

/// `POST /api/admin/apps`
pub async fn create(
    State(app): State<App>,
    admin: AdminCaller,
    JsonBody(body): JsonBody<NewApp>,
) -> Result<Response, ApiError> {
    let new = apps::NewApp {
        name: body.name,
        description: body.description,
        owner: body.owner_user_id.as_deref().map(owner).transpose()?,
        requests: body.rate_limit_rps,
        window: body.rate_limit_window_seconds,
        allowed_origins: body.allowed_origins,
    };
    let mut response = answer(AppView::from(apps::create(&app, &admin, new).await?));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `PUT /api/admin/apps/{id}`
pub async fn update(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AppChange>,
) -> Result<Response, ApiError> {
    let new_owner = match body.owner_user_id.into_change() {
        Some(Some(text)) => Some(Some(owner(&text)?)),
        Some(None) => Some(None),
        None => None,
    };
    let change = apps::AppChange {
        name: body.name,
        description: body.description,
        owner: new_owner,
        requests: body.rate_limit_rps,
        window: body.rate_limit_window_seconds,
        allowed_origins: body.allowed_origins,
    };
    Ok(answer(AppView::from(apps::update(&app, &admin, named(&id)?, change).await?)))
}

/// `DELETE /api/admin/apps/{id}`
pub async fn delete(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    apps::delete(&app, &admin, named(&id)?).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// What is no identifier names no app.
fn named(text: &str) -> Result<AppId, ApiError> {
    AppId::parse(text).ok_or_else(|| ApiError::not_found("there is no such app"))
}

fn owner(text: &str) -> Result<UserId, ApiError> {
    let wrong = || ApiError::field("ownerUserId", "The owner is named by a UUID.");
    UserId::parse(text).ok_or_else(wrong)
}
