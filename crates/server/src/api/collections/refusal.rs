//! What the caller hears when something is not done.

use axum::response::{IntoResponse, Response};
use ayb_provider::access::Denied;
use ayb_store::error::StoreError;
use ayb_store::tables::{BatchError, TableError};
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::caller::denied;
use crate::error::ApiError;

/// Why something is not done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The tables, or the rule about them, say no.
    Tables(BatchError),
    /// The request itself is not what it should be.
    Request(ApiError),
}

impl Refusal {
    pub(super) fn denied(denied: Denied) -> Self {
        TableError::Denied(denied).into()
    }

    /// The API is not on. Its addresses do not exist then, so nobody gets here.
    pub(super) fn off() -> Self {
        ApiError::not_found("there is nothing at this address").into()
    }
}

impl From<TableError> for Refusal {
    fn from(error: TableError) -> Self {
        Self::Tables(error.into())
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        Self::Tables(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Request(error.into())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Request(error) => error.into_response(),
            Self::Tables(BatchError { error: TableError::Denied(reason), .. }) => denied(reason),
            Self::Tables(BatchError { index, error }) => envelope(index, error).into_response(),
        }
    }
}

fn envelope(index: Option<usize>, error: TableError) -> ApiError {
    let mut data = json!({});
    if let Some(index) = index {
        data["index"] = index.into();
    }
    let answer = match error {
        TableError::UnknownTable => ApiError::not_found("there is no such table"),
        TableError::NoRow => ApiError::not_found("there is no such row"),
        TableError::NoKey => ApiError::not_found("the rows of a table without a primary key have no address"),
        TableError::Denied(reason) => ApiError::forbidden(reason.refusal().public),
        TableError::Forbidden(message) => ApiError::forbidden(message),
        TableError::ReadOnly => {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this table takes no changes here")
                .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
        }
        TableError::Query { parameter, message, position } => {
            data["field"] = parameter.into();
            if let Some(position) = position {
                data["position"] = position.into();
            }
            ApiError::bad_request(message)
        }
        TableError::Value { field, message } => {
            if let Some(field) = field {
                data["field"] = field.into();
            }
            ApiError::unprocessable(message)
        }
        TableError::TooLarge => {
            const LARGE: &str = "the rows after these changes are larger than 16 MiB together, and nothing was \
                changed: send fewer changes at a time";
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, LARGE)
        }
        TableError::Conflict(message) => ApiError::conflict(message),
        TableError::Store(error) => return error.into(),
    };
    if data.as_object().is_some_and(serde_json::Map::is_empty) { answer } else { answer.data(data) }
}
