//! Parameters of statements.

use std::fmt;

use ayb_protocol::time::Timestamp;
use uuid::Uuid;

/// One parameter of a statement. Each database has its own type for it; the migrations choose matching columns.
///
/// | value | PostgreSQL | SQLite |
/// |---|---|---|
/// | `Int` | `integer`, `bigint` | `INTEGER` |
/// | `Real` | `double precision` | `REAL` |
/// | `Bool` | `boolean` | `INTEGER` 0 or 1 |
/// | `Text` | `text`, `varchar`, `jsonb` | `TEXT` |
/// | `Uuid` | `uuid` | `BLOB`, 16 bytes |
/// | `Hex` | `varchar` holding a prefix and lowercase hexadecimal | `BLOB` without either |
/// | `Time` | `timestamptz` | `INTEGER`, milliseconds since the Unix epoch |
/// | `Uuids` | `uuid[]` | |
/// | `List` | `text[]` | `TEXT` holding a JSON array |
/// | `Bytes` | `bytea` | `BLOB` |
/// | `Json` | `text` | `TEXT` |
#[derive(Clone, PartialEq)]
pub enum Value {
    /// NULL of whichever type the statement expects.
    Null,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Real(f64),
    /// A truth value.
    Bool(bool),
    /// Text, or the text of a JSON document.
    Text(String),
    /// An identifier.
    Uuid(Uuid),
    /// Several identifiers, for statements that only PostgreSQL is asked.
    Uuids(Vec<Uuid>),
    /// Bytes whose written form is a prefix and lowercase hexadecimal: hashes, names of clients.
    Hex(&'static str, Vec<u8>),
    /// A point in time.
    Time(Timestamp),
    /// A list of texts.
    List(Vec<String>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The text of a JSON value that the statement makes a value of some type of.
    Json(String),
}

/// The kind of value, never the value: parameters hold addresses and hashes that no log may see.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Real(_) => "Real",
            Self::Bool(_) => "Bool",
            Self::Text(_) => "Text",
            Self::Uuid(_) => "Uuid",
            Self::Uuids(_) => "Uuids",
            Self::Hex(..) => "Hex",
            Self::Time(_) => "Time",
            Self::List(_) => "List",
            Self::Bytes(_) => "Bytes",
            Self::Json(_) => "Json",
        })
    }
}

macro_rules! from {
    ($($source:ty => |$name:ident| $value:expr;)+) => {
        $(impl From<$source> for Value {
            fn from($name: $source) -> Self {
                $value
            }
        })+
    };
}

from! {
    i64 => |number| Self::Int(number);
    i32 => |number| Self::Int(number.into());
    u32 => |number| Self::Int(number.into());
    f64 => |number| Self::Real(number);
    bool => |flag| Self::Bool(flag);
    String => |text| Self::Text(text);
    &String => |text| Self::Text(text.clone());
    &str => |text| Self::Text(text.to_owned());
    Uuid => |id| Self::Uuid(id);
    Timestamp => |time| Self::Time(time);
    Vec<String> => |list| Self::List(list);
    &[String] => |list| Self::List(list.to_vec());
    &Vec<String> => |list| Self::List(list.clone());
    Vec<u8> => |bytes| Self::Bytes(bytes);
    &[u8] => |bytes| Self::Bytes(bytes.to_vec());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_and_not_the_value() {
        let values = [Value::from("hunter2"), Value::from(vec![1_u8]), Value::from(None::<i64>)];
        assert_eq!(format!("{values:?}"), "[Text, Bytes, Null]");
    }
}
