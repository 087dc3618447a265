//! JWK Sets (RFC 7517 §5): the public keys of one party.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::json::{self, Members};
use super::{Algorithm, Jwk, KeyError};

/// The public keys of one party.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Jwk>,
    refused: Vec<KeyError>,
}

impl KeySet {
    /// A set of these keys.
    pub const fn new(keys: Vec<Jwk>) -> Self {
        Self { keys, refused: Vec::new() }
    }

    /// Reads a set from JSON text. Keys that cannot be used are left out (RFC 7517 §5), private ones too:
    /// [`KeySet::refused`] says why.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the text is not an object with an array `keys`, or a member occurs twice anywhere.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let members = json::parse_object(json.as_ref()).ok_or(KeyError::Malformed)?;
        Self::from_members(&members)
    }

    fn from_members(members: &Members) -> Result<Self, KeyError> {
        let Some(Value::Array(items)) = members.get("keys") else { return Err(KeyError::Malformed) };
        let mut set = Self::default();
        for item in items {
            let Value::Object(key) = item else { return Err(KeyError::Malformed) };
            match Jwk::from_members(key) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.refused.push(reason),
            }
        }
        Ok(set)
    }

    /// The keys, in the order of the text.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Why keys were left out, one reason for each.
    pub fn refused(&self) -> &[KeyError] {
        &self.refused
    }

    /// The one key with this `kid` that may verify `algorithm`; without a `kid`, the one key of the set that may.
    /// `None` also when more than one key would do: which of them is meant cannot be known.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| kid.is_none_or(|kid| key.kid() == Some(kid)))
            .filter(|key| key.fits(algorithm));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }

    /// The set as JSON text.
    pub fn to_json(&self) -> String {
        // Text keys and text values only: writing them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for KeySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(1))?;
        members.serialize_entry("keys", &self.keys)?;
        members.end()
    }
}

impl<'de> Deserialize<'de> for KeySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(&json::object(deserializer)?).map_err(de::Error::custom)
    }
}
