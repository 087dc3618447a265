//! The API over the operator's own tables: `/api/collections/{table}` and `/{id}`.
//!
//! A credential of any kind opens it. What it may do with which table is decided by one rule, whose leave every
//! statement needs; whose rows it sees is decided by the database.

mod batch;
mod describe;
mod document;
mod id;
mod list;
mod refusal;
mod row;
mod write;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use ayb_provider::access::{Operation, Read};
use ayb_store::tables::{Asker, Tables};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use self::refusal::Refusal;
use crate::app::App;
use crate::caller::{Caller, for_caller};
use crate::http::headers::no_store;
use crate::pages::visit::Visit;

pub use batch::{BatchOperation, BatchRequest, BatchResult, BatchVerb, RowId};
pub use describe::{CollectionView, ColumnView, ReferenceView, described};
pub use row::RowCells;

/// The routes.
pub fn routes() -> Router<App> {
    let one = get(list::get_one).patch(write::patch).put(write::put).delete(write::delete);
    Router::new()
        .route("/api/collections", get(describe::get))
        .route("/api/collections/openapi.json", get(document::get))
        .route("/api/collections/{table}", get(list::get).post(write::post))
        // A row may have that word as its key.
        .route("/api/collections/{table}/batch", one.clone().post(batch::post))
        .route("/api/collections/{table}/{id}", one)
}

/// Does something with the tables for whoever proves to be somebody whose scope is enough for it.
async fn for_tables<O: Operation>(
    visit: &Visit,
    work: impl AsyncFnOnce(&Tables, &Asker<'_>) -> Result<Response, Refusal>,
) -> Response {
    for_caller(visit, async |caller| {
        caller.access().suffices::<O>().map_err(Refusal::denied)?;
        let tables = visit.app.tables.as_ref().ok_or_else(Refusal::off)?;
        work(tables, &asker(caller)).await
    })
    .await
}

/// The same for reads.
async fn for_reads(
    visit: &Visit,
    work: impl AsyncFnOnce(&Tables, &Asker<'_>) -> Result<Response, Refusal>,
) -> Response {
    for_tables::<Read>(visit, work).await
}

/// Who asks, as the store needs to know it. A client that acts for itself is nobody.
fn asker(caller: &Caller) -> Asker<'_> {
    let person = caller.person();
    Asker {
        user_id: person.map(|person| person.id.to_string()),
        user_email: person.map(|person| person.email.to_owned()).unwrap_or_default(),
        client_id: caller.client_id().map(ToString::to_string).unwrap_or_default(),
        scope: caller.scope().to_string(),
        access: caller.access(),
    }
}

/// JSON that is written already.
fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(response)
}
