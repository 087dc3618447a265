//! The edge as this server is configured, around all of its routes.

use axum::Router;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

use crate::app::App;
use crate::error::ApiError;
use crate::http::client_ip::{ForwardingHeader, TrustedProxies};
use crate::http::cors::{Cors, NotAnOrigin};
use crate::http::layers::{self, Edge};
use crate::oauth::error::OAuthError;
use ayb_protocol::error::{ErrorCode, Refusal};

/// Puts the configured edge around `router`.
///
/// # Errors
/// When an origin of the CORS list is none.
pub fn wrap(router: Router, app: &App) -> Result<Router, NotAnOrigin> {
    let server = &app.config.server;
    let request_time = Duration::from_secs(server.request_timeout_seconds.0);
    let edge = Edge {
        clock: app.clock.clone(),
        entropy: app.entropy.clone(),
        proxies: TrustedProxies::new(server.trusted_proxies.clone(), ForwardingHeader::XForwardedFor),
        cors: Cors::parse(&server.cors_allowed_origins)?,
        body_limit: server.body_limit,
        // Earlier than the whole request, so that a slow caller hears of it (408) and is not told that we were slow (503).
        body_time: request_time * 9 / 10,
        request_time,
        https: app.is_https(),
        fault,
    };
    Ok(layers::wrap(router, edge))
}

/// An error of the edge itself, in the words of the endpoint that it happened at.
fn fault(path: &str, error: ApiError) -> Response {
    let oauth = ["/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/api/auth/token", "/api/auth/revoke"];
    if !oauth.contains(&path) {
        return error.into_response();
    }
    let status = error.status();
    let code = match status.as_u16() {
        503 => ErrorCode::TemporarilyUnavailable,
        500.. => ErrorCode::ServerError,
        _ => ErrorCode::InvalidRequest,
    };
    let text = match code {
        ErrorCode::InvalidRequest => "The request is too large or not readable.",
        ErrorCode::TemporarilyUnavailable => "The server cannot do this at the moment; try again soon.",
        _ => "The server failed; the fault is logged.",
    };
    let mut response = OAuthError::from(Refusal::new(code, text)).into_response();
    *response.status_mut() = status;
    response
}
