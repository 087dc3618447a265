//! Messages with fields. The texts are fixed, so that no secret gets into them; values go into fields.

use std::sync::{Mutex, PoisonError};

/// How much a message matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Level {
    /// Structure of what goes over the wire, without values.
    Trace,
    /// Requests and answers without anything secret.
    Debug,
    /// Beginning and end of what was asked for.
    Info,
    /// Something went wrong that the program can bear.
    Warn,
    /// Something went wrong that the caller has to act upon.
    Error,
}

/// A field of a message.
pub type Field<'a> = (&'static str, &'a str);

/// Takes messages.
pub trait Logger: Send + Sync + 'static {
    /// Takes one message.
    fn log(&self, level: Level, message: &'static str, fields: &[Field<'_>]);
}

/// Hands messages to the crate `tracing`, as events with the target `integration`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingLogger;

impl Logger for TracingLogger {
    fn log(&self, level: Level, message: &'static str, fields: &[Field<'_>]) {
        let context =
            fields.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" ");
        match level {
            Level::Trace => ::tracing::trace!(target: "integration", context, "{message}"),
            Level::Debug => ::tracing::debug!(target: "integration", context, "{message}"),
            Level::Info => ::tracing::info!(target: "integration", context, "{message}"),
            Level::Warn => ::tracing::warn!(target: "integration", context, "{message}"),
            Level::Error => ::tracing::error!(target: "integration", context, "{message}"),
        }
    }
}

/// Keeps messages, for tests.
#[derive(Debug, Default)]
pub struct MemoryLogger(Mutex<Vec<(Level, String)>>);

impl MemoryLogger {
    /// What was said so far, each with its fields behind it.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Logger for MemoryLogger {
    fn log(&self, level: Level, message: &'static str, fields: &[Field<'_>]) {
        let mut line = message.to_owned();
        for (name, value) in fields {
            line.push_str(&format!(" {name}={value}"));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((level, line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_messages_are_kept_with_their_fields() {
        assert!(Level::Error > Level::Warn && Level::Debug > Level::Trace);
        let logger = MemoryLogger::default();
        logger.log(Level::Warn, "it failed", &[("flow", "refresh"), ("error_code", "X")]);
        assert_eq!(logger.lines(), [(Level::Warn, "it failed flow=refresh error_code=X".to_owned())]);
        TracingLogger.log(Level::Info, "nobody listens", &[("a", "b")]);
    }
}
