//! What a command works with: its streams, the common flags, the environment.

use std::future::Future;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::flags::Flags;
use super::output::Console;
use crate::config::layers::Gathered;
use crate::config::{ConfigError, Environment, Origin, Problem, Settings, Sources, gather};

/// What a command works with.
pub struct Context<'a> {
    /// The streams.
    pub console: Console<'a>,
    /// The flags that every command takes.
    pub flags: Flags,
    /// The environment.
    pub environment: Environment,
}

impl Context<'_> {
    /// The sources of the configuration; commands with more flags add them to `overrides`.
    pub fn sources(&self) -> Sources {
        Sources {
            file: self.flags.config.clone(),
            data_dir: self.flags.data_dir.clone(),
            environment: self.environment.clone(),
            ..Sources::default()
        }
    }

    /// The settings here as far as they can be read. For hints only, such as where a local server listens.
    pub fn local_settings(&self) -> Settings {
        gather(&self.sources()).settings
    }

    /// Fails when there is a configuration file that cannot be read at all: nobody knows which server it means.
    pub fn check_file(&self) -> Result<(), Failure> {
        let Gathered { problems, file, .. } = gather(&self.sources());
        let whole = |problem: &Problem| matches!(&problem.origin, Origin::File { path, line: 0 } if Some(path) == file.as_ref());
        let problems: Vec<_> = problems.into_iter().filter(whole).collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }.into()) }
    }

    /// The data folder here.
    pub fn data_dir(&self) -> PathBuf {
        self.local_settings()
            .setting("server.data_dir")
            .map(|found| found.value.to_string())
            .unwrap_or_default()
            .into()
    }

    /// The folder `ayb` of the user's configuration; nothing without a home.
    pub fn user_folder(&self) -> Option<PathBuf> {
        let text = |name| self.environment.text(name);
        let named = text("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || text("HOME").map(|home| Path::new(home).join(".config"));
        Some(named.or_else(home)?.join("ayb"))
    }

    /// Runs a future to its end on this thread.
    pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(future)
    }
}
