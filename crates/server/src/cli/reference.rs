//! Reference pages of the manual, made from the definitions themselves.

use std::fmt::Write;

use clap::{Args, Command, CommandFactory, ValueEnum};

use super::CommandLine;
use super::failure::{EXIT_CODES, Failure};
use super::output::Console;
use crate::config;
use crate::openapi::{self, Extent};

/// Which page to print.
#[derive(Args, Clone, Debug)]
pub struct ReferenceCommand {
    /// The page
    page: Page,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Page {
    Configuration,
    Cli,
    /// The OpenAPI document.
    Openapi,
    /// The same for readers.
    Api,
    /// The presets of the client.
    Providers,
}

impl ReferenceCommand {
    /// Prints the page as Markdown.
    pub fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let text = match self.page {
            Page::Configuration => config::reference_markdown(),
            Page::Cli => reference_markdown(),
            Page::Openapi => openapi::document(Extent::FULL).to_pretty_json().unwrap_or_default(),
            Page::Api => openapi::markdown(),
            Page::Providers => super::auth::providers::providers_markdown(),
        };
        console.line(text.trim_end())
    }
}

/// The reference of all commands as Markdown, from the same definitions as `--help`.
pub fn reference_markdown() -> String {
    let mut root = CommandLine::command();
    root.build();
    let mut text = String::new();
    let _ = write!(text, "### Flags of every command\n\n");
    flags(&mut text, &root, true);
    let _ = write!(text, "### Exit codes\n\n");
    for line in EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap_or_default();
        let _ = writeln!(text, "- `{code}`: {meaning}");
    }
    text.push('\n');
    commands(&mut text, &root);
    text
}

fn commands(text: &mut String, parent: &Command) {
    for command in
        parent.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        if command.has_subcommands() {
            commands(text, command);
        }
        let name = command.get_bin_name().unwrap_or_default();
        if command.is_subcommand_required_set() {
            continue;
        }
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "### `{name}`\n\n{about}.\n\n");
        flags(text, command, false);
    }
}

fn flags(text: &mut String, command: &Command, global: bool) {
    let shown = command.get_arguments().filter(|argument| {
        argument.is_global_set() == global
            && !argument.is_hide_set()
            && !matches!(argument.get_id().as_str(), "help" | "version")
    });
    let mut any = false;
    for argument in shown {
        let names = argument.get_value_names().unwrap_or_default();
        let value = names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
        let takes_value = argument.get_action().takes_values();
        let form = match argument.get_long() {
            Some(long) if takes_value => format!("--{long} {value}"),
            Some(long) => format!("--{long}"),
            None => value,
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let words = argument.get_possible_values();
        let choice = words.iter().map(|word| format!("`{}`", word.get_name())).collect::<Vec<_>>().join(", ");
        let choice =
            if choice.is_empty() || !takes_value { String::new() } else { format!(" One of {choice}.") };
        let required = if argument.is_required_set() { " Required." } else { "" };
        let _ = writeln!(text, "- `{form}`: {help}.{choice}{required}");
        any = true;
    }
    if any {
        text.push('\n');
    }
}
