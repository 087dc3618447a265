//! Health: whether the process answers, and whether it can really write.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::headers::no_store;

/// Whether the server works.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when the database does not take writes.
    pub status: &'static str,
    /// `ok` or `unreachable`; absent where nobody asked the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<&'static str>,
}

/// Liveness: the process answers. It says nothing about the database, so nobody restarts a server because its database
/// is away.
pub async fn live() -> Response {
    no_store(Json(Health { status: "ok", database: None }))
}

/// Readiness: a row was written and committed just now.
pub async fn ready(State(app): State<App>) -> Response {
    let now = app.clock.now();
    match app.store.probe_write(now).await {
        Ok(()) => no_store(Json(Health { status: "ok", database: Some("ok") })),
        Err(error) => {
            tracing::warn!(%error, "the readiness probe failed");
            let body = Json(Health { status: "degraded", database: Some("unreachable") });
            no_store((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], body).into_response())
        }
    }
}
