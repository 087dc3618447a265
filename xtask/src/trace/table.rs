//! Reads the tables of docs/traceability.md and docs/gates.md: `| ID | words | proof |`.

use anyhow::{Result, bail};

use crate::repository;

/// The file with one row for each completion gate.
pub(crate) const GATES: &str = "docs/gates.md";

/// What stands in the proof column while there is none.
const NONE: &str = "—";

/// One requirement or gate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Line in the file, counted from 1.
    pub(crate) line: usize,
    /// `P-12`
    pub(crate) id: String,
    /// What it is, in a few words.
    pub(crate) words: String,
    /// Each proof as written, without the backticks.
    pub(crate) proofs: Vec<String>,
}

impl Row {
    /// The letters before the number.
    pub(crate) fn group(&self) -> &str {
        self.id.split_once('-').map_or(self.id.as_str(), |(group, _)| group)
    }
}

pub(crate) fn read(path: &str) -> Result<Vec<Row>> {
    let Some(text) = repository::text(path) else { bail!("{path} is missing") };
    parse(path, &text)
}

fn parse(path: &str, text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with('|') || !is_id(cells[0]) {
            continue;
        }
        let [id, words, proof] = cells[..] else {
            bail!("{path}:{}: a row has three cells: ID, words, proof", index + 1);
        };
        let Some(proofs) = proofs(proof) else {
            bail!("{path}:{}: a proof is `{NONE}`, or names in backticks with commas between", index + 1);
        };
        rows.push(Row { line: index + 1, id: id.to_owned(), words: words.to_owned(), proofs });
    }
    Ok(rows)
}

fn is_id(cell: &str) -> bool {
    let Some((letters, number)) = cell.split_once('-') else { return false };
    let upper = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    upper && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn proofs(cell: &str) -> Option<Vec<String>> {
    if cell == NONE {
        return Some(Vec::new());
    }
    let quoted = |part: &str| Some(part.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned());
    cell.split("`, ").map(|part| quoted(&format!("{}`", part.trim_end_matches('`')))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_other_lines_are_passed_over() {
        let text = "# Title\n| ID | What | Proof |\n| --- | --- | --- |\n\
                    | P-1 | opaque tokens | `a.rs::b`, `docs/x.md#y` |\n| JX-2 | later | — |\n";
        let rows = parse("t.md", text).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].group(), rows[0].line), ("P", 4));
        assert_eq!(rows[0].proofs, ["a.rs::b", "docs/x.md#y"]);
        assert_eq!((rows[1].group(), rows[1].proofs.len()), ("JX", 0));
    }

    #[test]
    fn malformed_rows_are_refused() {
        for row in ["| P-1 | words |", "| P-1 | words | proof without backticks |", "| P-1 | words |  |"] {
            assert!(parse("t.md", row).is_err(), "{row}");
        }
    }
}
