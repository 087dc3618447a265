//! `cargo xtask mutate`: breaks the program in small ways, one after the other, and demands that a test goes red.
//!
//! It works on a copy in the target folder, so the working tree stays as it is. The copy has a target folder of its own:
//! cargo does not tell two copies of a package apart and would take what is broken for what is not. The sample is the table below: one row a
//! rule whose loss nobody would see by looking.

mod sample;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::arguments::Arguments;
use crate::{process, repository};
use sample::SAMPLE;

/// One way to break the program, and the test that must notice.
pub(crate) struct Mutation {
    /// The file, from the root.
    pub(crate) file: &'static str,
    /// Text that is there once.
    pub(crate) from: &'static str,
    /// What it becomes.
    pub(crate) to: &'static str,
    /// The package whose tests are run.
    pub(crate) package: &'static str,
    /// Part of the name of the test.
    pub(crate) test: &'static str,
}

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let wanted = arguments.rest();
    let chosen: Vec<_> = SAMPLE
        .iter()
        .filter(|mutation| {
            wanted.is_empty() || wanted.iter().any(|word| mutation.test.contains(word.as_str()))
        })
        .collect();
    let copy = copy()?;
    println!("the tests as they are:");
    for mutation in &chosen {
        if !passes(&copy, mutation)? {
            bail!("`{}` is red before anything is broken", mutation.test);
        }
    }
    println!("\nthe tests on what is broken:");
    let mut survivors = 0;
    for mutation in &chosen {
        let started = Instant::now();
        let survived = survives(&copy, mutation)?;
        let verdict = if survived { "NOT NOTICED" } else { "noticed" };
        println!(
            "{verdict:<12} {} by {} ({})",
            mutation.file,
            mutation.test,
            process::duration(started.elapsed())
        );
        survivors += usize::from(survived);
    }
    println!("\n{} of {} mutations were noticed", chosen.len() - survivors, chosen.len());
    if survivors > 0 {
        bail!("{survivors} mutations were not noticed");
    }
    Ok(())
}

/// Copies what git knows of into the target folder. Files that have not changed keep their time, so that little is
/// built again.
fn copy() -> Result<PathBuf> {
    let copy = repository::target().join("xtask/mutate");
    for path in repository::files()? {
        let (from, to) = (repository::root().join(&path), copy.join(&path));
        let text = std::fs::read(&from).with_context(|| format!("reading {path}"))?;
        if std::fs::read(&to).ok().as_deref() != Some(text.as_slice()) {
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
        }
    }
    Ok(copy)
}

/// Whether the test stays green on the broken program.
fn survives(copy: &Path, mutation: &Mutation) -> Result<bool> {
    let path = copy.join(mutation.file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", mutation.file))?;
    std::fs::write(&path, broken(mutation, &text)?)?;
    let outcome = passes(copy, mutation);
    std::fs::write(&path, text)?;
    outcome
}

fn broken(mutation: &Mutation, text: &str) -> Result<String> {
    if text.matches(mutation.from).count() != 1 {
        bail!("{}: `{}` is not there once; bring the sample up to date", mutation.file, mutation.from);
    }
    Ok(text.replacen(mutation.from, mutation.to, 1))
}

/// Whether the test runs and is green; an error when it did not run at all, which is no verdict.
fn passes(copy: &Path, mutation: &Mutation) -> Result<bool> {
    let mut command = process::cargo();
    command.current_dir(copy).env("CARGO_TARGET_DIR", copy.join("target"));
    command.args(["test", "--package", mutation.package, "--no-fail-fast", mutation.test]);
    let output =
        command.output().with_context(|| format!("could not start `{}`", process::shown(&command)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (green, red) = (text.contains("... ok"), text.contains("... FAILED"));
    if green == red && !red {
        bail!("`{}` did not run\n{}", mutation.test, String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_still_has_its_place_and_its_test() {
        for mutation in SAMPLE {
            let text = repository::text(mutation.file).unwrap_or_default();
            assert!(broken(mutation, &text).is_ok(), "{}: {}", mutation.file, mutation.from);
            let function = format!("fn {}(", mutation.test);
            let somewhere = repository::files().unwrap().iter().any(|path| {
                path.ends_with(".rs") && repository::text(path).is_some_and(|text| text.contains(&function))
            });
            assert!(somewhere, "{}", mutation.test);
        }
    }
}
