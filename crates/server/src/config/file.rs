//! The layer of the configuration file: TOML with positions, so that every complaint names its line.

use std::fs;
use std::io::Read;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Origin, Problem, printable};
use super::key::{self, Key};
use super::layers::Setting;

/// No configuration is longer; a longer file is not a configuration.
const LONGEST_FILE: u64 = 1 << 20;

/// How a file that cannot be read should look.
const FORM: &str =
    "the file is TOML: lines such as `port = 8090` and `host = \"::\"` below lines such as `[server]`";

/// Syntax errors that are reported; the rest mostly follows from the first.
const MOST_SYNTAX_ERRORS: usize = 5;

/// Reads a whole file of text of at most 1 MiB. The error is the end of a sentence that starts with the file's name.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    file.take(LONGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err("is longer than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// Reads the settings of a document; `path` is named in problems.
pub(super) fn read_document(
    path: &Path,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static Key, Setting)> {
    let mut reader = Reader { path, text, problems, found: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors.into_iter().take(MOST_SYNTAX_ERRORS) {
        // Only the parser's own words: its rendered form shows the line, which may hold a secret.
        let at = error.span().map_or(0, |span| span.start);
        reader.complain(None, at, printable(error.message()), Some(FORM.to_owned()));
    }
    // After a syntax error the recovered values cannot be relied on.
    if reader.problems.is_empty() {
        reader.table("", document.get_ref());
    }
    reader.found
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
    found: Vec<(&'static Key, Setting)>,
}

impl Reader<'_> {
    /// Goes down sections only, so the depth is bounded by the table of keys, not by the document.
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            self.entry(section, name, value);
        }
    }

    fn entry(
        &mut self,
        section: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let plain = !name.get_ref().contains('.');
        let full = if section.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{section}.{}", name.get_ref())
        };
        match (key::find(&full), value.get_ref()) {
            (Some(key), value_read) if plain => self.value(key, name.span().start, value_read),
            (None, DeValue::Table(inner)) if plain && key::is_section(&full) => self.table(&full, inner),
            (None, _) if plain && key::is_section(&full) => {
                let hint = format!("write its keys below a line [{full}]");
                self.complain(None, name.span().start, format!("`{full}` is a section"), Some(hint));
            }
            (_, found) => {
                let what = if found.is_table() { "section" } else { "key" };
                let what = format!("unknown {what} `{}`", printable(&full));
                self.complain(
                    None,
                    name.span().start,
                    what,
                    Some(key::advice(&full, |key| key.name.to_owned())),
                );
            }
        }
    }

    fn value(&mut self, key: &'static Key, at: usize, value: &DeValue<'_>) {
        match key.kind.read(value) {
            Ok(value) => self.found.push((key, Setting { value, origin: self.origin(at) })),
            Err(what) => self.complain(Some(key.name), at, format!("`{}` {what}", key.name), None),
        }
    }

    fn origin(&self, at: usize) -> Origin {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }

    fn complain(&mut self, key: Option<&'static str>, at: usize, what: String, hint: Option<String>) {
        let origin = self.origin(at);
        self.problems.push(Problem { key, origin, what, hint });
    }
}
