//! The administration API: thin doors before [`crate::admin`].

pub mod api_keys;
pub mod apps;
pub mod audit;
pub mod clients;
pub mod keys;
pub mod sign_in;
pub mod users;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::{delete, get, post, put};
use http::request::Parts;

use crate::admin::{AdminCaller, sessions};
use crate::app::App;
use crate::caller;
use crate::error::ApiError;
use crate::http::client_ip::ClientIp;

/// The routes; those about clients and keys exist in provider mode only.
pub fn routes(provider: bool) -> Router<App> {
    let routes = Router::new()
        .route("/api/admin/auth", post(sign_in::sign_in).delete(sign_in::sign_out))
        .route("/api/admin/status", get(sign_in::status))
        .route("/api/admin/password", put(sign_in::change_password))
        .route("/api/admin/apps", get(apps::list).post(apps::create))
        .route("/api/admin/apps/{id}", get(apps::get).put(apps::update).delete(apps::delete))
        .route("/api/admin/users", get(users::list).post(users::create))
        .route("/api/admin/users/{id}", get(users::get).put(users::update).delete(users::delete))
        .route("/api/admin/users/{id}/disable", post(users::disable))
        .route("/api/admin/users/{id}/enable", post(users::enable))
        .route("/api/admin/users/{id}/password", put(users::set_password))
        .route("/api/admin/users/{id}/revoke", post(users::revoke_access))
        .route("/api/admin/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api/admin/api-keys/{id}", delete(api_keys::revoke))
        .route("/api/admin/audit", get(audit::list));
    if provider { routes.merge(provider_routes()) } else { routes }
}

fn provider_routes() -> Router<App> {
    Router::new()
        .route("/api/admin/oauth/clients", get(clients::list).post(clients::create))
        .route("/api/admin/oauth/clients/{client_id}", get(clients::get).put(clients::update))
        .route("/api/admin/oauth/clients/{client_id}", delete(clients::revoke))
        .route("/api/admin/oauth/clients/{client_id}/rotate-secret", post(clients::rotate_secret))
        .route("/api/admin/keys", get(keys::list))
        .route("/api/admin/keys/rotate", post(keys::rotate))
}

impl FromRequestParts<App> for AdminCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.clock.now();
        let ip = client_ip(parts)?;
        let token = caller::token(&parts.headers, None).ok().flatten();
        let token = token.ok_or_else(|| ApiError::unauthorized("sign in as administrator"))?;
        sessions::admit(app, &token, ip, now).await
    }
}

/// The address that the edge found out.
fn client_ip(parts: &Parts) -> Result<ClientIp, ApiError> {
    let ip = parts.extensions.get::<ClientIp>().copied();
    ip.ok_or_else(|| ApiError::internal("the edge did not say where a request comes from"))
}
