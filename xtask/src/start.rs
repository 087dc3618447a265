//! `cargo xtask start`: from a fresh clone to the demo, in one command.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

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
    process::run(&mut server)
}
