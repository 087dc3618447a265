//! Health: whether the process answers, and whether it can really write.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;

use crate::app::App;
use crate::http::headers::no_store;

/// Liveness: the process answers. It says nothing about the database, so nobody restarts a server because its database
/// is away.
pub async fn live() -> Response {
    no_store(Json(json!({"status": "ok"})))
}

/// Readiness: a row was written and committed just now.
pub async fn ready(State(app): State<App>) -> Response {
    let now = app.clock.now();
    match app.store.probe_write(now).await {
        Ok(()) => no_store(Json(json!({"status": "ok", "database": "ok"}))),
        Err(error) => {
            tracing::warn!(%error, "the readiness probe failed");
            let body = Json(json!({"status": "degraded", "database": "unreachable"}));
            no_store((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], body).into_response())
        }
    }
}
