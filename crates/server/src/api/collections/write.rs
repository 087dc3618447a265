//! `POST /api/collections/{table}`, and `PATCH`, `PUT` and `DELETE /api/collections/{table}/{id}`

use axum::response::{IntoResponse, Response};
use ayb_provider::access::Write;
use ayb_store::tables::{Operation, Written};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::id::{Address, path};
use super::refusal::Refusal;
use super::row::RowCells;
use super::{for_tables, json};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::headers::no_store;
use crate::pages::visit::Visit;

type Body = Result<JsonBody<RowCells>, ApiError>;

/// Adds a row.
pub(super) async fn post(visit: Visit, address: Result<Address, ApiError>, body: Body) -> Response {
    change(&visit, address, async |_| Ok(Operation::Create { cells: body?.0.0 })).await
}

/// Changes the columns given.
pub(super) async fn patch(visit: Visit, address: Result<Address, ApiError>, body: Body) -> Response {
    change(&visit, address, async |id| Ok(Operation::Update { id, cells: body?.0.0 })).await
}

/// Replaces a row.
pub(super) async fn put(visit: Visit, address: Result<Address, ApiError>, body: Body) -> Response {
    change(&visit, address, async |id| Ok(Operation::Replace { id, cells: body?.0.0 })).await
}

/// Takes a row away.
pub(super) async fn delete(visit: Visit, address: Result<Address, ApiError>) -> Response {
    change(&visit, address, async |id| Ok(Operation::Delete { id })).await
}

async fn change(
    visit: &Visit,
    address: Result<Address, ApiError>,
    operation: impl AsyncFnOnce(Vec<String>) -> Result<Operation, ApiError>,
) -> Response {
    for_tables::<Write>(visit, async |tables, asker| {
        let Address { table, id } = address?;
        let operation = operation(id).await?;
        // Of one operation everybody knows which it is.
        let written = tables.change(asker, &table, std::slice::from_ref(&operation)).await;
        let written = written.map_err(|error| Refusal::from(error.error))?;
        let written = written.into_iter().next();
        let Some(Written { row: Some(row), id }) = written else {
            return Ok(no_store(StatusCode::NO_CONTENT.into_response()));
        };
        if !matches!(operation, Operation::Create { .. }) {
            return Ok(json(StatusCode::OK, row));
        }
        let mut response = json(StatusCode::CREATED, row);
        if let Ok(location) = HeaderValue::try_from(path(&table, &id))
            && !id.is_empty()
        {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    })
    .await
}
