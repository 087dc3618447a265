//! Reads which rows wait for what they are about: the first table of docs/decisions/0026-rows-that-wait.md.

use std::collections::BTreeSet;

use crate::repository;

/// The decision.
const PAGE: &str = "docs/decisions/0026-rows-that-wait.md";

/// How its table begins.
const HEAD: &str = "| Rows |";

/// Every row that waits; none if the page is missing.
pub(crate) fn rows() -> BTreeSet<String> {
    repository::text(PAGE).map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> BTreeSet<String> {
    let table = text.lines().skip_while(|line| !line.starts_with(HEAD)).skip(2);
    let cells = table.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split(',')).flat_map(named).collect()
}

/// `P-39`, or `P-237 to P-260`.
fn named(words: &str) -> Vec<String> {
    let (first, last) = words.split_once(" to ").unwrap_or((words, words));
    let (Some((group, first)), Some((_, last))) = (parts(first), parts(last)) else { return Vec::new() };
    (first..=last).map(|number| format!("{group}-{number}")).collect()
}

fn parts(id: &str) -> Option<(&str, u32)> {
    let (group, number) = id.trim().split_once('-')?;
    Some((group, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists_are_read_from_the_first_table_alone() {
        let text = "# x\n\n| Rows | Wait for |\n| --- | --- |\n| P-9, P-11 to P-13 | y |\n| S-1 | z |\n\n\
                    | Row | Part |\n| --- | --- |\n| S-22 | w |\n";
        let found: Vec<String> = parse(text).into_iter().collect();
        assert_eq!(found, ["P-11", "P-12", "P-13", "P-9", "S-1"]);
    }

    #[test]
    fn rows_that_wait_are_known_and_have_no_proof() {
        let rows = crate::trace::table::read(crate::trace::TABLE).unwrap();
        let waiting = super::rows();
        assert!(waiting.contains("P-237"));
        for id in waiting {
            let row = rows.iter().find(|row| row.id == id);
            assert!(row.is_some_and(|row| row.proofs.is_empty()), "{id} has a proof, or is none of the rows");
        }
    }
}
