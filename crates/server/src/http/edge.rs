//! The edge as this server is configured, around all of its routes.

use axum::Router;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

use crate::app::App;
use crate::error::ApiError;
use crate::http::client_ip::{ForwardingHeader, TrustedProxies};
use crate::http::cors::{Cors, NotAnOrigin};
use crate::http::layers::{self, At, Edge, Fault};
use crate::http::waiting::Waiting;
use crate::oauth::error::OAuthError;
use crate::pages;
use crate::pages::visit::Visit;

/// Puts the configured edge around `router`.
///
/// # Errors
/// When an origin of the CORS list is none.
pub fn wrap(router: Router, app: &App) -> Result<Router, NotAnOrigin> {
    let server = &app.config.server;
    let of_pages = app.clone();
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
        waiting: Waiting::in_all(),
        https: app.is_https(),
        fault: Fault::new(move |at, error| fault(&of_pages, at, error)),
    };
    Ok(layers::wrap(router, edge))
}

/// An error of the edge itself, in the words of the endpoint that it happened at; a page for whoever prefers one.
fn fault(app: &App, at: &At<'_>, error: ApiError) -> Response {
    let oauth = ["/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/api/auth/token", "/api/auth/revoke"];
    if oauth.contains(&at.path) {
        return OAuthError::at_edge(&error).into_response();
    }
    if at.prefers_page && app.config.auth.enabled {
        let visit = Visit::that_failed(app, at.request_id.clone());
        return pages::error::show(&visit, OAuthError::at_edge(&error));
    }
    error.into_response()
}
