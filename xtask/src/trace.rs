//! `cargo xtask trace`: docs/traceability.md names a proof for each requirement; this looks whether it exists.

pub(crate) mod proof;
pub(crate) mod table;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::finding::Finding;
use table::Row;

/// The file with one row for each requirement.
pub(crate) const TABLE: &str = "docs/traceability.md";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let missing = arguments.switch("--missing");
    let group = arguments.rest().into_iter().next();
    let rows = table::read(TABLE)?;
    let wanted = |row: &&Row| group.as_deref().is_none_or(|group| row.group() == group || row.id == group);
    if missing {
        for row in rows.iter().filter(wanted).filter(|row| row.proofs.is_empty()) {
            println!("{:<7} {}", row.id, row.words);
        }
    }
    print_counts(&rows.iter().filter(wanted).collect::<Vec<_>>());
    let found = broken()?;
    for finding in &found {
        println!("{finding}");
    }
    if !found.is_empty() {
        bail!("{} proofs named in {TABLE} do not exist", found.len());
    }
    Ok(())
}

/// Rows whose proof does not exist, and rows that cannot be read.
pub(crate) fn broken() -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in [TABLE, crate::trace::table::GATES] {
        let rows = table::read(path)?;
        found.extend(repeated(path, &rows));
        found.extend(rows.iter().flat_map(|row| broken_proofs(path, row)));
    }
    Ok(found)
}

fn broken_proofs(path: &str, row: &Row) -> Vec<Finding> {
    let problems = row.proofs.iter().filter_map(|text| proof::problem(text));
    let finding = |what| Finding {
        path: path.to_owned(),
        line: row.line,
        rule: "proof",
        what: format!("{}: {what}", row.id),
        hint: "name a test, file, heading or command that exists",
    };
    problems.map(finding).collect()
}

fn repeated(path: &str, rows: &[Row]) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let again = rows.iter().filter(|row| seen.insert(row.id.as_str(), row.line).is_some());
    let finding = |row: &Row| Finding {
        path: path.to_owned(),
        line: row.line,
        rule: "proof",
        what: format!("{} has a second row", row.id),
        hint: "one row for each requirement",
    };
    again.map(finding).collect()
}

/// Rows of a group: with a proof, and in all.
pub(crate) fn counts(rows: &[&Row]) -> BTreeMap<String, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for row in rows {
        let (proven, all) = counts.entry(row.group().to_owned()).or_insert((0, 0));
        *proven += usize::from(!row.proofs.is_empty());
        *all += 1;
    }
    counts
}

fn print_counts(rows: &[&Row]) {
    let counts = counts(rows);
    for (group, (proven, all)) in &counts {
        println!("{group:<4} {proven:>4} of {all:>4} rows have a proof");
    }
    let proven: usize = counts.values().map(|(proven, _)| proven).sum();
    println!("{:<4} {proven:>4} of {:>4}", "all", rows.len());
}
