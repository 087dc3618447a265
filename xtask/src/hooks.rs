//! `cargo xtask hooks`: makes git run the project's checks before a commit and before a push.

use std::process::Command;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::{process, repository};

/// The folder with the hooks, kept in the repository.
const FOLDER: &str = ".githooks";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    let mut git = Command::new("git");
    process::run(git.args(["config", "core.hooksPath", FOLDER]).current_dir(repository::root()))?;
    println!("git now runs {FOLDER}/pre-commit and {FOLDER}/pre-push");
    Ok(())
}
