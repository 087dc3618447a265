//! Whether a large table costs more than a small one: a server with many rows beside one with a thousand.
//!
//! The small table is emptied and filled again before each of its rounds, because issuing makes it grow.

use std::time::Instant;

use anyhow::Result;

use crate::bench::{Bench, CONNECTIONS, Engine};
use crate::fill::{Filler, Mix, Sample};
use crate::load::Round;
use crate::report::{Report, Row};
use crate::subject::Subject;
use crate::work::{Carousel, Many, userinfo};

const SMALL: u64 = 1_000;

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    let powers: &[u32] = if bench.quick { &[5, 6] } else { &[5, 6, 7] };
    for engine in bench.engines() {
        for power in powers {
            stage(bench, engine, *power, Some(power) == powers.last(), report)?;
        }
    }
    Ok(())
}

fn stage(bench: &Bench, engine: Engine, power: u32, last: bool, report: &mut Report) -> Result<()> {
    let mut small = Field::new(bench, engine)?;
    let mut large = Field::new(bench, engine)?;
    let begun = Instant::now();
    large.fill(10_u64.pow(power))?;
    let rows = large.filler.storage().count()?;
    println!("{:<11} {rows} rows, put there in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
    for (task, target) in
        [(Task::Check, "growth-check"), (Task::Refresh, "growth-refresh"), (Task::Issue, "growth-issue")]
    {
        let mut row = Row::new(engine.name(), format!("{} at 10^{power} rows", task.name()), "of 10^3");
        for _ in 0..bench.rounds {
            row.ours.push(large.round(bench, task)?);
            small.filler.storage().clear()?;
            small.fill(SMALL)?;
            row.other.push(small.round(bench, task)?);
        }
        report.row(row, last.then_some(target));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Check,
    Refresh,
    Issue,
}

impl Task {
    fn name(self) -> &'static str {
        match self {
            Self::Check => "token check",
            Self::Refresh => "refresh rotation",
            Self::Issue => "client_credentials, opaque",
        }
    }
}

/// A server whose token table can be filled.
pub struct Field {
    /// The server.
    pub subject: Subject,
    /// What fills its table.
    pub filler: Filler,
    access: Vec<String>,
    refresh: Option<Carousel>,
}

impl Field {
    /// A fresh server, with a row of each kind.
    pub fn new(bench: &Bench, engine: Engine) -> Result<Self> {
        let subject = bench.subject(engine)?;
        subject.seed()?;
        let filler = Filler::open(&subject)?;
        Ok(Self { subject, filler, access: Vec::new(), refresh: None })
    }

    /// Adds rows; the next rounds use tokens drawn from all of them.
    pub fn fill(&mut self, rows: u64) -> Result<()> {
        self.filler.add(rows, Mix::Live)?;
        let Sample { access, refresh } = self.filler.take_sample()?;
        self.access = access;
        let client = self.subject.clients["opaque"].clone();
        self.refresh = Some(Carousel::new(client, refresh, CONNECTIONS));
        Ok(())
    }

    /// Checks of the tokens drawn.
    pub fn checks(&self) -> Many {
        userinfo("/oauth/userinfo", &self.access)
    }

    fn round(&mut self, bench: &Bench, task: Task) -> Result<Round> {
        match (task, &mut self.refresh) {
            (Task::Check, _) => bench.round(&self.subject, &mut self.checks()),
            (Task::Refresh, Some(carousel)) => bench.round(&self.subject, carousel),
            _ => bench.round(&self.subject, &mut self.subject.issue("opaque")),
        }
    }
}
