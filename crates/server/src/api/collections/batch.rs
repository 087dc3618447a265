//! `POST /api/collections/{table}/batch`: many changes, all or none.

use axum::response::Response;
use ayb_provider::access::Write;
use ayb_store::tables::{MAX_BATCH, Operation};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::id::Address;
use super::refusal::Refusal;
use super::row::RowCells;
use super::{for_tables, json};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::pages::visit::Visit;

/// Changes of one table that are done together or not at all.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The changes, at most 1000, in their order.
    pub operations: Vec<BatchOperation>,
}

/// One change.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchOperation {
    /// What to do.
    pub method: BatchVerb,
    /// The key of the row; the parts of a key of several columns as a list. Not for `create`.
    #[schema(value_type = Option<String>)]
    pub id: Option<RowId>,
    /// The columns of the row. Not for `delete`.
    pub data: Option<RowCells>,
}

/// What to do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchVerb {
    /// Adds a row, as `POST` does.
    Create,
    /// Changes the columns given, as `PATCH` does.
    Update,
    /// Replaces a row, as `PUT` does.
    Replace,
    /// Takes a row away, as `DELETE` does.
    Delete,
}

/// The key of a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum RowId {
    /// A key of several columns.
    Parts(Vec<RowIdPart>),
    /// A key of one column.
    One(RowIdPart),
}

/// One column of the key of a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum RowIdPart {
    /// A number.
    Number(i64),
    /// Anything else.
    Text(String),
}

/// The rows after a batch.
#[derive(ToSchema)]
pub struct BatchResult {
    /// The row after each change, in the order of the changes; null for a row that was deleted.
    pub items: Vec<Option<RowCells>>,
}

impl RowIdPart {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Does all of it, or nothing.
pub(super) async fn post(
    visit: Visit,
    address: Result<Address, ApiError>,
    body: Result<JsonBody<BatchRequest>, ApiError>,
) -> Response {
    for_tables::<Write>(&visit, async |tables, asker| {
        let table = address?.table;
        let operations = body?.0.operations;
        if operations.len() > MAX_BATCH {
            let error = ApiError::unprocessable("a batch has at most 1000 operations");
            return Err(error.data(serde_json::json!({"field": "operations"})).into());
        }
        let read = operations.into_iter().enumerate().map(|(index, one)| operation(index, one));
        let operations = read.collect::<Result<Vec<_>, _>>()?;
        let written = tables.change(asker, &table, &operations).await?;
        let rows = written.into_iter().map(|written| written.row.unwrap_or_else(|| "null".to_owned()));
        let text = format!("{{\"items\":[{}]}}", rows.collect::<Vec<_>>().join(","));
        Ok(json(StatusCode::OK, text))
    })
    .await
}

fn operation(index: usize, one: BatchOperation) -> Result<Operation, Refusal> {
    let id = one.id.map(|id| match id {
        RowId::Parts(parts) => parts.into_iter().map(RowIdPart::into_text).collect::<Vec<_>>(),
        RowId::One(part) => vec![part.into_text()],
    });
    let wrong = |field: &str, message: &'static str| {
        ApiError::unprocessable(message).data(serde_json::json!({"index": index, "field": field}))
    };
    let cells = one.data.map(|data| data.0);
    match (one.method, id, cells) {
        (BatchVerb::Create, None, Some(cells)) => Ok(Operation::Create { cells }),
        (BatchVerb::Update, Some(id), Some(cells)) => Ok(Operation::Update { id, cells }),
        (BatchVerb::Replace, Some(id), Some(cells)) => Ok(Operation::Replace { id, cells }),
        (BatchVerb::Delete, Some(id), None) => Ok(Operation::Delete { id }),
        (BatchVerb::Create, Some(_), _) => {
            Err(wrong("id", "a row that is created has no address yet").into())
        }
        (BatchVerb::Delete, _, Some(_)) => Err(wrong("data", "a row that is deleted has no columns").into()),
        (BatchVerb::Create, None, None) => {
            Err(wrong("data", "this operation needs the columns of a row").into())
        }
        (_, None, _) => Err(wrong("id", "this operation needs the key of a row").into()),
        (_, _, None) => Err(wrong("data", "this operation needs the columns of a row").into()),
    }
}
