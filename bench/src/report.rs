//! What the run prints: one line a row as it is measured, then the targets, and one JSON document for machines.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::load::Round;
use crate::targets::Outcomes;

/// One workload on one database.
#[derive(Serialize)]
pub struct Row {
    /// `SQLite`, `PostgreSQL` or `floor`.
    pub engine: &'static str,
    /// The workload.
    pub name: String,
    /// Rounds of the server.
    pub ours: Vec<Round>,
    /// What it is compared with: the floor, a peer, a smaller table.
    pub against: &'static str,
    /// Rounds of that, in the same order.
    pub other: Vec<Round>,
}

/// Something measured that is not a rate.
#[derive(Serialize)]
struct Measure {
    section: &'static str,
    engine: &'static str,
    name: String,
    value: f64,
    unit: &'static str,
}

/// Everything measured so far.
pub struct Report {
    section: &'static str,
    rows: Vec<Row>,
    measures: Vec<Measure>,
    outcomes: Outcomes,
    /// Why sections have not measured.
    missing: BTreeMap<&'static str, String>,
    failures: Vec<String>,
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Row {
    /// A row without rounds.
    pub fn new(engine: &'static str, name: impl Into<String>, against: &'static str) -> Self {
        Self { engine, name: name.into(), ours: Vec::new(), against, other: Vec::new() }
    }

    /// The median over the pairs of what `pick` finds in a round, as a ratio.
    pub fn ratio(&self, pick: impl Fn(&Round) -> f64) -> Option<f64> {
        let pairs = self.ours.iter().zip(&self.other);
        let ratios: Vec<f64> = pairs.map(|(ours, other)| pick(ours) / pick(other)).collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }

    /// The median of what `pick` finds in the server's rounds.
    pub fn of(&self, pick: impl Fn(&Round) -> f64) -> f64 {
        median(self.ours.iter().map(pick).collect())
    }

    fn error(&self) -> Option<&str> {
        let rounds = || self.ours.iter().chain(&self.other);
        if let Some(bad) = rounds().find(|round| round.errors > 0) {
            return Some(bad.first_error.as_deref().unwrap_or("a wrong answer"));
        }
        rounds().any(|round| round.rate == 0.0).then_some("no answer at all")
    }

    fn print(&self) {
        let (other, ratio) = match self.ratio(|round| round.rate) {
            Some(ratio) => {
                let other = median(self.other.iter().map(|round| round.rate).collect());
                // Of the CPU time too, which says more on a machine that does other work.
                let cpu = self.ratio(|round| 1.0 / round.cpu_micros).unwrap_or_default();
                (format!("{other:.0}"), format!("{ratio:.2} {} ({cpu:.2} by CPU)", self.against))
            }
            None => ("-".to_owned(), "-".to_owned()),
        };
        println!(
            "{:<11} {:<40} {:>9.0} {:>8.2} {:>8.2} {:>8.1} {other:>9} {ratio}",
            self.engine,
            self.name,
            self.of(|round| round.rate),
            self.of(|round| round.p50),
            self.of(|round| round.p99),
            self.of(|round| round.cpu_micros),
        );
    }
}

impl Report {
    /// An empty report. Nothing has run.
    pub fn new() -> Self {
        Self {
            section: "",
            rows: Vec::new(),
            measures: Vec::new(),
            outcomes: Outcomes::default(),
            missing: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// Begins a section.
    pub fn begin(&mut self, section: &'static str, about: &str) {
        self.section = section;
        println!("\n{section}: {about}");
        self.missing.insert(section, "not measured here".to_owned());
    }

    /// Prints the names of the columns of rows.
    pub fn head(&self) {
        println!(
            "{:<11} {:<40} {:>9} {:>8} {:>8} {:>8} {:>9} ratio",
            "database", "workload", "per s", "p50 ms", "p99 ms", "us CPU", "other/s"
        );
    }

    /// Prints and keeps a row; its ratio is what `target` asks for. False when the row is refused.
    pub fn row(&mut self, row: Row, target: Option<&'static str>) -> bool {
        let (name, ratio) = (format!("{}, {}", row.engine, row.name), row.ratio(|round| round.rate));
        let kept = self.keep(row, target);
        if let (true, Some(target), Some(ratio)) = (kept, target, ratio) {
            self.outcomes.keep(target, ratio, &name);
        }
        kept
    }

    /// Prints and keeps a row whose rate is not what is asked for; no value of `target` counts when it is refused.
    pub fn keep(&mut self, row: Row, target: Option<&'static str>) -> bool {
        let name = format!("{}, {}", row.engine, row.name);
        let refused = row.error().map(str::to_owned);
        match &refused {
            Some(error) => {
                println!("{:<11} {:<40} REFUSED: {error}", row.engine, row.name);
                self.failures.push(format!("{name}: {error}"));
                if let Some(target) = target {
                    self.outcomes.refuse(target, &name);
                }
            }
            None => row.print(),
        }
        self.rows.push(row);
        refused.is_none()
    }

    /// Prints and keeps a value that is not a rate; it is what `target` asks for.
    pub fn value(
        &mut self,
        engine: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Option<&'static str>,
    ) {
        let name = name.into();
        println!("{engine:<11} {name:<50} {value:.3} {unit}");
        if let Some(target) = target {
            self.outcomes.keep(target, value, &format!("{engine}, {name}"));
        }
        self.measures.push(Measure { section: self.section, engine, name, value, unit });
    }

    /// The section cannot be measured here.
    pub fn leave_out(&mut self, why: &str) {
        println!("left out: {why}");
        self.missing.insert(self.section, format!("left out: {why}"));
    }

    /// The section broke off.
    pub fn fail(&mut self, error: &anyhow::Error) {
        println!("FAILED: {error:#}");
        self.outcomes.refuse_section(self.section, &format!("{error:#}"));
        self.failures.push(format!("{}: {error:#}", self.section));
    }

    /// Prints the targets and writes the document.
    ///
    /// # Errors
    /// When a row was refused or a section failed.
    pub fn finish(self) -> Result<()> {
        println!("\n{:<40} {:<26} {:<5} measured (the worst of all)", "target", "wanted", "met");
        let lines = self.outcomes.lines(|section| match section {
            "no program" => "no program of this name can be installed from a registry".to_owned(),
            section => self.missing.get(section).cloned().unwrap_or_else(|| "not asked for".to_owned()),
        });
        lines.iter().for_each(crate::targets::Line::print);
        let document = serde_json::json!({"rows": self.rows, "measures": self.measures, "targets": lines, "failures": self.failures});
        std::fs::create_dir_all("target")?;
        std::fs::write("target/bench.json", serde_json::to_vec_pretty(&document)?)?;
        println!("\ndetails: target/bench.json");
        ensure!(self.failures.is_empty(), "refused or failed: {}", self.failures.join("; "));
        Ok(())
    }
}
