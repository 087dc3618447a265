//! The layer of the environment: `AYB_SECTION_KEY`, and `…_FILE` for secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::error::{Origin, Problem, printable};
use super::file;
use super::key::{self, Key, SECTIONS, Secrecy};
use super::layers::Setting;

/// Variables that begin with `AYB_` and are not keys: the command line reads them, or a short name of a key.
pub const OTHER_VARIABLES: [(&str, &str); 6] = [
    ("AYB_CONFIG", "The configuration file, like `--config`."),
    ("AYB_DATA_DIR", "Short for `AYB_SERVER_DATA_DIR`, like `--data-dir`."),
    ("AYB_URL", "The server that the command line talks to, like `--url`."),
    ("AYB_ADMIN_TOKEN", "The token that the command line shows to the server, like `--admin-token`."),
    ("AYB_CLIENT_SECRET", "The secret of the client with which `ayb auth` signs in, if it has one."),
    ("AYB_TOKENS_PASSPHRASE", "The passphrase of the tokens that `ayb auth` keeps with `--key passphrase`."),
];

/// Variables of the repository's own tests begin so; the program does not look at them.
const TEST_PREFIX: &str = "AYB_TEST_";

/// The environment of the process, as a value, so that nothing else reads it.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The variables in `pairs`; names that are not Unicode cannot be ours and are left out.
    pub fn from_pairs<N: Into<OsString>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let named = |(name, value): (N, V)| Some((name.into().into_string().ok()?, value.into()));
        Self { variables: pairs.into_iter().filter_map(named).collect() }
    }

    /// The environment that the process was started with.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// The text of a variable; an empty one counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// The settings in the environment.
    pub(super) fn settings(&self, problems: &mut Vec<Problem>) -> Vec<(&'static Key, Setting)> {
        let ours = self.variables.keys().filter(|name| name.starts_with("AYB_") && !is_foreign(name));
        let mut found: Vec<(&'static Key, Setting)> = Vec::new();
        for name in ours {
            match self.setting(name) {
                Ok(None) => {}
                Ok(Some((key, _))) if found.iter().any(|(other, _)| other.name == key.name) => {
                    problems.push(problem(
                        name,
                        Some(key),
                        format!("`{}` is set by another variable too", key.name),
                    ));
                }
                Ok(Some(setting)) => found.push(setting),
                Err(problem) => problems.push(*problem),
            }
        }
        found
    }

    fn setting(&self, name: &str) -> Result<Option<(&'static Key, Setting)>, Box<Problem>> {
        let Some((key, from_file)) = meaning(name) else {
            return Err(Box::new(unknown(name)));
        };
        let Some(text) = self.variables.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let wrong = |what: String| Box::new(problem(name, Some(key), format!("`{}` {what}", key.name)));
        let text = text.to_str().ok_or_else(|| wrong("is not Unicode text".to_owned()))?;
        let value = if from_file {
            let secret = file::read_text(Path::new(text))
                .map_err(|what| wrong(format!("names a file that {what}")))?;
            key.kind.parse(&secret)
        } else {
            key.kind.parse(text)
        };
        let origin = Origin::Variable(name.to_owned());
        value.map(|value| Some((key, Setting { value, origin }))).map_err(wrong)
    }
}

/// The key that a variable sets, and whether it names a file that holds the value.
fn meaning(variable: &str) -> Option<(&'static Key, bool)> {
    let variable = if variable == "AYB_DATA_DIR" { "AYB_SERVER_DATA_DIR" } else { variable };
    if let Some(key) = key::keys().find(|key| key.variable() == variable) {
        return Some((key, false));
    }
    let of_file = variable.strip_suffix("_FILE")?;
    key::keys().find(|key| key.secrecy != Secrecy::Open && key.variable() == of_file).map(|key| (key, true))
}

/// Whether a variable that begins with `AYB_` is none of the configuration's business.
fn is_foreign(name: &str) -> bool {
    let documented = OTHER_VARIABLES.iter().any(|(other, _)| *other == name && name != "AYB_DATA_DIR");
    documented || name.starts_with(TEST_PREFIX) || is_service_link(name)
}

/// Kubernetes tells every container about a service called `ayb` in variables of these forms.
fn is_service_link(name: &str) -> bool {
    let rest = name.trim_start_matches("AYB_");
    rest == "PORT"
        || rest.starts_with("SERVICE_HOST")
        || rest.starts_with("SERVICE_PORT")
        || rest.strip_prefix("PORT_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn unknown(name: &str) -> Problem {
    let mut problem = problem(name, None, "unknown variable".to_owned());
    let of_file = name.strip_suffix("_FILE").filter(|rest| meaning(rest).is_some());
    problem.hint = Some(match of_file {
        Some(rest) => format!("only secrets are read from files; did you mean `{rest}`?"),
        None => key::advice(&dotted(name), Key::variable),
    });
    problem
}

/// The name of the key that an unknown variable would set.
fn dotted(variable: &str) -> String {
    let name = variable.trim_start_matches("AYB_").to_ascii_lowercase();
    let sections = SECTIONS.iter().map(|section| section.name).chain(["auth.oauth", "jobs"]);
    let of_section = sections.filter_map(|section| {
        let rest = name.strip_prefix(&section.replace('.', "_"))?.strip_prefix('_')?;
        Some((section.len(), format!("{section}.{rest}")))
    });
    of_section.max().map_or_else(|| name.replacen('_', ".", 1), |(_, name)| name)
}

fn problem(name: &str, key: Option<&'static Key>, what: String) -> Problem {
    Problem { key: key.map(|key| key.name), origin: Origin::Variable(printable(name)), what, hint: None }
}
