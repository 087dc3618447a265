//! The table of suites. A new one is one more entry here.

use std::io::Write as _;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::setup::{self, Need, Setup};
use super::tally::Tally;
use crate::process::{self, Stream};
use crate::repository;

/// How a suite is started.
enum Runner {
    /// `cargo <words>`.
    Cargo(&'static [&'static str]),
    /// `npm test` in a folder with a package.json; a requirements.txt beside it becomes a Python environment.
    Npm(&'static str),
}

/// Tests that run together.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Minutes that it may take on two cores with everything built. More is worth a look, and no failure: the machine
    /// may be busy.
    pub(super) budget: u64,
    needs: &'static [Need],
    runner: Runner,
}

/// In the order in which they run: the ones that fail for the simplest reasons first.
pub(super) const SUITES: &[Suite] = &[
    Suite {
        name: "rust",
        about: "every crate's tests, stores on both databases",
        budget: 5,
        needs: &[Need::Postgres],
        runner: Runner::Cargo(&["test", "--workspace", "--no-fail-fast"]),
    },
    Suite {
        name: "jose",
        about: "our JOSE and npm's jose accept and refuse the same",
        budget: 1,
        needs: &[Need::Node],
        runner: Runner::Npm("tests/interop/jose"),
    },
    Suite {
        name: "interop",
        about: "outside clients against the running server, and requests drawn from what it says about itself",
        budget: 8,
        needs: &[Need::Postgres, Need::Server, Need::Node, Need::Python, Need::Apache],
        runner: Runner::Npm("tests/interop"),
    },
    Suite {
        name: "servers",
        about: "our client against servers that nobody here wrote",
        budget: 3,
        needs: &[Need::Node, Need::Glewlwyd],
        runner: Runner::Npm("tests/servers"),
    },
    Suite {
        name: "docs",
        about: "the manual builds, and its commands do what it says",
        budget: 5,
        needs: &[Need::Server, Need::NotesApi, Need::Node, Need::Python, Need::Jq, Need::Sqlite],
        runner: Runner::Npm("docs-site"),
    },
    Suite {
        name: "browser",
        about: "a real Chromium, with and without JavaScript",
        budget: 10,
        needs: &[Need::Server, Need::Node, Need::Chromium],
        runner: Runner::Npm("tests/browser"),
    },
];

/// How often a silent suite says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Lines of a failing suite that are repeated at its end.
const TAIL: usize = 60;

pub(super) fn list() {
    for suite in SUITES {
        println!("{:<10} {} ({} min)", suite.name, suite.about, suite.budget);
    }
}

/// All suites, or the ones named with `--only a,b`.
pub(super) fn chosen(only: Option<&str>) -> Result<Vec<&'static Suite>> {
    let Some(names) = only else { return Ok(SUITES.iter().collect()) };
    let find = |name: &str| {
        SUITES
            .iter()
            .find(|suite| suite.name == name)
            .with_context(|| format!("there is no suite `{name}`; see --list"))
    };
    names.split(',').map(find).collect()
}

impl Suite {
    /// Sets up what the suite needs, runs it, and counts.
    pub(super) fn run(&self, setup: &mut Setup, pass_on: &[String], verbose: bool) -> Result<Tally> {
        if let Runner::Npm(folder) = self.runner
            && !repository::root().join(folder).join("package.json").is_file()
        {
            bail!(setup::missing(&format!("{folder}/package.json")));
        }
        for need in self.needs {
            setup.provide(*need, self.folder())?;
        }
        let mut command = self.command(setup, pass_on)?;
        command.envs(setup.variables());
        watch(self.name, &mut command, verbose)
    }

    /// Where the suite is, from the root.
    fn folder(&self) -> &'static str {
        match self.runner {
            Runner::Cargo(_) => ".",
            Runner::Npm(folder) => folder,
        }
    }

    fn command(&self, setup: &mut Setup, pass_on: &[String]) -> Result<Command> {
        match self.runner {
            Runner::Cargo(words) => {
                // A package named by the caller stands in for the whole workspace.
                let one_package = pass_on.iter().any(|word| word == "-p" || word.starts_with("--package"));
                let words = words.iter().filter(|word| !one_package || **word != "--workspace");
                let mut command = process::cargo();
                command.args(words).args(pass_on);
                Ok(command)
            }
            Runner::Npm(folder) => {
                setup.install_packages(folder)?;
                let mut command = Command::new("npm");
                command.args(["test", "--silent"]).current_dir(repository::root().join(folder));
                if !pass_on.is_empty() {
                    command.arg("--").args(pass_on);
                }
                Ok(command)
            }
        }
    }
}

/// Runs a suite, keeps its output in a log, and shows signs of life.
fn watch(name: &str, command: &mut Command, verbose: bool) -> Result<Tally> {
    let path = repository::target().join(format!("xtask/logs/{name}.log"));
    let mut log = repository::create(&path)?;
    let mut tally = Tally::default();
    let started = Instant::now();
    let mut last = String::new();
    let mut stream = Stream::start(command)?;
    loop {
        match stream.next(HEARTBEAT) {
            Ok(line) => {
                writeln!(log, "{line}")?;
                tally.read(&line);
                if verbose {
                    println!("{line}");
                }
                last = line;
            }
            Err(RecvTimeoutError::Timeout) => {
                println!("   {} {}", process::duration(started.elapsed()), shortened(&last));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    tally.finish(stream.finish()?);
    if tally.failed > 0 {
        print_tail(&path);
    }
    Ok(tally)
}

fn shortened(line: &str) -> String {
    line.trim().chars().take(100).collect()
}

fn print_tail(path: &std::path::Path) {
    let text =
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    println!("-- the last lines of {}", path.display());
    for line in &lines[lines.len().saturating_sub(TAIL)..] {
        println!("   {line}");
    }
}
