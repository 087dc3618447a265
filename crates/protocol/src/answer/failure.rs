//! Answers that refuse (RFC 6749 §5.2), and answers that cannot be read.

use std::fmt;

use serde_json::Value;

use super::Deviation;
use crate::jose::json::Members;

/// The longest text of a server that is passed on, in characters.
const LONGEST: usize = 200;

/// What an authorization server says about why it refuses. Texts are cut and hold no control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErrorAnswer {
    /// The code: one of the registered ones, or one of the server's own.
    pub error: String,
    /// A text for developers.
    pub error_description: Option<String>,
    /// A page about it.
    pub error_uri: Option<String>,
}

impl ErrorAnswer {
    /// Finds an error; nothing when there is none. An `error` that is no text is an error without a readable code.
    pub(super) fn from_members(members: &Members) -> Option<Self> {
        let error = match members.get("error")? {
            Value::Null | Value::Bool(false) => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => clean(text),
            _ => "unreadable_error".to_owned(),
        };
        let text = |name| members.get(name).and_then(Value::as_str).map(clean);
        Some(Self { error, error_description: text("error_description"), error_uri: text("error_uri") })
    }
}

/// Nobody may write lines into a log or colours onto a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(LONGEST).collect()
}

/// Why an answer gives no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// The server refused and said why.
    #[error("the server refused: {0}")]
    Refused(ErrorAnswer),
    /// The server answered with this status, and without an error that can be read.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// A success that cannot be understood: which member is missing or wrong, and what the body looks like.
    #[error("the answer cannot be read: member `{member}` in {shape}")]
    Malformed {
        /// The member; empty when the body is no object at all.
        member: &'static str,
        /// What the body looks like, without its values.
        shape: String,
    },
    /// The answer is not as it should be, and nothing is to be forgiven.
    #[error("the answer deviates from the specification: {0:?}")]
    Deviates(Deviation),
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        match &self.error_description {
            Some(description) => write!(f, " ({description})"),
            None => Ok(()),
        }
    }
}
