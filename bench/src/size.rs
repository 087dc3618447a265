//! How much room a token takes: the token table and its indexes, before and after many rows.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::{Bench, Engine};
use crate::fill::Mix;
use crate::growth::Field;
use crate::load::{self, Plan};
use crate::report::{Report, Row};

const ROWS: u64 = 100_000;

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for engine in bench.engines() {
        let target = match engine {
            Engine::Sqlite => "size-sqlite",
            Engine::Postgres => "size-postgres",
        };
        let mut field = Field::new(bench, engine)?;
        let before = measure(&mut field)?;
        issue(bench, engine, &mut field, report)?;
        let issued = measure(&mut field)?;
        report.value(
            engine.name(),
            "token issued to a machine",
            each(before, issued)?,
            "bytes",
            Some(target),
        );

        field.filler.add(ROWS, Mix::Live)?;
        let filled = measure(&mut field)?;
        report.value(
            engine.name(),
            "token of machine or person",
            each(issued, filled)?,
            "bytes",
            Some(target),
        );
    }
    Ok(())
}

/// Has the server issue tokens for a while, up to about as many as are wanted.
fn issue(bench: &Bench, engine: Engine, field: &mut Field, report: &mut Report) -> Result<()> {
    let seconds = if bench.quick { 3 } else { 10 };
    let plan = Plan { warm_up: Duration::ZERO, length: Duration::from_secs(seconds), ..bench.plan };
    let mut row = Row::new(engine.name(), "client_credentials, opaque, to be measured", "");
    let cpu = || bench.cpu(&field.subject);
    row.ours.push(load::run(field.subject.address, plan, &mut field.subject.issue("opaque"), cpu)?);
    ensure!(report.row(row, None), "tokens were not issued");
    Ok(())
}

/// Rows and bytes.
fn measure(field: &mut Field) -> Result<(u64, u64)> {
    let storage = field.filler.storage();
    storage.settle()?;
    Ok((storage.count()?, storage.size()?))
}

fn each(before: (u64, u64), after: (u64, u64)) -> Result<f64> {
    ensure!(after.0 > before.0 + 1000, "there are hardly more rows than before");
    Ok((after.1 - before.1) as f64 / (after.0 - before.0) as f64)
}
