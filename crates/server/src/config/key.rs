//! The table of keys: the one place that parsing, masking, the template, the variables and the reference come from.

use super::value::Kind;
use super::{
    AdminConfig, AuthConfig, DatabaseConfig, EmailConfig, LoggingConfig, OAuthProviderConfig, ServerConfig,
    TablesConfig,
};

/// A longer name is no slip of the pen, and comparing it would take time.
const LONGEST_NAME: usize = 128;

/// What a key is worth when no layer sets it.
#[derive(Clone, Copy)]
pub enum Fallback {
    /// This value, in the form that `config set` takes.
    Fixed(&'static str),
    /// A value that follows from others; the text says how.
    Derived(&'static str),
    /// Nothing.
    Unset,
}

/// How much of a value may be shown.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Secrecy {
    /// All of it.
    Open,
    /// Nothing of it.
    Secret,
    /// A URL: everything but its password.
    UrlPassword,
}

/// One configuration key.
pub struct Key {
    /// Its full name with dots, such as `auth.oauth_provider.enabled`.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What it is worth when no layer sets it.
    pub fallback: Fallback,
    /// How much of the value may be shown.
    pub secrecy: Secrecy,
    /// What it means: one sentence or two, for the template and the reference.
    pub doc: &'static str,
}

impl Key {
    /// An openly shown key.
    pub(super) const fn open(name: &'static str, kind: Kind, fallback: Fallback, doc: &'static str) -> Self {
        Self { name, kind, fallback, secrecy: Secrecy::Open, doc }
    }

    /// A key whose value is never shown.
    pub(super) const fn secret(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, fallback: Fallback::Unset, secrecy: Secrecy::Secret, doc }
    }

    /// The environment variable that sets it: `auth.jwt_secret` is `AYB_AUTH_JWT_SECRET`.
    pub fn variable(&self) -> String {
        format!("AYB_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }

    /// The part of the name after the section.
    pub fn last_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// A group of keys, written as one TOML table.
pub struct Section {
    /// Its name, such as `auth.oauth_provider`.
    pub name: &'static str,
    /// What it is about, for the template and the reference.
    pub doc: &'static str,
    /// Its keys, in the order of the template and the reference.
    pub keys: &'static [Key],
}

/// Every section, in the order of the template and the reference.
pub static SECTIONS: [&Section; 8] = [
    &ServerConfig::SECTION,
    &DatabaseConfig::SECTION,
    &AdminConfig::SECTION,
    &AuthConfig::SECTION,
    &OAuthProviderConfig::SECTION,
    &TablesConfig::SECTION,
    &EmailConfig::SECTION,
    &LoggingConfig::SECTION,
];

/// Every key.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

/// Whether `name` is a section or the beginning of one.
pub(super) fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|section| {
        section.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Advice for a key that does not exist: why it is missing on purpose, or which key was probably meant.
pub fn advice(unknown: &str, name: fn(&Key) -> String) -> String {
    if let Some(reason) = absence(unknown) {
        return reason.to_owned();
    }
    match nearest(unknown) {
        Some(key) => format!("did you mean `{}`?", name(key)),
        None => "`ayb config` lists every key".to_owned(),
    }
}

/// The key closest in spelling, if one is close.
pub(super) fn nearest(unknown: &str) -> Option<&'static Key> {
    if unknown.len() > LONGEST_NAME {
        return None;
    }
    let unknown = unknown.to_ascii_lowercase();
    let last = unknown.rsplit('.').next().unwrap_or(&unknown);
    let distance = |key: &&'static Key| {
        let whole = strsim::damerau_levenshtein(&unknown, key.name);
        // The right name in the wrong section is as close as one slip; of several such, the closest section wins.
        (whole.min(strsim::damerau_levenshtein(last, key.last_name()) + 1), whole)
    };
    keys().min_by_key(distance).filter(|key| distance(key).0 <= 2 + last.len() / 4)
}

fn absence(unknown: &str) -> Option<&'static str> {
    let under = |section: &str| {
        unknown.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if unknown.contains("pkce") {
        return Some("PKCE with S256 is always on and cannot be switched off");
    }
    if under("auth.oauth") || unknown == "auth.oauth_redirect_url" {
        return Some("sign-in with outside providers is not available in this version");
    }
    if under("jobs") {
        return Some("the job queue is not available in this version");
    }
    match unknown {
        "database.embedded_port" => Some("the embedded database is SQLite, which has no port"),
        "database.migrations_dir" => Some("the migrations are built into the program"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_and_every_variable_is_there_once() {
        let names: BTreeSet<_> = keys().map(|key| key.name).collect();
        let variables: BTreeSet<_> = keys().map(Key::variable).collect();
        assert_eq!(names.len(), keys().count());
        assert_eq!(variables.len(), keys().count());
    }

    #[test]
    fn every_key_stands_in_its_section_and_is_explained() {
        for section in SECTIONS {
            for key in section.keys {
                assert_eq!(key.name, format!("{}.{}", section.name, key.last_name()));
                assert!(key.doc.ends_with('.') && key.doc.len() > 15, "{}", key.name);
            }
        }
    }

    #[test]
    fn every_fixed_default_is_a_value_the_key_takes() {
        for key in keys() {
            if let Fallback::Fixed(text) = key.fallback {
                assert!(key.kind.parse(text).is_ok(), "{}", key.name);
            }
        }
    }

    #[test]
    fn the_nearest_key_is_named() {
        for (unknown, meant) in [
            ("auth.jwt_secrt", "auth.jwt_secret"),
            ("auth.jwtsecret", "auth.jwt_secret"),
            ("port", "server.port"),
            ("server.prot", "server.port"),
            ("database.uri", "database.url"),
            ("oauth_provider.enabld", "auth.oauth_provider.enabled"),
            ("auth.oauth_provider.acces_token_duration", "auth.oauth_provider.access_token_duration"),
            ("Logging.Levle", "logging.level"),
        ] {
            let found = nearest(unknown).map(Key::last_name);
            assert_eq!(found, meant.rsplit('.').next(), "{unknown}");
        }
        assert!(nearest("zzzzzzzzzzzz").is_none());
    }

    #[test]
    fn keys_that_are_missing_on_purpose_say_why() {
        for (unknown, why) in [
            ("auth.oauth_provider.require_pkce", "cannot be switched off"),
            ("auth.oauth.google.client_id", "not available in this version"),
            ("auth.oauth", "not available in this version"),
            ("jobs.enabled", "not available in this version"),
            ("database.embedded_port", "SQLite"),
        ] {
            assert!(advice(unknown, Key::variable).contains(why), "{unknown}");
        }
        assert!(
            advice("auth.oauth_providr.enabled", Key::variable).contains("AYB_AUTH_OAUTH_PROVIDER_ENABLED")
        );
    }

    #[test]
    fn no_key_can_switch_pkce_off() {
        assert!(keys().all(|key| !key.name.contains("pkce") && !key.name.contains("challenge")));
    }
}
