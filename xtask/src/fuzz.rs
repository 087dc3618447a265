//! `cargo xtask fuzz`: every fuzz target for a while, from its seeds. Needs nightly and cargo-fuzz.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::{process, repository};

/// How long a target runs when nobody says so.
const SECONDS: u32 = 60;

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let words = arguments.rest();
    let (seconds, chosen) = match words.split_first() {
        Some((first, rest)) if first.bytes().all(|byte| byte.is_ascii_digit()) => {
            (first.parse().with_context(|| format!("{first} is not a number of seconds"))?, rest)
        }
        _ => (SECONDS, words.as_slice()),
    };
    let all = targets()?;
    if let Some(unknown) = chosen.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", all.join(", "));
    }
    process::capture(fuzz().arg("--version"))
        .context("install nightly with `rustup toolchain install nightly`, and `cargo install cargo-fuzz`")?;
    for target in all.iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        sow(target)?;
        let limit = format!("-max_total_time={seconds}");
        println!("-- {target}");
        process::run(fuzz().args(["run", target, "--", &limit]))?;
    }
    Ok(())
}

/// `cargo fuzz` of nightly, whatever toolchain this program was started with.
fn fuzz() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).current_dir(repository::root());
    command
}

/// The names of all targets.
fn targets() -> Result<Vec<String>> {
    let folder = repository::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Puts the seeds of a target, one a line, where the fuzzer looks for its corpus.
fn sow(target: &str) -> Result<()> {
    let seeds = repository::root().join(format!("fuzz/seeds/{target}.txt"));
    let Ok(text) = std::fs::read_to_string(seeds) else { return Ok(()) };
    let corpus = repository::root().join(format!("fuzz/corpus/{target}"));
    std::fs::create_dir_all(&corpus)?;
    text.lines().enumerate().try_for_each(|(number, seed)| plant(&corpus, number, seed))
}

fn plant(corpus: &Path, number: usize, seed: &str) -> Result<()> {
    let file = corpus.join(format!("seed-{number}"));
    std::fs::write(&file, seed).with_context(|| file.display().to_string())
}
