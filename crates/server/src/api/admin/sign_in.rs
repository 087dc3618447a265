//! Signing in as the administrator, and out again.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ayb_protocol::time::Timestamp;
use ayb_provider::limit::Verdict;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::admin::sessions::Origin;
use crate::admin::{AdminCaller, password, sessions};
use crate::api::json::answer;
use crate::app::App;
use crate::error::ApiError;
use crate::http::client_ip::ClientIp;
use crate::http::extract::JsonBody;
use crate::http::headers::{RATE_LIMIT, no_store};

/// Who wants to be the administrator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdminSignIn {
    /// The administrator's password.
    password: String,
}

/// A new session of the administrator.
#[derive(Serialize, ToSchema)]
pub struct AdminToken {
    /// The bearer token, good for twelve hours.
    token: String,
}

/// Whether the administration needs a password.
#[derive(Serialize, ToSchema)]
pub struct AdminStatus {
    /// Always true: there is no administration without a password.
    auth: bool,
}

/// A new password of the administrator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdminPassword {
    /// The password until now.
    current_password: String,
    /// The password from now on, at least 8 characters.
    new_password: String,
}

/// `POST /api/admin/auth`
pub async fn sign_in(
    State(app): State<App>,
    Extension(ip): Extension<ClientIp>,
    headers: HeaderMap,
    body: Result<JsonBody<AdminSignIn>, ApiError>,
) -> Response {
    limited(&app, ip, async |app, now| {
        let JsonBody(AdminSignIn { password }) = body?;
        let token = sessions::sign_in(app, Zeroizing::new(password), Origin::new(ip, &headers), now).await?;
        Ok(answer(AdminToken { token: token.expose().to_owned() }))
    })
    .await
}

/// `DELETE /api/admin/auth`
pub async fn sign_out(State(app): State<App>, admin: AdminCaller) -> Result<Response, ApiError> {
    sessions::sign_out(&app, &admin).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// `GET /api/admin/status`
pub async fn status() -> Response {
    answer(AdminStatus { auth: true })
}

/// `PUT /api/admin/password`
pub async fn change_password(
    State(app): State<App>,
    Extension(ip): Extension<ClientIp>,
    admin: AdminCaller,
    JsonBody(body): JsonBody<AdminPassword>,
) -> Response {
    limited(&app, ip, async |app, _| {
        let (current, new) = (Zeroizing::new(body.current_password), Zeroizing::new(body.new_password));
        password::change(app, &admin, current, new).await?;
        Ok(no_store(StatusCode::NO_CONTENT))
    })
    .await
}

/// Lets an attempt at the password through if the address has any left, and says how many.
async fn limited(
    app: &App,
    ip: ClientIp,
    attempt: impl AsyncFnOnce(&App, Timestamp) -> Result<Response, ApiError>,
) -> Response {
    let now = app.clock.now();
    let Some(standing) = sessions::attempt(app, ip, now).await else {
        return attempt(app, now).await.unwrap_or_else(IntoResponse::into_response);
    };
    let outcome = match standing.verdict {
        Verdict::Allowed { .. } => attempt(app, now).await,
        Verdict::Limited { retry_after, .. } => {
            Err(ApiError::too_many("too many attempts to sign in; try again later", retry_after))
        }
    };
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    RATE_LIMIT.write(response.headers_mut(), &standing);
    response
}
