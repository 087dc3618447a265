//! Values of columns: from JSON, from a filter, from the address of a row, and from a cursor.
//!
//! PostgreSQL gets every value as text, which the statement casts to the column's type: so every type that the catalogue
//! knows works, and a number keeps all its digits. It reads arrays and objects itself, because it knows what they hold. SQLite gets its own types; what a column takes is decided here.

use ayb_protocol::hex;
use serde_json::value::RawValue;

use super::schema::{Column, Kind};
use crate::db::{Engine, Value};

/// What is wrong with a value.
pub(super) type Unfit = &'static str;

const NUL: Unfit = "a text holds no NUL";

/// A JSON value as it was written, read as far as its kind.
enum Json<'j> {
    Null,
    Bool(bool),
    Number(&'j str),
    Text(String),
    Array(&'j str),
    Object(&'j str),
}

fn kind_of(raw: &str) -> Result<Json<'_>, Unfit> {
    Ok(match raw.as_bytes().first() {
        Some(b'n') => Json::Null,
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|_| "this is not a text")?;
            if text.contains('\0') {
                return Err(NUL);
            }
            Json::Text(text)
        }
        Some(b'[') => Json::Array(raw),
        Some(b'{') => Json::Object(raw),
        _ => Json::Number(raw),
    })
}

/// The parameter for a JSON value that a column is to hold.
pub(super) fn from_json(engine: Engine, column: &Column, raw: &RawValue) -> Result<Value, Unfit> {
    let json = kind_of(raw.get())?;
    match (&json, column.kind) {
        (Json::Null, _) if !column.nullable && !column.generated => Err("this column must not be null"),
        (Json::Null, _) => Ok(Value::Null),
        // The text of a document may hold an escaped NUL, which the database itself refuses where it cannot keep it.
        (_, Kind::Json) => Ok(Value::Text(raw.get().to_owned())),
        _ => match engine {
            Engine::Postgres => match (column.kind, json) {
                (Kind::Array, Json::Array(raw)) | (Kind::Composite, Json::Object(raw)) => {
                    Ok(Value::Json(raw.to_owned()))
                }
                (_, json) => as_text(column, json).map(Value::Text),
            },
            Engine::Sqlite => as_value(column.kind, json),
        },
    }
}

/// The text that PostgreSQL casts.
fn as_text(column: &Column, json: Json<'_>) -> Result<String, Unfit> {
    match (column.kind, json) {
        (Kind::Integer, Json::Number(digits)) if digits.contains(['.', 'e', 'E']) => {
            Err("this column takes whole numbers")
        }
        (Kind::Integer | Kind::Number | Kind::Other, Json::Number(digits)) => Ok(digits.to_owned()),
        (Kind::Boolean, Json::Bool(flag)) => Ok(flag.to_string()),
        (Kind::Boolean, _) => Err("this column takes true or false"),
        (Kind::Text, Json::Text(text)) => {
            let long = column.max_length.is_some_and(|most| text.chars().count() > most as usize);
            if long { Err("this text is too long for its column") } else { Ok(text) }
        }
        (_, Json::Text(text)) => Ok(text),
        (kind, _) => Err(expected(kind)),
    }
}

/// The value that SQLite keeps.
fn as_value(kind: Kind, json: Json<'_>) -> Result<Value, Unfit> {
    match (kind, json) {
        (Kind::Integer, Json::Number(digits)) => integer(digits),
        (Kind::Integer, Json::Text(digits)) => integer(&digits),
        (Kind::Number, Json::Number(digits)) => number(digits),
        (Kind::Number, Json::Text(digits)) => number(&digits),
        (Kind::Boolean, Json::Bool(flag)) => Ok(Value::Bool(flag)),
        (Kind::Text | Kind::Any, Json::Text(text)) => Ok(Value::Text(text)),
        (Kind::Any, Json::Number(digits)) => integer(digits).or_else(|_| number(digits)),
        (Kind::Any, Json::Bool(flag)) => Ok(Value::Bool(flag)),
        (Kind::Bytes, Json::Text(text)) => bytes(&text).ok_or(expected(Kind::Bytes)),
        (kind, _) => Err(expected(kind)),
    }
}

fn expected(kind: Kind) -> Unfit {
    match kind {
        Kind::Integer => "this column takes whole numbers",
        Kind::Number => "this column takes numbers",
        Kind::Boolean => "this column takes true or false",
        Kind::Text => "this column takes texts",
        Kind::Bytes => r"this column takes bytes as a text such as \x6869",
        Kind::Array => "this column takes arrays",
        Kind::Composite => "this column takes objects with the members of its type",
        Kind::Json | Kind::Other | Kind::Any => "this column does not take a value of this kind",
    }
}

fn integer(digits: &str) -> Result<Value, Unfit> {
    digits.parse().map(Value::Int).map_err(|_| "this column takes whole numbers of 64 bits")
}

fn number(digits: &str) -> Result<Value, Unfit> {
    let number: Option<f64> = digits.parse().ok().filter(|number: &f64| number.is_finite());
    number.map(Value::Real).ok_or("this number is out of range")
}

/// Bytes from the form in which they are shown.
pub(super) fn bytes(text: &str) -> Option<Value> {
    hex::decode(text.strip_prefix(r"\x")?.to_ascii_lowercase()).ok().map(Value::Bytes)
}

/// The parameter for a text that is to be found in a column: part of an address, the id of an owner. `None`: the column
/// cannot hold it.
pub(super) fn from_text(engine: Engine, column: &Column, text: &str) -> Option<Value> {
    if text.contains('\0') {
        return None;
    }
    match (engine, column.kind) {
        (Engine::Postgres, _) => Some(Value::Text(text.to_owned())),
        (Engine::Sqlite, Kind::Integer) => text.parse().ok().map(Value::Int),
        (Engine::Sqlite, Kind::Bytes) => bytes(text).or_else(|| uuid_bytes(text)),
        (Engine::Sqlite, _) => Some(Value::Text(text.to_owned())),
    }
}

/// SQLite has no type for identifiers; some keep their bytes.
fn uuid_bytes(text: &str) -> Option<Value> {
    uuid::Uuid::try_parse(text).ok().map(|id| Value::Bytes(id.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: Kind) -> Column {
        Column { kind, nullable: true, ..Column::default() }
    }

    fn read(engine: Engine, kind: Kind, json: &str) -> Result<Value, Unfit> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        from_json(engine, &column(kind), &raw)
    }

    #[test]
    fn postgresql_gets_the_digits_as_they_were_written() {
        let text = |kind, json| match read(Engine::Postgres, kind, json) {
            Ok(Value::Text(text)) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(
            text(Kind::Number, "123456789012345678901234567890.5"),
            "123456789012345678901234567890.5"
        );
        assert_eq!(text(Kind::Integer, "99999999999999999999"), "99999999999999999999");
        assert_eq!(text(Kind::Json, r#"{"a": 1e400}"#), r#"{"a": 1e400}"#);
        assert_eq!(text(Kind::Other, r#""2026-01-01""#), "2026-01-01");
        assert_eq!(text(Kind::Array, r#""{1,2}""#), "{1,2}");
        let raw = |kind, json| read(Engine::Postgres, kind, json);
        assert_eq!(raw(Kind::Array, "[1.50, null]"), Ok(Value::Json("[1.50, null]".to_owned())));
        assert_eq!(raw(Kind::Composite, r#"{"a": 1}"#), Ok(Value::Json(r#"{"a": 1}"#.to_owned())));
    }

    #[test]
    fn sqlite_gets_its_own_types() {
        let read = |kind, json| read(Engine::Sqlite, kind, json);
        assert_eq!(read(Kind::Integer, "9223372036854775807"), Ok(Value::Int(i64::MAX)));
        assert_eq!(read(Kind::Integer, "\"7\""), Ok(Value::Int(7)));
        assert_eq!(read(Kind::Number, "1.5"), Ok(Value::Real(1.5)));
        assert_eq!(read(Kind::Bytes, r#""\\x00Ff""#), Ok(Value::Bytes(vec![0, 255])));
        assert_eq!(read(Kind::Any, "1e3"), Ok(Value::Real(1000.0)));
        assert_eq!(read(Kind::Json, "[1]"), Ok(Value::Text("[1]".to_owned())));
    }

    #[test]
    fn a_value_of_another_kind_is_refused_on_both() {
        let wrong = [
            (Kind::Integer, "1.5"),
            (Kind::Integer, "true"),
            (Kind::Number, "[]"),
            (Kind::Boolean, "\"true\""),
            (Kind::Text, "5"),
            (Kind::Text, "{}"),
            (Kind::Text, "\"a\\u0000b\""),
            (Kind::Bytes, "1"),
        ];
        for engine in [Engine::Sqlite, Engine::Postgres] {
            for (kind, json) in wrong {
                assert!(read(engine, kind, json).is_err(), "{engine:?} {kind:?} {json}");
            }
        }
        for (kind, json) in [(Kind::Integer, "9223372036854775808"), (Kind::Number, "1e400")] {
            assert!(read(Engine::Sqlite, kind, json).is_err(), "{json}");
        }
        for (kind, json) in [(Kind::Array, "{}"), (Kind::Composite, "[1]"), (Kind::Composite, "1")] {
            assert!(read(Engine::Postgres, kind, json).is_err(), "{kind:?} {json}");
        }
    }
}
