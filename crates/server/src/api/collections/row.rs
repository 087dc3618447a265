//! The columns of a row in a body: any names, each once, with their values as they were written, so that a number
//! keeps all its digits.

use std::fmt;

use ayb_store::tables::Cells;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The most columns of a row; more than a table can have.
const MOST: usize = 2000;

/// The columns of a row.
#[derive(Clone, Debug, Default)]
pub struct RowCells(pub Cells);

impl<'de> Deserialize<'de> for RowCells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = RowCells;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowCells, A::Error> {
                let mut cells = Cells::new();
                while let Some(entry) = map.next_entry::<String, Box<RawValue>>()? {
                    if cells.len() == MOST {
                        return Err(A::Error::custom("too many members"));
                    }
                    cells.push(entry);
                }
                Ok(RowCells(cells))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl PartialSchema for RowCells {
    fn schema() -> RefOr<Schema> {
        let about =
            "A row: its columns by name. `GET /api/collections/openapi.json` has the columns of each table.";
        let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(about));
        object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true))).into()
    }
}

impl ToSchema for RowCells {
    fn name() -> std::borrow::Cow<'static, str> {
        "Row".into()
    }
}
