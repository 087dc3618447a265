//! `cargo xtask coverage`: how many lines of the client and its primitives their own tests run, and a failure when it is too few.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use crate::arguments::Arguments;
use crate::{process, repository};

/// Folders whose lines are counted, each with its package.
const CRATES: [(&str, &str); 2] =
    [("crates/client/", "ayb-client"), ("crates/primitives/", "ayb-primitives")];

/// How many of a hundred lines have to be run.
const WANTED: f64 = 90.0;

/// How many files are named, those with the most lines that nothing runs.
const NAMED: usize = 15;

/// Lines that are run, and lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lines {
    run: u64,
    all: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        100.0 * self.run as f64 / self.all.max(1) as f64
    }

    fn missing(self) -> u64 {
        self.all.saturating_sub(self.run)
    }
}

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    process::capture(process::cargo().args(["llvm-cov", "--version"]))
        .context("install it with `cargo install cargo-llvm-cov` and `rustup component add llvm-tools`")?;
    let report = repository::target().join("coverage.lcov");
    let mut command = process::cargo();
    command.args(["llvm-cov", "--quiet", "--all-features", "--lcov", "--output-path"]).arg(&report);
    for (_, package) in CRATES {
        command.args(["--package", package]);
    }
    process::run(&mut command)?;
    let files = read(&std::fs::read_to_string(&report)?)?;
    conclude(&files)
}

/// The lines of every file, by its path from the root: `SF` begins a file, `LH` and `LF` count its lines.
fn read(report: &str) -> Result<BTreeMap<String, Lines>> {
    let root = format!("{}/", repository::root().display());
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut path = String::new();
    for line in report.lines() {
        let Some((word, value)) = line.split_once(':') else { continue };
        let number = || value.parse::<u64>().with_context(|| format!("{line} in the report of {path}"));
        match word {
            "SF" => value.trim_start_matches(&root).clone_into(&mut path),
            "LH" => files.entry(path.clone()).or_default().run = number()?,
            "LF" => files.entry(path.clone()).or_default().all = number()?,
            _ => {}
        }
    }
    Ok(files)
}

fn conclude(files: &BTreeMap<String, Lines>) -> Result<()> {
    let mut by_gaps: Vec<_> = files.iter().filter(|(_, lines)| lines.missing() > 0).collect();
    by_gaps.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.missing()));
    for (path, lines) in by_gaps.into_iter().take(NAMED) {
        println!("{:>4} lines not run, {:>5.1} %  {path}", lines.missing(), lines.percent());
    }
    println!();
    let mut low = Vec::new();
    for (folder, package) in CRATES {
        let lines = sum(files, folder);
        println!("{package:<16} {:>5} of {:>5} lines, {:.1} %", lines.run, lines.all, lines.percent());
        if lines.percent() < WANTED {
            low.push(package);
        }
    }
    if !low.is_empty() {
        bail!("below {WANTED} % of lines: {}", low.join(", "));
    }
    Ok(())
}

fn sum(files: &BTreeMap<String, Lines>, folder: &str) -> Lines {
    let within = files.iter().filter(|(path, _)| path.starts_with(folder));
    within.fold(Lines::default(), |sum, (_, lines)| Lines {
        run: sum.run + lines.run,
        all: sum.all + lines.all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(client: u64, primitives: u64) -> BTreeMap<String, Lines> {
        let of = |run| Lines { run, all: 1000 };
        [("crates/client/src/a.rs", of(client)), ("crates/primitives/src/b.rs", of(primitives))]
            .map(|(path, lines)| (path.to_owned(), lines))
            .into()
    }

    #[test]
    fn each_crate_has_to_reach_the_mark_on_its_own() {
        assert!(conclude(&files(900, 900)).is_ok());
        let error = conclude(&files(899, 1000)).unwrap_err().to_string();
        assert!(error.contains("ayb-client") && !error.contains("ayb-primitives"), "{error}");
        assert!(conclude(&files(1000, 899)).is_err());
        assert!(conclude(&BTreeMap::new()).is_err(), "nothing counted is nothing shown");
    }

    #[test]
    fn reports_are_read_and_one_without_files_is_none() {
        let file = format!("{}/crates/client/src/a.rs", repository::root().display());
        let report = format!("TN:\nSF:{file}\nDA:1,2\nLF:4\nLH:3\nend_of_record\n");
        let files = read(&report).unwrap();
        assert_eq!(files["crates/client/src/a.rs"], Lines { run: 3, all: 4 });
        assert!(read("").unwrap().is_empty());
        assert!(read("SF:a\nLF:many\n").is_err());
    }
}
