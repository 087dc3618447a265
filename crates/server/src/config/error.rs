//! What is wrong with a configuration, said so that the reader can put it right.

use std::fmt;
use std::path::PathBuf;

use super::layers::Settings;

/// More problems than these are only counted: whoever reads them has enough to do.
const MOST_SHOWN: usize = 20;

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the configuration file, counted from 1; 0 is the file as a whole.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(&'static str),
}

impl Origin {
    /// A later layer has a larger number and wins.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line: 0 } => write!(formatter, "{}", path.display()),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Variable(name) => formatter.write_str(name),
            Self::Flag(name) => formatter.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The key that it is about, if there is such a key.
    pub key: Option<&'static str>,
    /// Where the value stands; [`Origin::Default`] when it is missing.
    pub origin: Origin,
    /// What is wrong. It names the key and never repeats the value.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(formatter, "{}: ", self.origin)?;
        }
        formatter.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => formatter.write_str("the configuration has a problem")?,
            count => write!(formatter, "the configuration has {count} problems")?,
        }
        self.problems.iter().take(MOST_SHOWN).try_for_each(|problem| write!(formatter, "\n  {problem}"))?;
        match self.problems.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Where checks that look at several keys leave what they find.
pub struct Findings<'a> {
    settings: &'a Settings,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Findings<'a> {
    /// Findings about these settings, added to these problems.
    pub(super) fn new(settings: &'a Settings, problems: &'a mut Vec<Problem>) -> Self {
        Self { settings, problems }
    }

    /// Adds one problem, unless the key's value is known to be wrong already.
    pub(super) fn add(&mut self, key: &'static str, what: &str, hint: &str) {
        if self.problems.iter().any(|problem| problem.key == Some(key)) {
            return;
        }
        self.problems.push(Problem {
            key: Some(key),
            origin: self.settings.origin(key),
            what: format!("`{key}` {what}"),
            hint: Some(hint.to_owned()),
        });
    }
}

/// Text from outside, fit to be printed: no control characters, not endless.
pub(super) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}
