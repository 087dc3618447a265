//! `/api/admin/users`: accounts of people.

use axum::extract::{Path, State};
use axum::response::Response;
use ayb_protocol::ids::UserId;
use ayb_provider::user::UserRecord;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::admin::{AdminCaller, users};
use crate::api::json::{IsoTime, List, ListQuery, Patch, answer};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;

/// A person with an account, as the administrator sees them.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AdminUser)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// The identifier, the `sub` of tokens.
    id: Uuid,
    /// The address to sign in with.
    email: String,
    /// Whether the address was shown to be theirs.
    email_verified: bool,
    /// Name to show.
    name: Option<String>,
    /// Address of a picture.
    picture: Option<String>,
    /// When the account was locked.
    disabled_at: Option<IsoTime>,
    /// When it was made.
    created_at: IsoTime,
    /// When it was last changed.
    updated_at: IsoTime,
}

impl From<UserRecord> for UserView {
    fn from(user: UserRecord) -> Self {
        Self {
            id: user.id.0,
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            picture: user.picture,
            disabled_at: user.disabled_at.map(IsoTime),
            created_at: IsoTime(user.created_at),
            updated_at: IsoTime(user.updated_at),
        }
    }
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// The address to sign in with.
    #[serde(default)]
    #[schema(required)]
    email: String,
    /// The password.
    #[serde(default)]
    #[schema(required)]
    password: String,
    /// Name to show; at most 200 characters.
    name: Option<String>,
    /// https address of a picture.
    picture: Option<String>,
    /// Whether the address is known to be theirs; false when not said.
    #[serde(default)]
    email_verified: bool,
}

/// A change of an account; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserChange {
    /// Name to show; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    /// https address of a picture; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    picture: Patch<String>,
    /// Whether the address is known to be theirs.
    email_verified: Option<bool>,
}

/// A new password of a person.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPassword {
    /// The password from now on.
    #[serde(default)]
    #[schema(required)]
    password: String,
}

/// `GET /api/admin/users`
pub async fn list(
    State(app): State<App>,
    admin: AdminCaller,
    query: Result<QueryPairs, BodyRejection>,
) -> Result<Response, ApiError> {
    let query = ListQuery::read(query, &["search"])?;
    let search = query.filter("search").unwrap_or_default();
    let found = users::list(&app, &admin, query.page, search).await?;
    Ok(answer(List::new(query.page, found, UserView::from)))
}

/// `GET /api/admin/users/{id}`
pub async fn get(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(UserView::from(users::get(&app, &admin, named(&id)?).await?)))
}

/// `POST /api/admin/users`
pub async fn create(
    State(app): State<App>,
    admin: AdminCaller,
    JsonBody(body): JsonBody<NewUser>,
) -> Result<Response, ApiError> {
    let new = users::NewUser {
        email: body.email,
        password: Zeroizing::new(body.password),
        name: body.name,
        picture: body.picture,
        email_verified: body.email_verified,
    };
    let mut response = answer(UserView::from(users::create(&app, &admin, new).await?));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `PUT /api/admin/users/{id}`
pub async fn update(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<UserChange>,
) -> Result<Response, ApiError> {
    let change = users::UserChange {
        name: body.name.into_change(),
        picture: body.picture.into_change(),
        email_verified: body.email_verified,
    };
    Ok(answer(UserView::from(users::update(&app, &admin, named(&id)?, change).await?)))
}

/// `POST /api/admin/users/{id}/disable`
pub async fn disable(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(UserView::from(users::disable(&app, &admin, named(&id)?).await?)))
}

/// `POST /api/admin/users/{id}/enable`
pub async fn enable(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(UserView::from(users::enable(&app, &admin, named(&id)?).await?)))
}

/// `PUT /api/admin/users/{id}/password`
pub async fn set_password(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<UserPassword>,
) -> Result<Response, ApiError> {
    users::set_password(&app, &admin, named(&id)?, Zeroizing::new(body.password)).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// `POST /api/admin/users/{id}/revoke`
pub async fn revoke_access(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    users::revoke_access(&app, &admin, named(&id)?).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// `DELETE /api/admin/users/{id}`
pub async fn delete(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    users::delete(&app, &admin, named(&id)?).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// What is no identifier names nobody.
fn named(text: &str) -> Result<UserId, ApiError> {
    UserId::parse(text).ok_or_else(|| ApiError::not_found("there is no such user"))
}
