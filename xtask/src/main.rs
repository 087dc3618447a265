//! Developer commands: `cargo xtask <command>`. Needs nothing but Rust, and compiles in seconds,
//! because it is the first thing that anybody builds here.
#![allow(
    clippy::disallowed_methods,
    reason = "a developer tool reads the clock and the environment directly"
)]

mod arguments;
mod audit;
mod bench;
mod check;
mod coverage;
mod dist;
mod finding;
mod fuzz;
mod gates;
mod generate;
mod hooks;
mod mutate;
mod process;
mod repeat;
mod repository;
mod source;
mod start;
mod test;
mod torture;
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
        name: "start",
        usage: "[-- ARGUMENTS OF ayb start]",
        about: "build ayb and start the demo",
        run: start::run,
    },
    Command {
        name: "test",
        usage: "[--only SUITE,…] [--fail-fast] [--verbose] [--list]",
        about: "all tests, with the set-up they need",
        run: test::run,
    },
    Command {
        name: "check",
        usage: "[--fast] [--sizes]",
        about: "format, repository rules, dependencies, clippy, types, generated texts",
        run: check::run,
    },
    Command {
        name: "gen",
        usage: "[--check]",
        about: "write the generated texts, or compare them",
        run: generate::run,
    },
    Command {
        name: "trace",
        usage: "[--missing] [--complete] [GROUP]",
        about: "verify that every proof in docs/traceability.md exists; list rows without one",
        run: trace::run,
    },
    Command {
        name: "gates",
        usage: "[--report]",
        about: "lint, types, test, build, then every completion gate",
        run: gates::run,
    },
    Command { name: "audit", usage: "", about: "write docs/reports/readiness.md", run: audit::run },
    Command {
        name: "bench",
        usage: "[--quick] [--only SECTION,…] [--workload NAME] [--database NAME]",
        about: "measure the release build, and print which targets are met",
        run: bench::run,
    },
    Command {
        name: "fuzz",
        usage: "[SECONDS] [TARGET …]",
        about: "every fuzz target for a while; needs nightly and cargo-fuzz",
        run: fuzz::run,
    },
    Command {
        name: "repeat",
        usage: "TIMES [--without-network] [ARGUMENTS OF cargo test]",
        about: "the same tests again and again, each run timed",
        run: repeat::run,
    },
    Command {
        name: "coverage",
        usage: "",
        about: "lines of the client and its primitives that tests run; fails below 90 %",
        run: coverage::run,
    },
    Command {
        name: "torture",
        usage: "[SECONDS]",
        about: "kill the client's processes for a while, and demand that no token is lost",
        run: torture::run,
    },
    Command {
        name: "mutate",
        usage: "[TEST …]",
        about: "break the program in small ways and demand that a test goes red",
        run: mutate::run,
    },
    Command { name: "dist", usage: "", about: "build the archive that users download", run: dist::run },
    Command {
        name: "hooks",
        usage: "",
        about: "let git run the checks before commit and push",
        run: hooks::run,
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
    println!("cargo xtask <command>; add --help for its arguments\n");
    for command in COMMANDS {
        println!("  {:<8} {}", command.name, command.about);
    }
}
