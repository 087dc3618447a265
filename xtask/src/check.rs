//! `cargo xtask check`: everything about the repository that can be verified without running the tests.

mod dependencies;
mod documents;
mod fences;
mod licences;
mod orphans;
mod sizes;
mod text;

pub(crate) use documents::{check as documents, has_anchor, is_command};

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::finding::Finding;
use crate::source::Source;
use crate::{process, repository};

/// What one step of the check found.
enum Outcome {
    /// Broken rules, each with its place.
    Findings(Vec<Finding>),
    /// The step's own output has told the story already.
    Told(Result<()>),
}

struct Step {
    name: &'static str,
    /// Quick steps need no compiler; the pre-commit hook runs these alone.
    quick: bool,
    run: fn(&Tree) -> Result<Outcome>,
}

/// The order is the order of the quality gate: format and lints, then types, then what only the repository knows.
const STEPS: &[Step] = &[
    Step { name: "format", quick: true, run: |_| Ok(Outcome::Told(format())) },
    Step { name: "text", quick: true, run: |tree| findings(text::check(tree)) },
    Step { name: "sizes", quick: true, run: |tree| findings(sizes::check(tree)) },
    Step { name: "fences", quick: true, run: |tree| findings(fences::check(tree)) },
    Step { name: "orphans", quick: true, run: |tree| findings(orphans::check(tree)) },
    Step { name: "documents", quick: true, run: |tree| findings(documents::check(tree)) },
    Step { name: "proofs", quick: true, run: |_| findings(crate::trace::broken()?) },
    Step { name: "generated", quick: false, run: |_| findings(crate::generate::outdated()?) },
    Step { name: "dependencies", quick: false, run: |_| findings(dependencies::check()?) },
    Step { name: "clippy", quick: false, run: |_| Ok(Outcome::Told(clippy())) },
    Step { name: "docstrings", quick: false, run: |_| Ok(Outcome::Told(docstrings())) },
    Step { name: "typescript", quick: false, run: |_| Ok(Outcome::Told(typescript())) },
];

/// The repository's text files, read once.
pub(crate) struct Tree {
    /// Path and text of every text file.
    pub(crate) texts: Vec<(String, String)>,
    /// Every Rust file, lexed.
    pub(crate) sources: Vec<Source>,
}

impl Tree {
    pub(crate) fn read() -> Result<Self> {
        let paths = repository::files()?.into_iter();
        let texts: Vec<_> =
            paths.filter_map(|path| repository::text(&path).map(|text| (path, text))).collect();
        let rust = texts.iter().filter(|(path, _)| repository::extension(path) == "rs");
        let sources = rust.map(|(path, text)| Source::parse(path, text)).collect();
        Ok(Self { texts, sources })
    }

    /// A tree of one file, for tests of the rules.
    #[cfg(test)]
    pub(crate) fn of(path: &str, text: &str) -> Self {
        let sources = match repository::extension(path) {
            "rs" => vec![Source::parse(path, text)],
            _ => Vec::new(),
        };
        Self { texts: vec![(path.to_owned(), text.to_owned())], sources }
    }
}

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let fast = arguments.switch("--fast");
    let sizes = arguments.switch("--sizes");
    arguments.finish()?;
    let tree = Tree::read()?;
    if sizes {
        sizes::list(&tree);
        return Ok(());
    }
    let steps = STEPS.iter().filter(|step| step.quick || !fast);
    let failed: Vec<_> = steps.filter(|step| !passes(step, &tree)).map(|step| step.name).collect();
    println!("\n{}", sizes::summary(&tree));
    if !failed.is_empty() {
        bail!("check failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs one step and reports it; true if nothing is wrong.
fn passes(step: &Step, tree: &Tree) -> bool {
    let started = Instant::now();
    let outcome = (step.run)(tree);
    let took = process::duration(started.elapsed());
    let complaints: Vec<String> = match outcome {
        Ok(Outcome::Findings(found)) => found.iter().map(ToString::to_string).collect(),
        Ok(Outcome::Told(Ok(()))) => Vec::new(),
        Ok(Outcome::Told(Err(error))) | Err(error) => vec![format!("{error:#}")],
    };
    let verdict = if complaints.is_empty() { "ok" } else { "FAILED" };
    println!("{:<14} {verdict} ({took})", step.name);
    for complaint in &complaints {
        println!("  {complaint}");
    }
    complaints.is_empty()
}

fn findings(found: Vec<Finding>) -> Result<Outcome> {
    Ok(Outcome::Findings(found))
}

/// rustfmt over the workspace; names the files that differ.
fn format() -> Result<()> {
    let output = process::cargo().args(["fmt", "--all", "--check", "--", "-l"]).output()?;
    if output.status.success() {
        return Ok(());
    }
    let (files, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if files.trim().is_empty() {
        bail!("[format] {}", complaint.trim());
    }
    let root = format!("{}/", repository::root().display());
    let names: Vec<_> = files.lines().map(|line| line.trim_start_matches(&root)).collect();
    bail!("[format] not formatted: {}; run `cargo fmt --all`", names.join(", "))
}

/// Clippy over every target of the workspace, warnings refused.
fn clippy() -> Result<()> {
    let lint = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    process::run(process::cargo().args(lint))
}

/// The documentation of the client and its primitives as their users will read it, warnings refused: a link that leads nowhere,
/// a public item that is not described.
fn docstrings() -> Result<()> {
    let words = ["doc", "--quiet", "--no-deps", "--all-features", "--package", "ayb-client", "--package"];
    process::run(process::cargo().args(words).arg("ayb-primitives").env("RUSTDOCFLAGS", "-D warnings"))
}

/// The type check and the lint of every npm package that has them.
pub(crate) fn typescript() -> Result<()> {
    let manifests = repository::files()?.into_iter().filter(|path| path.ends_with("package.json"));
    for manifest in manifests {
        let text = repository::text(&manifest).unwrap_or_default();
        let folder = manifest.trim_end_matches("/package.json").to_owned();
        for script in ["typecheck", "lint"].iter().filter(|script| text.contains(&format!("\"{script}\":"))) {
            crate::test::Setup::new().install_packages(&folder)?;
            let mut npm = Command::new("npm");
            process::run(
                npm.args(["run", "--silent", script]).current_dir(repository::root().join(&folder)),
            )?;
        }
    }
    Ok(())
}
