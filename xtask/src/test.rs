//! `cargo xtask test`: every test of the project, with the set-up that each needs.

mod results;
mod setup;
mod suite;
mod tally;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arguments::Arguments;
use crate::process;
pub(crate) use results::{Results, read as read_results};
pub(crate) use setup::Setup;
use suite::{SUITES, Suite};
use tally::Tally;
pub(crate) use tally::Verdict;

/// How one suite ended.
struct Report {
    suite: &'static Suite,
    tally: Tally,
    took: Duration,
    /// Why the suite did not run, or did not finish.
    trouble: Option<String>,
}

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    if !passes(arguments)? {
        // The count has been printed, and is the last line.
        std::process::exit(1);
    }
    Ok(())
}

/// Runs the chosen suites and reports them; true if nothing failed.
pub(crate) fn passes(arguments: &mut Arguments) -> Result<bool> {
    let only = arguments.option("--only")?;
    let fail_fast = arguments.switch("--fail-fast");
    let verbose = arguments.switch("--verbose");
    if arguments.switch("--list") {
        suite::list();
        return Ok(true);
    }
    let pass_on = arguments.rest();
    let chosen = suite::chosen(only.as_deref())?;
    let mut setup = Setup::new();
    let mut reports = Vec::new();
    for suite in chosen {
        let report = run_suite(suite, &mut setup, &pass_on, verbose);
        let failed = report.tally.failed > 0;
        reports.push(report);
        if failed && fail_fast {
            break;
        }
    }
    Ok(conclude(&reports))
}

fn run_suite(suite: &'static Suite, setup: &mut Setup, pass_on: &[String], verbose: bool) -> Report {
    println!("\n== {}: {}", suite.name, suite.about);
    let started = Instant::now();
    let outcome = suite.run(setup, pass_on, verbose);
    let took = started.elapsed();
    let (tally, trouble) = match outcome {
        Ok(tally) => (tally, None),
        Err(error) => without_result(&format!("{error:#}")),
    };
    results::write(suite.name, &tally);
    println!("== {}: {} in {}", suite.name, tally.line(), process::duration(took));
    Report { suite, tally, took, trouble }
}

/// A suite that could not run is a failure where everything must run, and an announced skip elsewhere.
fn without_result(reason: &str) -> (Tally, Option<String>) {
    let mut tally = Tally::default();
    if setup::everything_must_run() || !setup::is_missing_part(reason) {
        tally.failed = 1;
    } else {
        tally.skipped = 1;
    }
    println!("{reason}");
    (tally, Some(reason.lines().next().unwrap_or_default().to_owned()))
}

/// Prints the table, the failed tests and the count; true if nothing failed.
fn conclude(reports: &[Report]) -> bool {
    println!("\n{:<12} {:>7} {:>7} {:>8} {:>9}", "suite", "passed", "failed", "skipped", "seconds");
    for Report { suite, tally, took, trouble } in reports {
        let Tally { passed, failed, skipped, .. } = tally;
        let late = over_budget(suite, *took);
        let note = trouble.iter().chain(&late).map(|note| format!("  {note}")).collect::<String>();
        let name = suite.name;
        println!("{name:<12} {passed:>7} {failed:>7} {skipped:>8} {:>9.1}{note}", took.as_secs_f64());
    }
    for Report { suite, tally, .. } in reports {
        for name in tally.names_of_failures() {
            println!("failed: {}: {name}", suite.name);
        }
    }
    let sum = |part: fn(&Tally) -> usize| reports.iter().map(|report| part(&report.tally)).sum::<usize>();
    let (passed, failed) = (sum(|tally| tally.passed), sum(|tally| tally.failed));
    println!("\n{passed} passed, {failed} failed");
    failed == 0
}

/// What to say about a suite that took longer than it may.
fn over_budget(suite: &Suite, took: Duration) -> Option<String> {
    let over = took > Duration::from_secs(60 * suite.budget);
    over.then(|| format!("over its budget of {} min", suite.budget))
}

/// Names of all suites, for the documentation and the audit.
pub(crate) fn suites() -> impl Iterator<Item = (&'static str, &'static str)> {
    SUITES.iter().map(|suite| (suite.name, suite.about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_takes_longer_than_it_may_is_named() {
        for suite in SUITES {
            let budget = Duration::from_secs(60 * suite.budget);
            assert!(suite.budget > 0 && over_budget(suite, budget).is_none(), "{}", suite.name);
            assert!(over_budget(suite, budget + Duration::from_secs(1)).is_some(), "{}", suite.name);
        }
    }
}
