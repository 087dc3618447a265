//! `GET /api/collections`: the tables that the caller may see, as they are at this moment.

use axum::response::Response;
use ayb_provider::access::{Access, Read, Write};
use ayb_store::tables::{Column, Kind, Reference, Table};
use serde::Serialize;
use utoipa::ToSchema;

use super::for_reads;
use crate::api::json::{Items, answer};
use crate::pages::visit::Visit;

/// A table or a view.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Collection)]
pub struct CollectionView {
    /// Its name.
    pub name: String,
    /// Whether it is a view.
    pub view: bool,
    /// Whether the caller may create, change and delete rows.
    pub writable: bool,
    /// Its columns, in their order.
    pub columns: Vec<ColumnView>,
    /// The columns of the primary key; without one rows have no address.
    pub primary_key: Vec<String>,
    /// The columns of each other unique key.
    pub unique: Vec<Vec<String>>,
    /// Foreign keys to tables that the caller may see; those of one column can be expanded.
    pub references: Vec<ReferenceView>,
    /// The column that holds the id of the user whose row it is: callers see their own rows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_column: Option<String>,
}

/// A column.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CollectionColumn)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// Its type as the database writes it.
    pub r#type: String,
    /// What its values are in JSON: integer, number, boolean, string, array, object or any.
    pub json: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether the database has a value when none is given.
    pub has_default: bool,
    /// Whether the database makes its values and takes none.
    pub generated: bool,
    /// The most characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// The only values of an enumeration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// A foreign key.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CollectionReference)]
pub struct ReferenceView {
    /// Its columns.
    pub columns: Vec<String>,
    /// The table that it refers to.
    pub table: String,
    /// The columns there.
    pub to: Vec<String>,
}

/// Describes every table that the caller may read.
pub(super) async fn get(visit: Visit) -> Response {
    for_reads(&visit, async |tables, asker| {
        let schema = tables.schema().await?;
        let seen = schema.tables().filter(|table| asker.access.permit::<Read>(&table.name).is_ok());
        let items = seen.map(|table| view(table, asker.access)).collect();
        Ok(answer(Items::<CollectionView> { items }))
    })
    .await
}

/// A table as the operator sees it.
pub fn described(table: &Table) -> CollectionView {
    view(table, Access::everything())
}

/// A table as a caller with this access sees it.
pub(super) fn view(table: &Table, access: Access<'_>) -> CollectionView {
    let names = |places: &[usize]| {
        places
            .iter()
            .filter_map(|place| table.columns.get(*place))
            .map(|column| column.name.clone())
            .collect()
    };
    let reference = |reference: &Reference| ReferenceView {
        columns: names(&reference.columns),
        table: reference.table.clone(),
        to: reference.to.clone(),
    };
    let seen = table.references.iter().filter(|reference| access.permit::<Read>(&reference.table).is_ok());
    CollectionView {
        name: table.name.clone(),
        view: table.is_view,
        writable: table.writable && access.permit::<Write>(&table.name).is_ok(),
        columns: table.columns.iter().map(column).collect(),
        primary_key: names(&table.primary_key),
        unique: table.unique.iter().map(|places| names(places)).collect(),
        references: seen.map(reference).collect(),
        owner_column: table.owner().map(|column| column.name.clone()),
    }
}

fn column(column: &Column) -> ColumnView {
    ColumnView {
        name: column.name.clone(),
        r#type: column.type_name.clone(),
        json: json_kind(column.kind).unwrap_or("any"),
        nullable: column.nullable,
        has_default: column.has_default,
        generated: column.generated,
        max_length: column.max_length,
        choices: column.choices.clone(),
    }
}

/// The JSON type of a kind; none when there is no single one.
pub(super) fn json_kind(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Integer => Some("integer"),
        Kind::Number => Some("number"),
        Kind::Boolean => Some("boolean"),
        Kind::Text | Kind::Bytes => Some("string"),
        Kind::Array => Some("array"),
        Kind::Composite => Some("object"),
        Kind::Json | Kind::Any | Kind::Other => None,
    }
}
