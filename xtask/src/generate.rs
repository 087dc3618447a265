//! `cargo xtask gen`: documents, or parts of them, that are written by a program; `--check` only compares.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::finding::Finding;
use crate::{process, repository};

/// Who writes the text.
enum Writer {
    /// A function of this program.
    Here(fn() -> Result<String>),
    /// The `ayb` binary with these words; what it prints is the text.
    Ayb(&'static [&'static str]),
}

/// One generated text and its place.
struct Generator {
    name: &'static str,
    writer: Writer,
    /// The file it stands in.
    target: &'static str,
    /// True if it is the whole file; else it stands between
    /// `<!-- generated: name -->` and `<!-- end: name -->`.
    whole: bool,
}

/// A new generated text is one more entry here (and, if it is a part, the two marks in its file).
const GENERATORS: &[Generator] = &[
    Generator { name: "commands", writer: Writer::Here(commands), target: "CONTRIBUTING.md", whole: false },
    Generator {
        name: "configuration",
        writer: Writer::Ayb(&["reference", "configuration"]),
        target: "docs-site/guide/configuration.md",
        whole: false,
    },
    Generator {
        name: "cli",
        writer: Writer::Ayb(&["reference", "cli"]),
        target: "docs-site/guide/cli.md",
        whole: false,
    },
    Generator {
        name: "api",
        writer: Writer::Ayb(&["reference", "api"]),
        target: "docs-site/guide/api-reference.md",
        whole: false,
    },
    Generator {
        name: "providers",
        writer: Writer::Ayb(&["reference", "providers"]),
        target: "docs-site/guide/client-providers.md",
        whole: false,
    },
    Generator {
        name: "openapi",
        writer: Writer::Ayb(&["reference", "openapi"]),
        target: "docs-site/openapi.json",
        whole: true,
    },
];

/// The hint of every finding about a generated text.
const HINT: &str = "run `cargo xtask gen` and commit what it writes";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let check = arguments.switch("--check");
    arguments.finish()?;
    if !check {
        return GENERATORS.iter().try_for_each(Generator::write);
    }
    let found = outdated()?;
    for finding in &found {
        println!("{finding}");
    }
    if !found.is_empty() {
        bail!("{} generated texts are out of date", found.len());
    }
    Ok(())
}

/// Generated texts that differ from what their writer says now.
pub(crate) fn outdated() -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for generator in GENERATORS {
        let (current, wanted) = generator.texts()?;
        if let Some(line) = first_difference(&current, &wanted) {
            found.push(Finding {
                path: generator.target.to_owned(),
                line,
                rule: "generated",
                what: format!("`{}` is out of date", generator.name),
                hint: HINT,
            });
        }
    }
    Ok(found)
}

impl Generator {
    fn write(&self) -> Result<()> {
        let (current, wanted) = self.texts()?;
        let state = if current == wanted { "as it was" } else { "written" };
        if current != wanted {
            let path = repository::root().join(self.target);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            std::fs::write(&path, wanted)?;
        }
        println!("{:<14} {state}: {}", self.name, self.target);
        Ok(())
    }

    /// The file as it is, and as it should be.
    fn texts(&self) -> Result<(String, String)> {
        let current = repository::text(self.target).unwrap_or_default();
        let text = match self.writer {
            Writer::Here(write) => write()?,
            Writer::Ayb(words) => from_ayb(words)?,
        };
        let text = format!("{}\n", text.trim_end());
        let wanted = match self.whole {
            true => text,
            false => between_marks(&current, self.name, &text).with_context(|| {
                format!(
                    "{} has no marks `<!-- generated: {1} -->` and `<!-- end: {1} -->`",
                    self.target, self.name
                )
            })?,
        };
        Ok((current, wanted))
    }
}

fn from_ayb(words: &[&str]) -> Result<String> {
    process::run(process::cargo().args(["build", "--quiet", "--package", "ayb-server", "--bin", "ayb"]))?;
    process::capture(Command::new(repository::target().join("debug/ayb")).args(words))
}

/// `file` with `text` between the marks of `name`.
fn between_marks(file: &str, name: &str, text: &str) -> Option<String> {
    let (open, close) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = file.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}\n{text}\n{close}{after}"))
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(current: &str, wanted: &str) -> Option<usize> {
    if current == wanted {
        return None;
    }
    let same = current.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

/// The table of developer commands in CONTRIBUTING.md.
fn commands() -> Result<String> {
    let row = |command: &crate::Command| {
        let usage = command.usage.replace('|', "\\|");
        format!("| `cargo xtask {}` | {} |\n", format!("{} {usage}", command.name).trim_end(), command.about)
    };
    let rows: String = crate::COMMANDS.iter().map(row).collect();
    Ok(format!("| Command | What it does |\n| --- | --- |\n{rows}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_marks_changes() {
        let file = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n";
        let once = between_marks(file, "x", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- generated: x -->\n\nnew\n\n<!-- end: x -->\nb\n");
        assert_eq!(between_marks(&once, "x", "new\n").unwrap(), once);
        assert!(between_marks(file, "y", "new\n").is_none());
    }

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
    }
}
