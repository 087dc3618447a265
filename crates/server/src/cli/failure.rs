//! How a command fails: message, cause, hint, exit code.

use std::fmt;
use std::io;

use crate::config::ConfigError;

/// The exit codes of `ayb`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// It worked.
    Done = 0,
    /// It failed for a reason that has no code of its own.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
    /// The server does not accept the administrator's token or password, or a provider wants a new sign-in.
    Unauthorized = 4,
    /// There is no such thing.
    NotFound = 5,
}

/// The exit codes as `--help` and the manual show them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  failure
  2  the command line makes no sense
  3  the server cannot be reached
  4  not authorized: sign in with `ayb admin login`, or `ayb auth login` at a provider
  5  not found";

/// A command that failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What did not work.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure without cause and hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None, hint: None, exit }
    }

    /// A failure of exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A failure of exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The same failure with its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.message)?;
        if let Some(cause) = &self.cause {
            write!(formatter, "\n  cause: {cause}")?;
        }
        match &self.hint {
            Some(hint) => write!(formatter, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// For the terminal's own streams; files are named by whoever opens them. Output that nobody reads any more, as
    /// in `ayb … | head`, is no failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "nobody reads the output any more");
        }
        Self::failed("input or output failed").because(error.to_string())
    }
}
