//! What the run prints: one line a row as it is measured, then the facts, then one JSON document for machines.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::load::Round;

/// One workload on one database.
#[derive(Serialize)]
pub struct Row {
    /// `SQLite`, `PostgreSQL` or `floor`.
    pub engine: &'static str,
    /// The workload.
    pub name: String,
    /// Rounds of the server.
    pub ours: Vec<Round>,
    /// Rounds of the floor program, in the same order.
    pub floor: Vec<Round>,
}

/// Everything measured so far.
pub struct Table {
    rows: Vec<Row>,
    facts: Vec<String>,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Row {
    /// The median of the pairs' ratios.
    fn ratio(&self) -> Option<f64> {
        let pairs: Vec<f64> =
            self.ours.iter().zip(&self.floor).map(|(ours, floor)| ours.rate / floor.rate).collect();
        (!pairs.is_empty()).then(|| median(pairs))
    }

    fn error(&self) -> Option<&str> {
        let bad = self.ours.iter().chain(&self.floor).find(|round| round.errors > 0)?;
        Some(bad.first_error.as_deref().unwrap_or("a wrong answer"))
    }
}

impl Table {
    /// An empty table; prints its head.
    pub fn new() -> Self {
        println!(
            "{:<11} {:<38} {:>9} {:>8} {:>8} {:>8} {:>9} {:>6}",
            "database", "workload", "per s", "p50 ms", "p99 ms", "us CPU", "floor/s", "ratio"
        );
        Self { rows: Vec::new(), facts: Vec::new() }
    }

    /// Prints and keeps a row.
    pub fn print(&mut self, row: Row) {
        if let Some(error) = row.error() {
            println!("{:<11} {:<38} REFUSED: {error}", row.engine, row.name);
        } else {
            let of = |pick: fn(&Round) -> f64| median(row.ours.iter().map(pick).collect());
            let floor = median(row.floor.iter().map(|round| round.rate).collect());
            let (floor, ratio) = match row.ratio() {
                Some(ratio) => (format!("{floor:.0}"), format!("{ratio:.2}")),
                None => ("-".to_owned(), "-".to_owned()),
            };
            println!(
                "{:<11} {:<38} {:>9.0} {:>8.2} {:>8.2} {:>8.1} {floor:>9} {ratio:>6}",
                row.engine,
                row.name,
                of(|round| round.rate),
                of(|round| round.p50),
                of(|round| round.p99),
                of(|round| round.cpu_micros),
            );
        }
        self.rows.push(row);
    }

    /// Keeps what is not a rate.
    pub fn facts(
        &mut self,
        engine: &str,
        cold: Duration,
        warm: Duration,
        idle: Option<(f64, f64)>,
        loaded: Option<(f64, f64)>,
    ) {
        let mib = |memory: Option<(f64, f64)>| match memory {
            Some((pss, anonymous)) => format!("{pss:.0} MiB PSS, {anonymous:.0} MiB anonymous"),
            None => "not measured".to_owned(),
        };
        self.facts.push(format!(
            "{engine}: start to first answer {:.3} s on an empty database, {:.3} s on an existing one; memory {} idle, {} after load",
            cold.as_secs_f64(),
            warm.as_secs_f64(),
            mib(idle),
            mib(loaded),
        ));
    }

    /// Prints the facts and writes the document.
    ///
    /// # Errors
    /// When a row was refused.
    pub fn finish(self, binary: &Path) -> Result<()> {
        println!();
        for fact in &self.facts {
            println!("{fact}");
        }
        let size = std::fs::metadata(binary).map(|meta| meta.len()).unwrap_or(0);
        println!("binary: {:.1} MB", size as f64 / 1e6);
        let document = serde_json::json!({"rows": self.rows, "facts": self.facts, "binary_bytes": size});
        std::fs::write("target/bench.json", serde_json::to_vec_pretty(&document)?)?;
        println!("details: target/bench.json");
        let refused = self.rows.iter().filter(|row| row.error().is_some()).count();
        ensure!(refused == 0, "{refused} rows were refused");
        Ok(())
    }
}
