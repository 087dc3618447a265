//! `[auth]`: accounts, sessions and passwords.

use ayb_protocol::time::Seconds;
use serde::Deserialize;

use super::OAuthProviderConfig;
use super::key::{Fallback, Key, Section};
use super::secret::SecretText;
use super::server::LONGEST_SECONDS;
use super::value::{Form, Kind};

/// Accounts, sessions and passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether there are accounts at all.
    pub enabled: bool,
    /// The key of the session tokens (HS256), at least 32 characters. Always there when provider mode is on.
    pub jwt_secret: Option<SecretText>,
    /// Lifetime of a session token.
    pub token_duration: Seconds,
    /// Lifetime of a session's refresh token.
    pub refresh_token_duration: Seconds,
    /// Lifetime of a browser session.
    pub browser_session_duration: Seconds,
    /// Attempts at the sign-in endpoints per minute and address; 0 is no limit.
    pub rate_limit: u32,
    /// Whether visitors may make an account.
    pub registration: bool,
    /// The fewest characters of a password.
    pub min_password_length: usize,
    /// Memory of one password hash (argon2id), in KiB.
    pub password_memory_kib: u32,
    /// Passes of one password hash.
    pub password_iterations: u32,
    /// Lanes of one password hash.
    pub password_parallelism: u32,
    /// Password hashes that are computed at the same time.
    pub password_workers: usize,
    /// Provider mode.
    #[serde(rename = "oauth_provider")]
    pub provider: OAuthProviderConfig,
}

impl AuthConfig {
    pub(super) const SECTION: Section =
        Section { name: "auth", doc: "Accounts, sessions and passwords.", keys: KEYS };
}

const KEYS: &[Key] = &[
    Key::open(
        "auth.enabled",
        Kind::Switch,
        Fallback::Fixed("true"),
        "Offers accounts: sign-up, sign-in and sessions.",
    ),
    Key::secret(
        "auth.jwt_secret",
        Kind::Text(&JWT_SECRET),
        "Key of the session tokens, at least 32 characters. Required in provider mode; without it, the key is made \
         from the master key.",
    ),
    Key::open(
        "auth.token_duration",
        LIFETIME,
        Fallback::Fixed("900"),
        "Lifetime of a session token (15 minutes).",
    ),
    Key::open(
        "auth.refresh_token_duration",
        LIFETIME,
        Fallback::Fixed("604800"),
        "Lifetime of the refresh token of a session (7 days).",
    ),
    Key::open(
        "auth.browser_session_duration",
        LIFETIME,
        Fallback::Fixed("604800"),
        "Lifetime of a sign-in in the browser (7 days).",
    ),
    Key::open(
        "auth.rate_limit",
        Kind::Number { least: 0, most: 1_000_000 },
        Fallback::Fixed("10"),
        "Attempts to sign up or sign in per minute and address; 0 is no limit.",
    ),
    Key::open(
        "auth.registration",
        Kind::Switch,
        Fallback::Fixed("true"),
        "Lets visitors make an account. When off, only the administrator makes accounts.",
    ),
    Key::open(
        "auth.min_password_length",
        Kind::Number { least: 8, most: 128 },
        Fallback::Fixed("8"),
        "Fewest characters that a password may have.",
    ),
    Key::open(
        "auth.password_memory_kib",
        Kind::Number { least: 7168, most: 1_048_576 },
        Fallback::Fixed("19456"),
        "Memory in KiB that one password hash (argon2id) takes.",
    ),
    Key::open(
        "auth.password_iterations",
        Kind::Number { least: 1, most: 20 },
        Fallback::Fixed("2"),
        "Passes over that memory for one password hash.",
    ),
    Key::open(
        "auth.password_parallelism",
        Kind::Number { least: 1, most: 16 },
        Fallback::Fixed("1"),
        "Lanes of one password hash.",
    ),
    Key::open(
        "auth.password_workers",
        Kind::Number { least: 1, most: 64 },
        Fallback::Fixed("2"),
        "Password hashes that are computed at the same time; further ones wait, so that memory stays bounded.",
    ),
];

/// A lifetime: positive, and short enough that no clock arithmetic can overflow.
pub(super) const LIFETIME: Kind = Kind::Seconds { least: 1, most: LONGEST_SECONDS };

static JWT_SECRET: Form = Form {
    name: "text",
    check: |text| {
        if text.chars().count() < 32 {
            Err("must have at least 32 characters; `ayb init` makes one")
        } else {
            Ok(())
        }
    },
};
