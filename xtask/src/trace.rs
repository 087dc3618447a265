//! `cargo xtask trace`: docs/traceability.md names a proof for each requirement; this looks whether it exists.

pub(crate) mod proof;
pub(crate) mod table;
mod waiting;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::finding::Finding;
use crate::repository;
use table::Row;

/// The file with one row for each requirement.
pub(crate) const TABLE: &str = "docs/traceability.md";

/// The folder with tables of test cases, in the same form.
const SPECS: &str = "tests/specs/";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let missing = arguments.switch("--missing");
    let complete = arguments.option("--complete")?;
    let group = complete.clone().or_else(|| arguments.rest().into_iter().next());
    arguments.finish()?;
    let rows = table::read(TABLE)?;
    let wanted = |row: &&Row| group.as_deref().is_none_or(|group| row.group() == group || row.id == group);
    if missing || complete.is_some() {
        let waiting = waiting::rows();
        for row in rows.iter().filter(wanted).filter(|row| row.proofs.is_empty()) {
            let waits = if waiting.contains(&row.id) { " (waits: decision 0026)" } else { "" };
            println!("{:<7} {}{waits}", row.id, row.words);
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
    match complete {
        Some(group) if !is_complete(&group)? => bail!("group {group} has rows without a proof"),
        _ => Ok(()),
    }
}

/// True if every row of a group has a proof, or waits for what it is about.
pub(crate) fn is_complete(group: &str) -> Result<bool> {
    let rows = table::read(TABLE)?;
    let waiting = waiting::rows();
    let mut group = rows.iter().filter(|row| row.group() == group).peekable();
    Ok(group.peek().is_some() && group.all(|row| !row.proofs.is_empty() || waiting.contains(&row.id)))
}

/// Rows whose proof does not exist, and rows that cannot be read.
pub(crate) fn broken() -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let specs =
        repository::files()?.into_iter().filter(|path| path.starts_with(SPECS) && path.ends_with(".md"));
    for path in [TABLE, table::GATES].map(str::to_owned).into_iter().chain(specs) {
        let rows = table::read(&path)?;
        found.extend(repeated(&path, &rows));
        if path.starts_with(SPECS) {
            found.extend(
                rows.iter().filter(|row| row.proofs.is_empty()).map(|row| case_without_test(&path, row)),
            );
        }
        found.extend(rows.iter().flat_map(|row| broken_proofs(&path, row)));
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

/// A table of cases says what is tested, so each of them is.
fn case_without_test(path: &str, row: &Row) -> Finding {
    Finding {
        path: path.to_owned(),
        line: row.line,
        rule: "proof",
        what: format!("{} names no test", row.id),
        hint: "name the test of the case",
    }
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
