//! The commented `ayb.toml` that `ayb init` writes.

use std::fmt::Write;

use super::key::{Fallback, Key, SECTIONS, Secrecy, Section};
use super::secret::SecretText;
use super::value::Value;

/// Keys that the template sets to their defaults, so that they are in sight; the others stand there as comments.
const IN_SIGHT: [&str; 3] = [
    "auth.oauth_provider.access_token_duration",
    "auth.oauth_provider.refresh_token_duration",
    "auth.oauth_provider.auth_code_duration",
];

const HEADER: &str = "\
# Configuration of ayb. Order of the layers: defaults, this file, environment (AYB_SECTION_KEY), flags; the later wins.
# A line that begins with `# key =` shows a default or an example; remove the `# ` to set the key.
";

/// The template with these keys set, each to a text that `config set` would take.
pub fn template(set: &[(&str, &SecretText)]) -> String {
    let mut text = HEADER.to_owned();
    for section in SECTIONS {
        write_section(&mut text, section, set);
    }
    text
}

fn write_section(text: &mut String, section: &Section, set: &[(&str, &SecretText)]) {
    text.push('\n');
    write_comment(text, section.doc);
    let _ = writeln!(text, "[{}]", section.name);
    for key in section.keys {
        write_comment(text, key.doc);
        let given = set.iter().find(|(name, _)| *name == key.name).map(|(_, value)| value.expose());
        let _ = writeln!(text, "{}", line(key, given));
    }
}

fn line(key: &Key, given: Option<&str>) -> String {
    let name = key.last_name();
    match (given, key.fallback) {
        (Some(given), _) => format!("{name} = {}", literal(key, given)),
        (None, Fallback::Fixed(default)) if IN_SIGHT.contains(&key.name) => {
            format!("{name} = {}", literal(key, default))
        }
        (None, Fallback::Fixed(default)) => format!("# {name} = {}", literal(key, default)),
        (None, Fallback::Derived(rule)) => format!("# {name} = \"{rule}\""),
        (None, Fallback::Unset) if key.secrecy == Secrecy::Secret => format!("# {name} = \"…\""),
        (None, Fallback::Unset) => format!("# {name} = …"),
    }
}

/// A value as TOML.
fn literal(key: &Key, text: &str) -> String {
    match key.kind.parse(text) {
        Ok(Value::Text(text)) => toml::Value::String(text).to_string(),
        Ok(Value::List(items)) => toml::Value::from(items).to_string(),
        Ok(other) => other.to_string(),
        Err(_) => toml::Value::String(text.to_owned()).to_string(),
    }
}

fn write_comment(text: &mut String, doc: &str) {
    let mut line = String::from("#");
    for word in doc.split(' ') {
        if line.len() + word.len() > 110 {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}
