//! `cargo xtask audit`: the readiness report, docs/reports/readiness.md. It states the checklist,
//! the gates, where the tests stand and whether they are fit to stay, and what has drifted.

mod placement;

use std::fmt::Write as _;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::check::Tree;
use crate::finding::Finding;
use crate::trace::{self, table};
use crate::{check, gates, generate, repository, test};

/// Where the report is kept.
const REPORT: &str = "docs/reports/readiness.md";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    let tree = Tree::read()?;
    let mut text = String::from(
        "# Readiness\n\nWritten by `cargo xtask audit`; run it again after `cargo xtask test`.\n",
    );
    checklist(&mut text)?;
    completion(&mut text)?;
    placement::section(&mut text, &tree);
    drift(&mut text, &tree)?;
    let path = repository::root().join(REPORT);
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    std::fs::write(&path, &text)?;
    print!("{text}");
    println!("\nwritten to {REPORT}");
    Ok(())
}

fn checklist(text: &mut String) -> Result<()> {
    let rows = table::read(trace::TABLE)?;
    text.push_str("\n## Checklist\n\n| Group | With a proof | Rows |\n| --- | --- | --- |\n");
    for (group, (proven, all)) in trace::counts(&rows.iter().collect::<Vec<_>>()) {
        writeln!(text, "| {group} | {proven} | {all} |")?;
    }
    Ok(())
}

fn completion(text: &mut String) -> Result<()> {
    text.push_str("\n## Completion gates\n\n| Gate | State | What |\n| --- | --- | --- |\n");
    for (row, state) in gates::states(&test::read_results())? {
        writeln!(text, "| {} | {} | {} |", row.id, state.word(), row.words)?;
    }
    Ok(())
}

fn drift(text: &mut String, tree: &Tree) -> Result<()> {
    text.push_str("\n## Documentation drift\n\n");
    let mut found = generate::outdated()?;
    found.extend(check::documents(tree));
    found.extend(trace::broken()?);
    list(
        text,
        &found,
        "None: generated texts are up to date, links and commands exist, every named proof exists.",
    );
    Ok(())
}

fn list(text: &mut String, found: &[Finding], none: &str) {
    if found.is_empty() {
        text.push_str(none);
        text.push('\n');
    }
    for finding in found {
        text.push_str(&format!("- `{}:{}` {}\n", finding.path, finding.line, finding.what));
    }
}
