//! Twice as much as the server can do, from many connections: what it answers, and how soon it is itself again.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::bench::{Bench, Engine};
use crate::connection::Answer;
use crate::load::{self, Plan};
use crate::report::{Report, Row};
use crate::subject::Subject;
use crate::work::{Fixed, Work};

const CROWD: usize = 512;
/// A server is itself again when it answers as fast as this.
const USUAL: Duration = Duration::from_millis(50);
/// How long to wait for that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    for engine in bench.engines() {
        let subject = bench.subject(engine)?;
        let calm = bench.round(&subject, &mut subject.issue("opaque"))?;
        let cpu = || bench.cpu(&subject);
        let many = Plan { connections: CROWD, ..bench.plan };
        let full = load::run(subject.address, many, &mut subject.issue("opaque"), cpu)?;
        let rate = full.rate.max(calm.rate) * 2.0;
        let mut work =
            Tolerant { inner: subject.issue("opaque"), served: 0, refused: 0, wrong: 0, first: None };
        let length = Duration::from_secs(if bench.quick { 3 } else { 10 });
        let plan = Plan { connections: CROWD, warm_up: Duration::ZERO, length };
        let crowded = load::run_paced(subject.address, plan, rate, &mut work, cpu);
        let ended = Instant::now();
        let mut row =
            Row::new(engine.name(), format!("client_credentials, {CROWD} connections, {rate:.0}/s"), "of 32");
        row.ours.push(crowded?);
        row.other.push(calm);
        report.keep(row, Some("overload-answers"));
        let Tolerant { served, refused, wrong, first, .. } = work;
        println!("{:<11} {served} served, {refused} answered with 429 or 503", engine.name());
        if let Some(first) = first {
            println!("{:<11} the first other answer: {first}", engine.name());
        }
        report.value(engine.name(), "other answers", wrong as f64, "", Some("overload-answers"));
        let recovery = recovery(&subject, ended)?.as_secs_f64();
        report.value(engine.name(), "recovered after", recovery, "s", Some("overload-recovery"));
        still_right(bench, engine, &subject, report)?;
    }
    Ok(())
}

/// How long after the end the first request was answered as fast as usual.
fn recovery(subject: &Subject, ended: Instant) -> Result<Duration> {
    loop {
        let begun = Instant::now();
        let reply = subject.machine_token()?;
        if reply.status == 200 && begun.elapsed() < USUAL {
            return Ok(ended.elapsed());
        }
        ensure!(ended.elapsed() < PATIENCE, "the server has not recovered after {PATIENCE:?}");
    }
}

/// What a recovered server answers is what it answered before.
fn still_right(bench: &Bench, engine: Engine, subject: &Subject, report: &mut Report) -> Result<()> {
    let mut row = Row::new(engine.name(), "client_credentials, opaque, afterwards", "");
    row.ours.push(bench.round(subject, &mut subject.issue("opaque"))?);
    ensure!(report.row(row, None), "the server does not answer as before");
    Ok(())
}

/// Counts answers; being turned away properly is one.
struct Tolerant {
    inner: Fixed,
    served: u64,
    refused: u64,
    wrong: u64,
    first: Option<String>,
}

impl Work for Tolerant {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        self.inner.request(connection, out)
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        if matches!(answer.status, 429 | 503) {
            self.refused += 1;
            return Ok(true);
        }
        match self.inner.answer(connection, answer) {
            Ok(done) => {
                self.served += 1;
                Ok(done)
            }
            Err(error) => {
                self.wrong += 1;
                self.first.get_or_insert_with(|| format!("{error:#}"));
                bail!(error)
            }
        }
    }
}
