//! Examines an installation: each file here looks at one subject and reports findings.

mod certificate;
mod database;
mod files;
mod network;
mod rights;

use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::{Config, Settings};

/// What is examined.
pub struct Installation {
    /// The configuration.
    pub config: Config,
    /// The same as settings, with where each comes from.
    pub settings: Settings,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// The process of the server that uses the data folder, if there is one.
    pub process: Option<u32>,
}

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
pub async fn examine(installation: &Installation) -> Vec<Finding> {
    let Installation { config, settings, file, process } = installation;
    let valid = match file {
        Some(file) => format!("{} is valid", file.display()),
        None => "is valid; there is no ayb.toml, so variables, flags and defaults are all of it".to_owned(),
    };
    let mut findings = vec![Finding::good("configuration", valid)];
    findings.extend(rights::examine(config, settings));
    findings.extend(files::examine(config, settings));
    findings.extend(certificate::examine(config, Clock::system().now()));
    findings.extend(database::examine(config, settings).await);
    findings.extend(network::examine(config, *process).await);
    findings
}
