//! API keys: what a person gives to their own programs. A key opens tables and nothing else: it neither makes keys nor
//! gives consent.

use crate::app::RateLimit;
use crate::caller::{CallersApp, Person};
use crate::register::{FieldError, check_name};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::{ApiKeyId, AppId, UserId};
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::secret::{ApiKey, Kind, Secret, SecretHash};
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;

/// Digits of a key that stay visible, for its owner to tell keys apart. The 40 that do not are 160 bits.
const SHOWN_DIGITS: usize = 8;

/// The beginning of a key, which is no secret.
pub fn prefix(key: &Secret<ApiKey>) -> String {
    key.expose().chars().take(ApiKey::PREFIX.len() + SHOWN_DIGITS).collect()
}

/// Keys that one person may have, dead ones that have not left yet included.
pub const MOST_OF_ONE_PERSON: u32 = 100;

/// A new key as somebody typed it.
#[derive(Clone, Debug, Default)]
pub struct KeyDraft {
    /// See [`ApiKeyRecord::name`].
    pub name: String,
    /// `readonly` (the default), `readwrite` or `*`.
    pub scope: Option<String>,
    /// Names of tables; none for every table.
    pub allowed_tables: Vec<String>,
    /// See [`ApiKeyRecord::expires_at`].
    pub expires_at: Option<Timestamp>,
}

/// What a new key is to be. Only [`settle`] makes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySettings {
    name: String,
    scope: ResourceScope,
    tables: AllowedTables,
    expires_at: Option<Timestamp>,
}

/// Checks a draft.
///
/// # Errors
/// The first field that breaks a rule.
pub fn settle(draft: &KeyDraft, now: Timestamp) -> Result<KeySettings, FieldError> {
    let fail = |field| move |message| FieldError { field, message };
    let name = check_name(&draft.name).map_err(fail("name"))?;
    let scope = draft.scope.as_deref().map_or(Some(ResourceScope::Readonly), ResourceScope::parse);
    let scope = scope.ok_or_else(|| fail("scope")("Choose readonly, readwrite or *."))?;
    let tables = AllowedTables::parse(draft.allowed_tables.iter().map(String::as_str))
        .map_err(|refusal| fail("allowedTables")(refusal.public))?;
    if draft.expires_at.is_some_and(|end| end <= now) {
        return Err(fail("expiresAt")("A key ends in the future."));
    }
    Ok(KeySettings { name, scope, tables, expires_at: draft.expires_at })
}

impl KeySettings {
    /// The key to store.
    pub fn record(
        self,
        id: ApiKeyId,
        key: &Secret<ApiKey>,
        owner: UserId,
        app_id: Option<AppId>,
        now: Timestamp,
    ) -> ApiKeyRecord {
        ApiKeyRecord {
            id,
            hash: key.hash(),
            prefix: prefix(key),
            user_id: owner,
            name: self.name,
            scope: self.scope,
            tables: self.tables,
            app_id,
            created_at: now,
            expires_at: self.expires_at,
            last_used_at: None,
            revoked_at: None,
        }
    }
}

/// An API key as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeyRecord {
    /// Its identifier.
    pub id: ApiKeyId,
    /// SHA-256 of the key.
    pub hash: SecretHash<ApiKey>,
    /// What [`prefix`] gives.
    pub prefix: String,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it allows.
    pub scope: ResourceScope,
    /// On which tables.
    pub tables: AllowedTables,
    /// The app whose limit it shares, if any.
    pub app_id: Option<AppId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether it can be used now.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What the store finds about an API key, in one read.
#[derive(Clone, Debug)]
pub struct FoundKey {
    /// The key.
    pub key: ApiKeyRecord,
    /// The address of its owner.
    pub user_email: String,
    /// Whether its owner may still use their account.
    pub user_active: bool,
    /// What the credentials of its app may do together; no limit when it has no app.
    pub rate_limit: RateLimit,
    /// Browser origins that may read answers to the credentials of its app; empty means the server's setting.
    pub app_allowed_origins: Vec<String>,
}

/// An API key that is alive. Only [`check`] makes it.
#[derive(Clone, Debug)]
pub struct LiveKey(FoundKey);

impl LiveKey {
    /// The key.
    pub fn key(&self) -> &ApiKeyRecord {
        &self.0.key
    }

    /// Its owner.
    pub fn person(&self) -> Person<'_> {
        Person { id: self.0.key.user_id, email: &self.0.user_email }
    }

    /// Browser origins that its app names; none when it has no app.
    pub fn allowed_origins(&self) -> &[String] {
        &self.0.app_allowed_origins
    }

    /// The app whose limit it shares.
    pub fn app(&self) -> Option<CallersApp> {
        self.0.key.app_id.map(|id| CallersApp { id, rate_limit: self.0.rate_limit })
    }
}

/// Checks the key whose hash is `hash` against what was found under it.
///
/// # Errors
/// `invalid_token`, with one text for every reason (RFC 6750 §3.1).
pub fn check(hash: &SecretHash<ApiKey>, found: Option<FoundKey>, now: Timestamp) -> Result<LiveKey, Refusal> {
    const DEAD: Refusal =
        Refusal::new(ErrorCode::InvalidToken, "The API key is invalid, expired or revoked.");
    let Some(found) = found.filter(|found| found.key.hash == *hash) else {
        return Err(DEAD.detail("unknown API key"));
    };
    let reasons = [
        (found.key.revoked_at.is_some(), "revoked API key"),
        (!found.user_active, "disabled account"),
        (!found.key.is_live(now), "expired API key"),
    ];
    if let Some((_, reason)) = reasons.into_iter().find(|(dead, _)| *dead) {
        return Err(DEAD.detail(reason));
    }
    Ok(LiveKey(found))
}
