//! Developer commands: `cargo xtask <command>`. Needs nothing but Rust, and compiles in seconds,
//! because it is the first thing that anybody builds here.
#![allow(
    clippy::disallowed_methods,
    reason = "a developer tool reads the clock and the environment directly"
)]

mod arguments;
mod check;
mod finding;
mod process;
mod repository;
mod source;
mod trace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;

/// One developer command: what a person types, what it does, and the function behind it.
pub(crate) struct Command {
    /// The word after `cargo xtask`.
    pub(crate) name: &'static str,
    /// The arguments it takes, as shown in the help.
    pub(crate) usage: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
    run: fn(&mut Arguments) -> Result<()>,
}

/// Every command, in the order in which a newcomer meets them.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        usage: "[--fast]",
        about: "format, tidy rules, dependencies, clippy, types, generated files",
        run: check::run,
    },
    Command {
        name: "trace",
        usage: "[--missing [GROUP]]",
        about: "verify that every proof named in docs/traceability.md exists",
        run: trace::run,
    },
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(name) = words.next() else {
        print_help();
        return ExitCode::SUCCESS;
    };
    match dispatch(&name, words.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, words: Vec<String>) -> Result<()> {
    if matches!(name, "help" | "--help" | "-h") {
        print_help();
        return Ok(());
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        bail!("there is no command `{name}`; `cargo xtask help` lists them");
    };
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("cargo xtask {} {}\n\n{}", command.name, command.usage, command.about);
        return Ok(());
    }
    std::env::set_current_dir(repository::root())?;
    let mut arguments = Arguments::new(words);
    (command.run)(&mut arguments)
}

fn print_help() {
    println!("cargo xtask <command>\n");
    for command in COMMANDS {
        println!("  {:<32} {}", format!("{} {}", command.name, command.usage), command.about);
    }
}
