//! Configuration: defaults, then `ayb.toml`, then `AYB_…` variables, then flags; the later layer wins.
//!
//! One table of keys ([`key::SECTIONS`]) is the source of parsing, masking, variables, the template that `ayb init`
//! writes and the reference page. The typed result is deserialized from the merged values, so a key that the table
//! and the types do not share fails the first test that loads a configuration.

pub mod admin;
pub mod auth;
pub mod database;
pub mod edit;
pub mod email;
pub mod environment;
pub mod error;
mod file;
pub mod key;
pub mod layers;
pub mod logging;
pub mod provider;
pub mod reference;
pub mod secret;
pub mod secret_file;
pub mod server;
pub mod tables;
pub mod template;
pub mod value;

use serde::Deserialize;

pub use admin::AdminConfig;
pub use auth::AuthConfig;
pub use database::DatabaseConfig;
pub use email::{EmailBackend, EmailConfig, SmtpTls};
pub use environment::Environment;
pub use error::{ConfigError, Origin, Problem};
pub use layers::{Override, Settings, Sources, gather};
pub use logging::{LogFormat, LogLevel, LoggingConfig};
pub use provider::OAuthProviderConfig;
pub use reference::reference_markdown;
pub use secret::{MasterKey, SecretText};
pub use server::ServerConfig;
pub use tables::TablesConfig;

use error::Findings;
use value::Value;

/// The whole configuration, checked: what it says fits together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[admin]`
    pub admin: AdminConfig,
    /// `[auth]`, with `[auth.oauth_provider]` in it.
    pub auth: AuthConfig,
    /// `[tables]`
    pub tables: TablesConfig,
    /// `[email]`
    pub email: EmailConfig,
    /// `[logging]`
    pub logging: LoggingConfig,
}

/// Reads and checks the configuration. The error holds every problem, not only the first.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    gather(sources).into_config().map(|(config, _)| config)
}

impl Config {
    /// The typed form of the settings; the error is a disagreement between the table of keys and the types.
    fn from_settings(settings: &Settings) -> Result<Self, String> {
        let mut root = toml::Table::new();
        for (name, setting) in settings.iter() {
            insert(&mut root, name, &setting.value);
        }
        Self::deserialize(root)
            .map_err(|error| format!("the configuration cannot be used: {}", error.message()))
    }

    fn check(&self, findings: &mut Findings<'_>) {
        self.server.check(findings);
        self.database.check(findings);
        self.auth.provider.check(&self.auth, findings);
        self.email.check(findings);
    }
}

fn insert(table: &mut toml::Table, name: &str, value: &Value) {
    let Some((section, rest)) = name.split_once('.') else {
        table.insert(name.to_owned(), as_toml(value));
        return;
    };
    let inner = table.entry(section).or_insert_with(|| toml::Table::new().into());
    if let Some(inner) = inner.as_table_mut() {
        insert(inner, rest, value);
    }
}

fn as_toml(value: &Value) -> toml::Value {
    match value {
        Value::Switch(on) => toml::Value::Boolean(*on),
        Value::Number(number) => toml::Value::Integer(*number),
        Value::Text(text) => toml::Value::String(text.clone()),
        Value::List(items) => items.iter().map(String::as_str).collect::<Vec<_>>().into(),
    }
}
