//! `/api/admin/audit`: the trail of what matters for security.

use axum::extract::State;
use axum::response::Response;
use ayb_protocol::ids::{ClientId, UserId};
use ayb_store::{AuditEntry, AuditFilter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::{AdminCaller, audit};
use crate::api::json::{IsoTime, List, ListQuery, answer};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, QueryPairs};

/// An event of the trail.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Its identifier.
    id: Uuid,
    /// When it happened.
    at: IsoTime,
    /// What happened, such as `client.revoked`.
    event: String,
    /// Who did it.
    actor: Option<String>,
    /// Which client it is about.
    client_id: Option<String>,
    /// Which person it is about.
    user_id: Option<Uuid>,
    /// The address that it came from.
    ip: Option<String>,
    /// What else there is to say.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

impl From<AuditEntry> for EventView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: IsoTime(entry.at),
            event: entry.event,
            actor: entry.actor,
            client_id: entry.client_id,
            user_id: entry.user_id.map(|user| user.0),
            ip: entry.ip,
            detail: entry.detail,
        }
    }
}

/// The filters of the list.
pub const FILTERS: [&str; 5] = ["event", "clientId", "userId", "since", "until"];

/// `GET /api/admin/audit`
pub async fn list(
    State(app): State<App>,
    admin: AdminCaller,
    query: Result<QueryPairs, BodyRejection>,
) -> Result<Response, ApiError> {
    const TIME: &str = "A time is written like 2026-11-21T10:00:00Z.";
    let query = ListQuery::read(query, &FILTERS)?;
    let time = |name| query.parsed(name, TIME, |text| IsoTime::parse(text).map(|time| time.0));
    let client_id =
        query.parsed("clientId", "A client id is ayb_cid_ and 48 hexadecimal digits.", ClientId::parse)?;
    let filter = AuditFilter {
        event: query.filter("event").map(str::to_owned),
        client_id: client_id.map(|id| id.to_string()),
        user_id: query.parsed("userId", "A user is named by a UUID.", UserId::parse)?,
        since: time("since")?,
        until: time("until")?,
    };
    let found = audit::list(&app, &admin, query.page, &filter).await?;
    Ok(answer(List::new(query.page, found, EventView::from)))
}
