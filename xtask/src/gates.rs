//! `cargo xtask gates`: lint, types, test, build in this order, stopping at the first that fails;
//! then each completion gate of docs/gates.md with the result of the tests that prove it.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::test::{Results, Verdict};
use crate::trace::table::{self, Row};
use crate::{check, process, test, trace};

/// What one step of the quality gate runs.
type Run = fn() -> Result<()>;

/// The steps of the quality gate, in their order.
const STEPS: &[(&str, Run)] =
    &[("lint", lint), ("typecheck", typecheck), ("test", run_tests), ("build", build)];

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let only_report = arguments.switch("--report");
    arguments.finish()?;
    if !only_report {
        steps()?;
    }
    let results = test::read_results();
    let gates = states(&results)?;
    for (row, state) in &gates {
        println!("{:<12} {:<6} {}", row.id, state.word(), row.words);
        for proof in &row.proofs {
            println!("{:19} {} ({})", "", proof, verdict_word(verdict(proof, &results)));
        }
    }
    let held = gates.iter().filter(|(_, state)| *state == State::Holds).count();
    println!("\n{held} of {} gates hold", gates.len());
    if held < gates.len() {
        bail!("{} gates do not hold", gates.len() - held);
    }
    Ok(())
}

fn steps() -> Result<()> {
    for (name, step) in STEPS {
        println!("\n==== {name}");
        let started = Instant::now();
        if let Err(error) = step() {
            bail!(
                "{name} failed after {}; the steps behind it were not run\n{error:#}",
                process::duration(started.elapsed())
            );
        }
        println!("==== {name} passed in {}", process::duration(started.elapsed()));
    }
    println!();
    Ok(())
}

fn lint() -> Result<()> {
    check::run(&mut Arguments::new(Vec::new()))
}

fn typecheck() -> Result<()> {
    process::run(process::cargo().args(["check", "--workspace", "--all-targets", "--quiet"]))?;
    check::typescript()
}

fn run_tests() -> Result<()> {
    if !test::passes(&mut Arguments::new(Vec::new()))? {
        bail!("tests failed");
    }
    Ok(())
}

fn build() -> Result<()> {
    process::run(process::cargo().args(["build", "--workspace", "--locked"]))
}

/// Whether a gate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Every proof exists, and its test passed when it last ran.
    Holds,
    /// A proof's test failed or was skipped.
    Red,
    /// No proof is named, or a proof's test has not run.
    Open,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Red => "RED",
            Self::Open => "open",
        }
    }
}

/// The proof that all tests are green.
const EVERY_TEST: &str = "cargo xtask test";

/// The proof that a group of requirements has no row without a proof.
const COMPLETE: &str = "cargo xtask trace --complete ";

/// Every gate with its state after the last run of the tests.
pub(crate) fn states(results: &Results) -> Result<Vec<(Row, State)>> {
    let rows = table::read(table::GATES)?.into_iter();
    Ok(rows.map(|row| (state(&row.proofs, results), row)).map(|(state, row)| (row, state)).collect())
}

fn state(proofs: &[String], results: &Results) -> State {
    let verdicts: Vec<_> = proofs.iter().map(|proof| verdict(proof, results)).collect();
    let red = verdicts.iter().any(|verdict| matches!(verdict, Some(Verdict::Failed | Verdict::Skipped)));
    match () {
        () if red => State::Red,
        () if verdicts.is_empty() || verdicts.contains(&None) => State::Open,
        () => State::Holds,
    }
}

/// Tests count by their result; files, headings and other commands by being there, which `trace` verifies.
fn verdict(proof: &str, results: &Results) -> Option<Verdict> {
    match proof.split_once("::") {
        Some((_, test)) => results.of(test),
        None if proof == EVERY_TEST => results.of_all(),
        None => match proof.strip_prefix(COMPLETE).map(trace::is_complete) {
            None | Some(Ok(true)) => Some(Verdict::Passed),
            Some(_) => Some(Verdict::Failed),
        },
    }
}

fn verdict_word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Failed) => "FAILED",
        Some(Verdict::Skipped) => "skipped",
        None => "has not run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(proof: &str, verdict: Verdict) -> State {
        state(&[proof.to_owned()], &Results::of_tests(&[("mod::ran", verdict)]))
    }

    #[test]
    fn a_gate_holds_only_by_tests_that_ran_and_passed() {
        assert_eq!(state_of("a.rs::ran", Verdict::Passed), State::Holds);
        assert_eq!(state_of("a.rs::ran", Verdict::Failed), State::Red);
        assert_eq!(state_of("a.rs::ran", Verdict::Skipped), State::Red);
        assert_eq!(state_of("a.rs::other", Verdict::Passed), State::Open);
        assert_eq!(state_of("README.md", Verdict::Failed), State::Holds);
        assert_eq!(state(&[], &Results::of_tests(&[])), State::Open);
    }

    #[test]
    fn a_checklist_with_open_rows_is_red() {
        assert_eq!(state_of("cargo xtask trace --complete NOSUCHGROUP", Verdict::Passed), State::Red);
    }

    #[test]
    fn the_gate_of_all_tests_is_red_with_one_failure() {
        assert_eq!(state_of(EVERY_TEST, Verdict::Passed), State::Holds);
        assert_eq!(state_of(EVERY_TEST, Verdict::Failed), State::Red);
        assert_eq!(state(&[EVERY_TEST.to_owned()], &Results::of_tests(&[])), State::Open);
    }
}
