//! `[database]`: which database, and how many connections to it.

use serde::Deserialize;
use url::Url;

use super::error::Findings;
use super::key::{Fallback, Key, Secrecy, Section};
use super::secret::SecretText;
use super::value::{Form, Kind};

/// Which database, and how many connections to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://<path>`, `postgres://…` or `postgresql://…`; it may hold a password.
    pub url: SecretText,
    /// The most connections to PostgreSQL that are open at the same time.
    pub max_conns: u32,
    /// Connections to PostgreSQL that are opened at the start and stay open; never more than `max_conns`.
    pub min_conns: u32,
}

impl DatabaseConfig {
    pub(super) const SECTION: Section = Section {
        name: "database",
        doc: "SQLite is built in and needs nothing; PostgreSQL serves several server processes at once.",
        keys: KEYS,
    };

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        if self.min_conns > self.max_conns {
            findings.add("database.min_conns", "must not be larger than `database.max_conns`", "lower it");
        }
    }
}

const KEYS: &[Key] = &[
    Key {
        name: "database.url",
        kind: Kind::Text(&DATABASE_URL),
        fallback: Fallback::Derived("sqlite://<server.data_dir>/ayb.db"),
        secrecy: Secrecy::UrlPassword,
        doc: "The database: `sqlite://path/to/file` or `postgres://user:password@host/name`.",
    },
    Key::open(
        "database.max_conns",
        Kind::Number { least: 2, most: 1000 },
        Fallback::Fixed("25"),
        "Most connections to PostgreSQL that are open at the same time.",
    ),
    Key::open(
        "database.min_conns",
        Kind::Number { least: 0, most: 1000 },
        Fallback::Fixed("2"),
        "Connections to PostgreSQL that are opened at the start and stay open.",
    ),
];

static DATABASE_URL: Form = Form { name: "URL", check: check_url };

fn check_url(text: &str) -> Result<(), &'static str> {
    if let Some(path) = text.strip_prefix("sqlite://") {
        let plain = !path.is_empty() && !path.starts_with(':') && !path.contains(['?', '#']);
        return if plain {
            Ok(())
        } else {
            Err("must name a file: sqlite://path/to/file, without `?` and `#`")
        };
    }
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err("must begin with sqlite:// or postgres://");
    }
    Url::parse(text).map(|_| ()).map_err(|_| "must be a URL such as postgres://user:password@host/name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_databases_are_taken() {
        for text in [
            "sqlite://./ayb-data/ayb.db",
            "sqlite:///var/lib/ayb/ayb.db",
            "postgres://u:p@h/d",
            "postgresql:///d",
        ] {
            assert_eq!(check_url(text), Ok(()), "{text}");
        }
        for text in [
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://ayb.db?mode=ro",
            "sqlite:",
            "mysql://u@h/d",
            "ayb.db",
            "file:ayb.db",
            "postgres://u@h:notaport/d",
        ] {
            assert!(check_url(text).is_err(), "{text}");
        }
    }
}
