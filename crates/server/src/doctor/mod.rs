//! Examines an installation: each file here looks at one subject and reports findings.

mod certificate;
mod database;
mod files;
mod network;
mod rights;

use crate::clock::Clock;
use crate::config::{Config, Settings};

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub health: Health,
    /// What was looked at.
    pub subject: &'static str,
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and could be better or is risky.
    Doubtful,
    /// It does not work.
    Bad,
}

impl Health {
    /// The word in the output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warn",
            Self::Bad => "fail",
        }
    }
}

impl Finding {
    /// As it should be.
    pub fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self { health: Health::Good, subject, text: text.into(), hint: None }
    }

    /// Works, and could be better.
    pub fn doubtful(subject: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Doubtful, subject, text: text.into(), hint: Some(hint.into()) }
    }

    /// Does not work.
    pub fn bad(subject: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Bad, subject, text: text.into(), hint: Some(hint.into()) }
    }
}

/// Looks at everything that a configuration names. It changes nothing but a probe row of a database that exists.
pub async fn examine(config: &Config, settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::good("configuration", "is valid")];
    findings.extend(rights::examine(config, settings));
    findings.extend(files::examine(config, settings));
    findings.extend(certificate::examine(config, Clock::system().now()));
    findings.extend(database::examine(config).await);
    findings.extend(network::examine(config).await);
    findings
}
