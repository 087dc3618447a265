//! `[auth.oauth_provider]`: provider mode.

use std::path::PathBuf;

use ayb_protocol::time::Seconds;
use serde::Deserialize;

use super::AuthConfig;
use super::auth::LIFETIME;
use super::error::Findings;
use super::key::{Fallback, Key, Section};
use super::secret::MasterKey;
use super::value::{Form, Kind, PATH};

/// Provider mode: other applications sign their users in here.
///
/// Defaults: access token 1 hour, refresh token 30 days, authorization code 10 minutes. PKCE with S256 is always on
/// and has no switch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthProviderConfig {
    /// Whether provider mode is on; when off, its endpoints do not exist. Default false.
    pub enabled: bool,
    /// Lifetime of an access token. Default 3600 s.
    pub access_token_duration: Seconds,
    /// Lifetime of a refresh token. Default 2592000 s, 30 days.
    pub refresh_token_duration: Seconds,
    /// Lifetime of an authorization code. Default 600 s.
    pub auth_code_duration: Seconds,
    /// The key under which signing keys are encrypted, from `master_key` or the file; without one the server makes
    /// `<data_dir>/master.key` at its first start.
    pub master_key: Option<MasterKey>,
    /// The file that the master key came from, or where the server is to make it.
    pub master_key_file: PathBuf,
    /// Days after which a new signing key takes over; 0 is never by itself.
    pub key_rotation_days: u32,
    /// How long the next signing key is published before it signs.
    pub key_publish_ahead_seconds: Seconds,
    /// Failed client authentications, and bearer credentials that are none, per minute and address; 0 is no limit.
    pub token_failure_limit: u32,
    /// Token requests per minute and client, and as many requests with its access tokens; 0 is no limit.
    pub client_rate_limit: u32,
}

impl OAuthProviderConfig {
    pub(super) const SECTION: Section = Section {
        name: "auth.oauth_provider",
        doc: "Provider mode: other applications sign their users in here. PKCE with S256 is compulsory for every \
              client; it is always on and no key switches it off.",
        keys: KEYS,
    };

    pub(super) fn check(&self, auth: &AuthConfig, findings: &mut Findings<'_>) {
        let rotation = u64::from(self.key_rotation_days) * 86400;
        if rotation > 0 && self.key_publish_ahead_seconds.0 >= rotation {
            findings.add(
                "auth.oauth_provider.key_publish_ahead_seconds",
                "must be shorter than `auth.oauth_provider.key_rotation_days`",
                "a key must be published before it signs, and sign before the next one is published",
            );
        }
        if !self.enabled {
            return;
        }
        if !auth.enabled {
            findings.add(
                "auth.enabled",
                "must be true in provider mode",
                "set it, or `auth.oauth_provider.enabled` to false",
            );
        }
        if auth.jwt_secret.is_none() {
            findings.add(
                "auth.jwt_secret",
                "is missing: provider mode needs it for the sessions of the consent page",
                "`ayb init` writes a configuration with a fresh one, or set AYB_AUTH_JWT_SECRET",
            );
        }
    }
}

const KEYS: &[Key] = &[
    Key::open(
        "auth.oauth_provider.enabled",
        Kind::Switch,
        Fallback::Fixed("false"),
        "Switches provider mode on. It needs `auth.enabled` and `auth.jwt_secret`.",
    ),
    Key::open(
        "auth.oauth_provider.access_token_duration",
        LIFETIME,
        Fallback::Fixed("3600"),
        "Lifetime of an access token (1 hour).",
    ),
    Key::open(
        "auth.oauth_provider.refresh_token_duration",
        LIFETIME,
        Fallback::Fixed("2592000"),
        "Lifetime of a refresh token (30 days).",
    ),
    Key::open(
        "auth.oauth_provider.auth_code_duration",
        Kind::Seconds { least: 1, most: 3600 },
        Fallback::Fixed("600"),
        "Lifetime of an authorization code (10 minutes).",
    ),
    Key::secret(
        "auth.oauth_provider.master_key",
        Kind::Text(&MASTER_KEY),
        "Key that encrypts the signing keys in the database: 32 bytes as base64 or hexadecimal. Server processes that \
         share a database need the same one.",
    ),
    Key::open(
        "auth.oauth_provider.master_key_file",
        Kind::Text(&PATH),
        Fallback::Derived("<server.data_dir>/master.key"),
        "File that holds the master key. The default file is made at the first start; a file named here must exist.",
    ),
    Key::open(
        "auth.oauth_provider.key_rotation_days",
        Kind::Number { least: 0, most: 3650 },
        Fallback::Fixed("90"),
        "Days after which a new signing key takes over; 0 leaves it to `ayb keys rotate`.",
    ),
    Key::open(
        "auth.oauth_provider.key_publish_ahead_seconds",
        LIFETIME,
        Fallback::Fixed("86400"),
        "Time for which the next signing key is published before it signs (1 day).",
    ),
    Key::open(
        "auth.oauth_provider.token_failure_limit",
        Kind::Number { least: 0, most: 1_000_000 },
        Fallback::Fixed("60"),
        "Failed client authentications and bearer credentials that are none, per minute and address; 0 is no limit.",
    ),
    Key::open(
        "auth.oauth_provider.client_rate_limit",
        Kind::Number { least: 0, most: 1_000_000 },
        Fallback::Fixed("0"),
        "Requests per minute and client: of tokens, and apart from those with its access tokens; 0 is no limit.",
    ),
];

static MASTER_KEY: Form = Form {
    name: "32 bytes",
    check: |text| match MasterKey::parse(text) {
        Some(_) => Ok(()),
        None => Err("must be 32 bytes as base64 or as 64 hexadecimal digits; `ayb init` makes one"),
    },
};
