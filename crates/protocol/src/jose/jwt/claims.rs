//! The claims of a token whose signature, times and names were checked.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JwtError;
use crate::jose::json::{self, Members};
use crate::time::Timestamp;

/// 9999-12-31T23:59:59Z. Later dates are mistakes (milliseconds for seconds) or attacks on arithmetic.
const LAST_DATE: f64 = 253_402_300_799.0;

/// The claims of a verified token. Only [`super::Verifier`] makes one. The registered claims (RFC 7519 §4.1) have the
/// right types; the others are as the issuer wrote them.
#[derive(Clone, PartialEq)]
pub struct Claims {
    members: Members,
    expires_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

impl Claims {
    /// Reads a payload and checks the types of the registered claims.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, JwtError> {
        let members = json::parse_object(payload).ok_or(JwtError::Malformed)?;
        for name in ["iss", "sub", "jti"] {
            json::optional_text(&members, name).map_err(|_| JwtError::Claim(name))?;
        }
        check_audience(members.get("aud"))?;
        Ok(Self {
            expires_at: date(&members, "exp")?,
            not_before: date(&members, "nbf")?,
            issued_at: date(&members, "iat")?,
            members,
        })
    }

    /// `iss`: who made the token.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`: whom the token is about.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `aud`: whom the token is for; one text counts as a list of one.
    pub fn audience(&self) -> Vec<&str> {
        match self.members.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `exp`: when the token ends.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// `nbf`: when the token begins.
    pub const fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// `iat`: when the token was made.
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// `jti`: the name of this one token.
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Any claim, as the issuer wrote it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Any claim, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// The claims as a type of the caller.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] when they do not fit it.
    pub fn into_typed<T: DeserializeOwned>(self) -> Result<T, JwtError> {
        serde_json::from_value(Value::Object(self.members)).map_err(|_| JwtError::Malformed)
    }
}

/// Names only: the values are about people.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims ")?;
        f.debug_set().entries(self.members.keys()).finish()
    }
}

/// RFC 7519 §4.1.3: text or a list of texts.
fn check_audience(audience: Option<&Value>) -> Result<(), JwtError> {
    match audience {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(JwtError::Claim("aud")),
    }
}

/// A `NumericDate` (RFC 7519 §2) is a JSON number, fractions allowed. Text is refused, not skipped: a reader that skips
/// what it cannot read turns a date check off (CVE-2026-25537).
fn date(members: &Members, name: &'static str) -> Result<Option<Timestamp>, JwtError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.abs() <= LAST_DATE).ok_or(JwtError::Claim(name))?;
    Ok(Some(Timestamp::from_millis((seconds * 1000.0).floor() as i64)))
}
