//! Latencies of a saturated server, and of one that is asked for half as much on a schedule.

use anyhow::Result;

use crate::bench::{Bench, Engine, checks};
use crate::load;
use crate::report::{Report, Row};
use crate::subject::Subject;
use crate::work::Work;

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    for engine in bench.engines() {
        let subject = bench.subject(engine)?;
        let mut issue = subject.issue("opaque");
        both(bench, engine, &subject, "client_credentials, opaque", &mut issue, report)?;
        both(bench, engine, &subject, "token check", &mut checks(&subject)?, report)?;
    }
    Ok(())
}

fn both(
    bench: &Bench,
    engine: Engine,
    subject: &Subject,
    name: &str,
    work: &mut dyn Work,
    report: &mut Report,
) -> Result<()> {
    let mut full = Row::new(engine.name(), format!("{name}, saturated"), "");
    let mut half = Row::new(engine.name(), format!("{name}, half of that"), "");
    for _ in 0..bench.rounds {
        let round = bench.round(subject, work)?;
        let rate = (round.rate / 2.0).max(1.0);
        full.ours.push(round);
        let cpu = || bench.cpu(subject);
        half.ours.push(load::run_paced(subject.address, bench.plan, rate, work, cpu)?);
    }
    let ratio = full.of(|round| round.p99 / round.p50);
    let p99 = half.of(|round| round.p99);
    if report.keep(full, Some("p99-saturated")) {
        report.value(engine.name(), format!("{name}, p99"), ratio, "x p50", Some("p99-saturated"));
    }
    if report.keep(half, Some("p99-half")) {
        report.value(engine.name(), format!("{name}, p99 at half"), p99, "ms", Some("p99-half"));
    }
    Ok(())
}
