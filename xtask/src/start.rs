//! `cargo xtask start`: from a fresh clone to the demo, in one command.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::arguments::Arguments;
use crate::{process, repository};

/// Where the demo keeps its database and keys; git ignores it.
const DATA: &str = ".demo";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let pass_on = arguments.rest();
    println!("Building ayb (the first build takes some minutes, later ones some seconds)");
    let started = Instant::now();
    process::run(process::cargo().args(["build", "--package", "ayb-server", "--bin", "ayb"]))?;
    println!(
        "Built in {}; starting (Ctrl-C stops it, its data stays in {DATA})\n",
        process::duration(started.elapsed())
    );
    let mut server = Command::new(repository::target().join("debug/ayb"));
    server.args(["start", "--demo", "--data-dir", DATA]).args(pass_on);
    serve(&mut server)
}

/// Becomes the server, so that Ctrl-C reaches it alone and it can stop in its own time.
#[cfg(unix)]
fn serve(server: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(server.exec()).with_context(|| format!("could not start `{}`", process::shown(server)))
}

#[cfg(not(unix))]
fn serve(server: &mut Command) -> Result<()> {
    process::run(server)
}
