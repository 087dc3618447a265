//! JSON as security formats need it: a member that occurs twice is refused at every depth (RFC 7515 §4, RFC 8725 §2.4),
//! because two readers that pick different ones see two different messages.
//!
//! `serde_json` adds the rest: nesting ends at 128 levels, numbers beyond the range of `f64` and text after the value
//! are refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The members of an object, each once.
pub type Members = Map<String, Value>;

/// Reads exactly one JSON object; nothing when a member occurs twice at any depth, or text follows.
pub fn parse_object(bytes: &[u8]) -> Option<Members> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let members = object(&mut reader).ok()?;
    reader.end().ok()?;
    Some(members)
}

/// Reads an object from any self-describing format.
pub(crate) fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
    match deserializer.deserialize_any(Once)? {
        Value::Object(members) => Ok(members),
        _ => Err(D::Error::custom("not an object")),
    }
}

/// An optional member that must be text when present.
///
/// # Errors
/// [`NotText`] when it is there and is none.
pub fn optional_text<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, NotText> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(NotText),
    }
}

/// A member has another type than text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotText;

struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Once)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Members::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Once)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("repeated member"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_their_members() {
        let text = br#" {"a":1,"b":-2,"c":1.5,"d":"x","e":[true,null,{"a":1}],"f":{"a":{}}} "#;
        let expected: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(parse_object(text).map(Value::Object), Some(expected));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":1e999}"#,
            r#"{"a":1}x"#,
            r#"{"a":1}{}"#,
            r#"{"a":1,}"#,
            r#"{'a':1}"#,
            r#"{"a":NaN}"#,
            r#"{"a":01}"#,
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\n\"}",
            "\u{feff}{}",
            "[]",
            "1",
            "null",
            "",
            &deep,
        ] {
            assert!(parse_object(text.as_bytes()).is_none(), "{text:?}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_none());
    }
}
