//! `ayb config`: what the configuration says, and one change at a time.

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::{Format, clean};
use super::password;
use crate::config::key::{self, Key};
use crate::config::layers::{Gathered, mask};
use crate::config::value::Value;
use crate::config::{ConfigError, Origin, Settings, edit, gather, secret_file};

/// Shows the configuration, or one key of it, or changes one key.
#[derive(Args, Clone, Debug)]
pub struct ConfigCommand {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Show every key with its value and where the value comes from; secrets are masked
    List,
    /// Show the value of one key
    Get {
        /// The key, such as auth.oauth_provider.enabled
        #[arg(value_name = "KEY", value_parser = known_key)]
        key: KeyName,
        /// Show a secret as it is
        #[arg(long)]
        show_secrets: bool,
    },
    /// Set one key in the configuration file
    Set {
        /// The key, such as auth.oauth_provider.enabled
        #[arg(value_name = "KEY", value_parser = known_key)]
        key: KeyName,
        /// The value; a list is separated by commas. Without it, it is asked for, or taken from a pipe: good for secrets
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: Option<String>,
    },
    /// Take one key out of the configuration file, so that its default holds again
    Unset {
        /// The key, such as server.port
        #[arg(value_name = "KEY", value_parser = known_key)]
        key: KeyName,
    },
}

/// A key that exists.
#[derive(Clone, Copy)]
struct KeyName(&'static Key);

impl std::fmt::Debug for KeyName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.name)
    }
}

fn known_key(text: &str) -> Result<KeyName, String> {
    match key::find(text) {
        Some(key) => Ok(KeyName(key)),
        None => Err(format!("unknown key; {}", key::advice(text, |key| key.name.to_owned()))),
    }
}

impl ConfigCommand {
    /// Does it.
    pub fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self.action {
            None | Some(Action::List) => list(context),
            Some(Action::Get { key, show_secrets }) => get(context, key.0, show_secrets),
            Some(Action::Set { key, value }) => set(context, key.0, value),
            Some(Action::Unset { key }) => unset(context, key.0),
        }
    }
}

/// Shows everything, also when it cannot be used; then it says why.
fn list(context: &mut Context<'_>) -> Result<(), Failure> {
    let gathered = gather(&context.sources());
    let settings = gathered.settings.clone();
    let console = &mut context.console;
    if console.format == Format::Json {
        let entries = key::keys().map(|key| entry(&settings, key)).collect::<Vec<_>>();
        console.line(&Json::Array(entries).to_string())?;
    } else {
        let row = |key: &'static Key| {
            let shown = settings.shown(key).unwrap_or_default();
            vec![key.name.to_owned(), shown, settings.origin(key.name).to_string()]
        };
        console.rows(&["Key", "Value", "Source"], &key::keys().map(row).collect::<Vec<_>>())?;
    }
    gathered.into_config().map(|_| ()).map_err(Failure::from)
}

fn get(context: &mut Context<'_>, key: &'static Key, show_secrets: bool) -> Result<(), Failure> {
    let Gathered { settings, problems, .. } = gather(&context.sources());
    let (own, others): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.key == Some(key.name));
    if !own.is_empty() {
        return Err(ConfigError { problems: own }.into());
    }
    if !others.is_empty() {
        context.console.note(&format!("note: {}", ConfigError { problems: others }))?;
    }
    let value = if show_secrets { settings.exposed(key) } else { settings.shown(key) };
    let Some(value) = value else {
        return Err(Failure::new(Exit::NotFound, format!("`{}` is not set", key.name)).hint(key.doc));
    };
    let console = &mut context.console;
    match console.format {
        Format::Table => console.line(&clean(&value)),
        Format::Csv => console.rows(&["Key", "Value"], &[vec![key.name.to_owned(), value]]),
        Format::Json => {
            let mut entry = entry(&settings, key);
            if show_secrets && entry["value"].is_string() {
                entry["value"] = json!(value);
            }
            console.line(&entry.to_string())
        }
    }
}

fn set(context: &mut Context<'_>, key: &'static Key, value: Option<String>) -> Result<(), Failure> {
    let text = match value {
        Some(text) => text,
        None => password::ask(&mut context.console, key.name)?.expose().to_owned(),
    };
    let value = key.kind.parse(&text).map_err(|what| Failure::usage(format!("`{}` {what}", key.name)))?;
    let sources = context.sources();
    let path = sources.find_file().unwrap_or_else(|| sources.default_file());
    rewrite(&path, |text| edit::set(text, key, &value).map(Some))?;
    remark(context, key, &path)?;
    let shown = mask(key.secrecy, &value.to_string());
    let console = &mut context.console;
    match console.format {
        Format::Table => console.line(&format!("{} = {}", key.name, clean(&shown))),
        Format::Csv => console.rows(&["Key", "Value"], &[vec![key.name.to_owned(), shown]]),
        Format::Json => console.line(&json!({"key": key.name, "value": shown}).to_string()),
    }
}

fn unset(context: &mut Context<'_>, key: &'static Key) -> Result<(), Failure> {
    let sources = context.sources();
    let path = sources.find_file().unwrap_or_else(|| sources.default_file());
    if !rewrite(&path, |text| edit::unset(text, key))? {
        let missing = format!("{} does not set `{}`", path.display(), key.name);
        return Err(
            Failure::new(Exit::NotFound, missing).hint("`ayb config list` says where each value comes from")
        );
    }
    let settings = remark(context, key, &path)?;
    let value = settings.shown(key);
    let console = &mut context.console;
    match console.format {
        Format::Table => match value {
            Some(value) => {
                console.line(&format!("{} = {} ({})", key.name, clean(&value), settings.origin(key.name)))
            }
            None => console.line(&format!("{} is not set", key.name)),
        },
        Format::Csv => {
            console.rows(&["Key", "Value"], &[vec![key.name.to_owned(), value.unwrap_or_default()]])
        }
        Format::Json => console.line(&entry(&settings, key).to_string()),
    }
}

/// Says what a change of the file does not do; gives what holds now.
fn remark(context: &mut Context<'_>, key: &'static Key, path: &Path) -> Result<Settings, Failure> {
    let after = gather(&context.sources());
    let settings = after.settings.clone();
    let overriding = settings.origin(key.name);
    if matches!(overriding, Origin::Variable(_)) {
        context.console.note(&format!("note: {overriding} is set and wins over {}", path.display()))?;
    }
    if let Err(error) = after.into_config() {
        context.console.note(&format!("note: the server cannot start like this: {error}"))?;
    }
    Ok(settings)
}

/// Changes the file, if there is something to change; whoever else does waits.
fn rewrite(
    path: &Path,
    change: impl FnOnce(&str) -> Result<Option<String>, String>,
) -> Result<bool, Failure> {
    let shown = path.display();
    let unwritable = |error: std::io::Error| {
        Failure::failed(format!("cannot write {shown}"))
            .because(error.to_string())
            .hint("give this user the right to write in its folder, or name another file with --config")
    };
    let _locked = secret_file::lock(path).map_err(unwritable)?;
    let before = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other
            .map_err(|error| Failure::failed(format!("cannot read {shown}")).because(error.to_string()))?,
    };
    let after = change(&before).map_err(|what| Failure::failed(format!("{shown} {what}")))?;
    let Some(after) = after else { return Ok(false) };
    secret_file::replace(path, &after).map_err(unwritable)?;
    Ok(true)
}

fn entry(settings: &Settings, key: &Key) -> Json {
    let shown = || settings.shown(key).map_or(Json::Null, Json::String);
    let value = match settings.setting(key.name).map(|setting| &setting.value) {
        Some(Value::Switch(on)) => json!(on),
        Some(Value::Number(number)) => json!(number),
        Some(Value::List(items)) => json!(items),
        Some(Value::Text(_)) | None => shown(),
    };
    json!({"key": key.name, "value": value, "source": settings.origin(key.name).to_string()})
}
