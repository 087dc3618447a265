//! The layers and their order: defaults, the file, the environment, the flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Config;
use super::environment::Environment;
use super::error::{ConfigError, Findings, Origin, Problem};
use super::file;
use super::key::{self, Fallback, Key, Secrecy};
use super::value::Value;

/// The key that holds the master key itself.
pub(crate) const MASTER_KEY: &str = "auth.oauth_provider.master_key";
/// The key that names the file in which the master key is.
pub(crate) const MASTER_KEY_FILE: &str = "auth.oauth_provider.master_key_file";

/// A value and where it comes from.
#[derive(Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// The layer that it comes from.
    pub origin: Origin,
}

/// The settings of all layers, one value a key.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
}

impl Settings {
    /// The setting of a key; keys that nobody set and that have no default have none.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.values.get(key)
    }

    /// Where the value of a key comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.setting(key).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// The value of a key as text that may be shown: secrets are masked.
    pub fn shown(&self, key: &Key) -> Option<String> {
        self.setting(key.name).map(|setting| mask(key.secrecy, &setting.value.to_string()))
    }

    /// The value of a key as text, secrets included.
    pub fn exposed(&self, key: &Key) -> Option<String> {
        self.setting(key.name).map(|setting| setting.value.to_string())
    }

    /// Every setting by the name of its key, in alphabetic order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.values.iter().map(|(name, setting)| (*name, setting))
    }

    fn text(&self, key: &str) -> String {
        self.setting(key).map(|setting| setting.value.to_string()).unwrap_or_default()
    }
}

/// A value as it may be shown.
pub fn mask(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Open => text.to_owned(),
        Secrecy::Secret => "********".to_owned(),
        Secrecy::UrlPassword => mask_url(text),
    }
}

/// Masks the password of a URL, and its query, in which PostgreSQL takes passwords too.
fn mask_url(text: &str) -> String {
    let (address, query) = text.split_once('?').map_or((text, ""), |(address, _)| (address, "?********"));
    let Some((scheme, rest)) = address.split_once("://") else {
        return format!("{address}{query}");
    };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            let password = if user.contains(':') { ":********" } else { "" };
            format!("{scheme}://{name}{password}@{host}{query}")
        }
        None => format!("{scheme}://{rest}{query}"),
    }
}

/// One setting from a command-line flag.
#[derive(Clone)]
pub struct Override {
    /// The key.
    pub key: &'static str,
    /// The value, in the form that `config set` takes.
    pub text: String,
    /// The flag, as the user wrote it, such as `--port`.
    pub flag: &'static str,
}

/// Everything that a configuration is made from.
#[derive(Clone, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// Other flags.
    pub overrides: Vec<Override>,
    /// Where `ayb.toml` is looked for; empty is the working directory.
    pub directory: PathBuf,
}

impl Sources {
    /// The configuration file: `--config`, `AYB_CONFIG`, `ayb.toml` here, `ayb.toml` in the data folder.
    ///
    /// A file that was named need not exist (reading it then fails); of the others the first that exists counts.
    pub fn find_file(&self) -> Option<PathBuf> {
        let candidates = || [self.default_file(), self.early_data_dir().join("ayb.toml")];
        self.named_file().or_else(|| candidates().into_iter().find(|path| path.is_file()))
    }

    /// The configuration file that was named, by `--config` or `AYB_CONFIG`.
    pub fn named_file(&self) -> Option<PathBuf> {
        self.file.clone().or_else(|| self.environment.text("AYB_CONFIG").map(PathBuf::from))
    }

    /// `ayb.toml` in the working directory.
    pub fn default_file(&self) -> PathBuf {
        self.directory.join("ayb.toml")
    }

    /// The data folder as far as it is known before the file is read.
    fn early_data_dir(&self) -> PathBuf {
        let variable =
            ["AYB_DATA_DIR", "AYB_SERVER_DATA_DIR"].iter().find_map(|name| self.environment.text(name));
        let named = self.data_dir.clone().or_else(|| variable.map(PathBuf::from));
        named.unwrap_or_else(|| self.directory.join("ayb-data"))
    }
}

/// The settings of all layers, and what is wrong with them.
pub struct Gathered {
    /// One value a key; where a value is wrong, the layer below it.
    pub settings: Settings,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
}

/// Reads all layers.
pub fn gather(sources: &Sources) -> Gathered {
    let mut problems = Vec::new();
    let file = sources.find_file();
    let mut layers = defaults();
    if let Some(path) = &file {
        match file::read_text(path) {
            Ok(text) => layers.extend(file::read_document(path, &text, &mut problems)),
            Err(what) => problems.push(unreadable(path, &what)),
        }
    }
    layers.extend(sources.environment.settings(&mut problems));
    layers.extend(flags(sources, &mut problems));
    let values = layers.into_iter().map(|(key, setting)| (key.name, setting)).collect();
    let mut settings = Settings { values };
    derive(&mut settings);
    read_master_key(&mut settings, &mut problems);
    Gathered { settings, problems, file }
}

impl Gathered {
    /// The checked configuration with its settings, or everything that is wrong with it.
    pub fn into_config(mut self) -> Result<(Config, Settings), ConfigError> {
        match Config::from_settings(&self.settings) {
            Ok(config) => {
                config.check(&mut Findings::new(&self.settings, &mut self.problems));
                if self.problems.is_empty() {
                    return Ok((config, self.settings));
                }
            }
            Err(what) if self.problems.is_empty() => {
                self.problems.push(Problem { key: None, origin: Origin::Default, what, hint: None });
            }
            Err(_) => {}
        }
        Err(ConfigError { problems: self.problems })
    }
}

fn defaults() -> Vec<(&'static Key, Setting)> {
    let fixed = |key: &'static Key| match key.fallback {
        Fallback::Fixed(text) => {
            let value = key.kind.parse(text).ok()?;
            Some((key, Setting { value, origin: Origin::Default }))
        }
        Fallback::Derived(_) | Fallback::Unset => None,
    };
    key::keys().filter_map(fixed).collect()
}

fn flags(sources: &Sources, problems: &mut Vec<Problem>) -> Vec<(&'static Key, Setting)> {
    let data_dir = sources.data_dir.as_ref().map(|path| Override {
        key: "server.data_dir",
        text: path.to_string_lossy().into_owned(),
        flag: "--data-dir",
    });
    let mut found = Vec::new();
    for given in data_dir.iter().chain(&sources.overrides) {
        let Some(key) = key::find(given.key) else {
            continue;
        };
        let origin = Origin::Flag(given.flag);
        match key.kind.parse(&given.text) {
            Ok(value) => found.push((key, Setting { value, origin })),
            Err(what) => {
                let what = format!("`{}` {what}", key.name);
                problems.push(Problem { key: Some(key.name), origin, what, hint: None });
            }
        }
    }
    found
}

/// Fills the defaults that follow from other values.
fn derive(settings: &mut Settings) {
    let scheme = if settings.values.contains_key("server.tls_cert_file") { "https" } else { "http" };
    let data_dir = settings.text("server.data_dir");
    let in_data_dir = |name: &str| Path::new(&data_dir).join(name).to_string_lossy().into_owned();
    for (key, text) in [
        ("server.public_url", format!("{scheme}://localhost:{}", settings.text("server.port"))),
        ("database.url", format!("sqlite://{}", in_data_dir("ayb.db"))),
        (MASTER_KEY_FILE, in_data_dir("master.key")),
    ] {
        let derived = Setting { value: Value::Text(text), origin: Origin::Default };
        settings.values.entry(key).or_insert(derived);
    }
}

/// Fills `master_key` from its file, unless it was set by a later layer than the file was.
fn read_master_key(settings: &mut Settings, problems: &mut Vec<Problem>) {
    let (Some(key), file) = (key::find(MASTER_KEY), settings.origin(MASTER_KEY_FILE)) else {
        return;
    };
    if let Some(given) = settings.setting(MASTER_KEY) {
        let (own, of_file) = (given.origin.rank(), file.rank());
        if own == of_file {
            let what = format!("`{MASTER_KEY}` and `{MASTER_KEY_FILE}` are both set");
            let hint = Some("keep one of them".to_owned());
            problems.push(Problem { key: Some(MASTER_KEY), origin: file, what, hint });
            return;
        }
        if own > of_file {
            return;
        }
    }
    let path = settings.text(MASTER_KEY_FILE);
    if file == Origin::Default && !Path::new(&path).exists() {
        return;
    }
    match file::read_text(Path::new(&path)).and_then(|text| key.kind.parse(&text)) {
        Ok(value) => {
            let origin = match file {
                Origin::Default => Origin::File { path: path.into(), line: 0 },
                named => named,
            };
            drop(settings.values.insert(MASTER_KEY, Setting { value, origin }));
        }
        Err(what) => problems.push(unusable_key(&path, file, &what)),
    }
}

/// The file of the master key holds none. A path that was set may be the key itself, by mistake, and is not repeated.
fn unusable_key(path: &str, file: Origin, what: &str) -> Problem {
    let what = match file {
        Origin::Default => format!("the master key file {path} {what}"),
        _ => format!("the file of `{MASTER_KEY_FILE}` {what}"),
    };
    let hint = "correct the path or its rights, or restore the file from a backup: another key does not open the signing \
                keys";
    Problem { key: Some(MASTER_KEY_FILE), origin: file, what, hint: Some(hint.to_owned()) }
}

fn unreadable(path: &Path, what: &str) -> Problem {
    let origin = Origin::File { path: path.to_owned(), line: 0 };
    let hint = match path.try_exists() {
        Ok(false) => "correct the name, or let `ayb init` write a configuration",
        _ => "it must be a file of text that the user that runs ayb may read",
    };
    Problem { key: None, origin, what: what.to_owned(), hint: Some(hint.to_owned()) }
}
