//! Issuing while expired rows are purged: a server that has many of them beside one that has none.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::fill::Mix;
use crate::growth::Field;
use crate::load::{self, Plan, Round};
use crate::report::{Report, Row};

/// Longer than the server waits between two looks for expired rows.
const LENGTH: Duration = Duration::from_secs(12);

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    let dead = if bench.quick { 100_000 } else { 1_000_000 };
    for engine in bench.engines() {
        let calm = Field::new(bench, engine)?;
        let mut busy = Field::new(bench, engine)?;
        busy.filler.add(dead, Mix::Dead)?;
        let mut row = Row::new(engine.name(), format!("client_credentials, {dead} rows to purge"), "without");
        let (mut gone, mut seconds) = (0, 0.0);
        for _ in 0..bench.rounds {
            let (before, begun) = (busy.filler.storage().dead()?, Instant::now());
            row.ours.push(round(bench, &busy)?);
            let after = busy.filler.storage().dead()?;
            ensure!(after > 0, "the expired rows did not last for a round");
            gone += before - after;
            seconds += begun.elapsed().as_secs_f64();
            busy.subject.process.hold(true)?;
            row.other.push(round(bench, &calm)?);
            busy.subject.process.hold(false)?;
        }
        ensure!(gone > 0, "nothing was purged in {seconds} s");
        let (ratio, issued) = (row.ratio(|round| round.p99), row.of(|round| round.rate));
        if report.keep(row, Some("purge")) {
            let ratio = ratio.unwrap_or_default();
            report.value(engine.name(), "p99 of issue while purging", ratio, "x without", Some("purge"));
        }
        let purged = gone as f64 / seconds;
        report.value(engine.name(), "purged", purged, "rows/s", None);
        if purged < issued {
            println!("{:<11} fewer rows leave than come at full speed ({issued:.0}/s)", engine.name());
        }
    }
    Ok(())
}

fn round(bench: &Bench, field: &Field) -> Result<Round> {
    let plan = Plan { warm_up: Duration::from_millis(200), length: LENGTH, ..bench.plan };
    let cpu = || bench.cpu(&field.subject);
    load::run(field.subject.address, plan, &mut field.subject.issue("opaque"), cpu)
}
