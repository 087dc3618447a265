//! The reference of all keys and variables, for the manual.

use std::fmt::Write;

use super::environment::OTHER_VARIABLES;
use super::key::{Fallback, Key, SECTIONS, Secrecy};

/// The reference as Markdown: one table a section, and the variables that are not keys.
pub fn reference_markdown() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let _ = write!(text, "### `[{}]`\n\n{}\n\n", section.name, section.doc);
        text.push_str("| Key | Value | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |\n");
        for key in section.keys {
            let _ = writeln!(text, "{}", row(key));
        }
        text.push('\n');
    }
    text.push_str("### Variables that are not keys\n\n| Variable | Meaning |\n| --- | --- |\n");
    for (name, doc) in OTHER_VARIABLES {
        let _ = writeln!(text, "| `{name}` | {doc} |");
    }
    text
}

fn row(key: &Key) -> String {
    let default = match key.fallback {
        Fallback::Fixed("") => "empty".to_owned(),
        Fallback::Fixed(text) | Fallback::Derived(text) => format!("`{text}`"),
        Fallback::Unset => "none".to_owned(),
    };
    let variable = key.variable();
    let file = if key.secrecy == Secrecy::Open { String::new() } else { format!(" (or `{variable}_FILE`)") };
    let name = key.last_name();
    format!("| `{name}` | {} | {default} | `{variable}`{file} | {} |", key.kind.name(), key.doc)
}
