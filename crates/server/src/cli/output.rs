//! Output as a table for people, as JSON for programs, as CSV for spreadsheets.

use std::io::{self, BufRead, Write};

use clap::ValueEnum;
use serde_json::Value;

use super::failure::Failure;

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The server's answer as it is.
    Json,
    /// A head line and one line a thing. A cell that a spreadsheet would take for a formula begins with a quote mark.
    Csv,
}

/// The streams of a command.
pub struct Console<'a> {
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where everything else goes.
    pub err: &'a mut dyn Write,
    /// Where answers come from.
    pub input: &'a mut dyn BufRead,
    /// Whether somebody sits at the input and sees what they type.
    pub interactive: bool,
    /// The form of results.
    pub format: Format,
}

/// One column of a list: its title and how a thing's cell is made.
pub struct Column {
    /// The title.
    pub title: &'static str,
    /// The cell.
    pub cell: fn(&Value) -> String,
}

impl Console<'_> {
    /// Prints a line of result, whatever the format.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Prints a line for people: nothing in the other formats.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        if self.format == Format::Table { self.line(text) } else { Ok(()) }
    }

    /// Prints a remark that is no result.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.err, "{text}")?)
    }

    /// Prints rows under their titles, as a table or as CSV.
    pub fn rows(&mut self, titles: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let text = if self.format == Format::Csv { csv(titles, rows) } else { table(titles, rows) };
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Reads one line without its end; `None` when there is no more input.
    pub fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// The text of a field: lists joined by commas, nothing for null.
pub fn field(thing: &Value, name: &str) -> String {
    match &thing[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Text from the server or a file, fit for a terminal: control characters, and the marks that reverse the direction of
/// writing, are shown as escapes.
pub fn clean(text: &str) -> String {
    let unsafe_mark = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown =
        text.chars().map(|c| if unsafe_mark(c) { c.escape_unicode().to_string() } else { c.to_string() });
    shown.collect()
}

fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let head = titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>();
    let cleaned = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect::<Vec<_>>());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(cleaned).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..titles.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn shown(cell: &str) -> String {
    if cell.is_empty() { "-".to_owned() } else { clean(cell) }
}

/// CSV (RFC 4180).
fn csv(titles: &[&str], rows: &[Vec<String>]) -> String {
    let head = titles.iter().map(|title| csv_cell(title)).collect::<Vec<_>>().join(",");
    let lines = rows.iter().map(|row| row.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(","));
    std::iter::once(head).chain(lines).map(|line| line + "\r\n").collect()
}

fn csv_cell(cell: &str) -> String {
    let mark = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if mark.is_empty() && !cell.contains([',', '"', '\r', '\n']) {
        return cell.to_owned();
    }
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_cells_marked() {
        let rows = [vec!["a".to_owned(), String::new()], vec!["länger".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["Name", "B"], &rows), "Name    B\na       -\nlänger  x\n");
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_turn_the_writing_around() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
    }

    #[test]
    fn csv_cells_are_quoted_and_formulas_disarmed() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(cell), written, "{cell:?}");
        }
    }

    #[test]
    fn fields_of_every_type_become_text() {
        let thing = json!({"a": "x", "b": ["y", "z"], "c": null, "d": 3, "e": true});
        let texts = ["a", "b", "c", "d", "e", "missing"].map(|name| field(&thing, name));
        assert_eq!(texts, ["x", "y, z", "", "3", "true", ""]);
    }
}
