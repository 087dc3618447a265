//! `[logging]`: how much is logged, and in which form.

use serde::Deserialize;

use super::key::{Fallback, Key, Section};
use super::value::Kind;

/// How much is logged, and in which form. Logs go to standard error and never hold secrets.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggingConfig {
    /// The least important events that are logged.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// The least important events that are logged.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures of the server.
    Error,
    /// Also what an operator should look at.
    Warn,
    /// Also one line per request.
    Info,
    /// Also decisions within a request.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogLevel {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl LoggingConfig {
    pub(super) const SECTION: Section =
        Section { name: "logging", doc: "How much is logged, and in which form.", keys: KEYS };
}

const KEYS: &[Key] = &[
    Key::open(
        "logging.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        Fallback::Fixed("info"),
        "Least important events that are logged.",
    ),
    Key::open(
        "logging.format",
        Kind::Choice(&["text", "json"]),
        Fallback::Fixed("text"),
        "Form of a log line: `text` for people, `json` for machines.",
    ),
];
