//! API keys as JSON, the same for their owner and for the administrator.

use ayb_protocol::ids::AppId;
use ayb_provider::api_key::{ApiKeyRecord, KeyDraft};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::json::IsoTime;
use crate::api_keys::NewKey;
use crate::error::ApiError;

/// An API key, without the key itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyView {
    /// Its identifier.
    id: Uuid,
    /// Whose it is.
    user_id: Uuid,
    /// What its owner calls it.
    name: String,
    /// How the key begins, to tell keys apart.
    key_prefix: String,
    /// What it allows: `readonly`, `readwrite` or `*`.
    scope: String,
    /// The tables that it is limited to; null for every table.
    allowed_tables: Option<Vec<String>>,
    /// The app whose limit it shares.
    app_id: Option<Uuid>,
    /// When it was made.
    created_at: IsoTime,
    /// When it dies by itself; null for never.
    expires_at: Option<IsoTime>,
    /// When it was last used, to about a minute; null for never.
    last_used_at: Option<IsoTime>,
    /// When it was revoked. A key that is dead disappears from lists a day later.
    revoked_at: Option<IsoTime>,
}

impl From<ApiKeyRecord> for ApiKeyView {
    fn from(key: ApiKeyRecord) -> Self {
        Self {
            id: key.id.0,
            user_id: key.user_id.0,
            name: key.name,
            key_prefix: key.prefix,
            scope: key.scope.as_str().to_owned(),
            allowed_tables: key.tables.to_stored(),
            app_id: key.app_id.map(|app| app.0),
            created_at: IsoTime(key.created_at),
            expires_at: key.expires_at.map(IsoTime),
            last_used_at: key.last_used_at.map(IsoTime),
            revoked_at: key.revoked_at.map(IsoTime),
        }
    }
}

/// A new key.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    /// The key itself, shown this once.
    key: String,
    /// What is known about it.
    #[schema(inline = false)]
    api_key: ApiKeyView,
}

impl From<NewKey> for CreatedApiKey {
    fn from((record, secret): NewKey) -> Self {
        Self { key: secret.expose().to_owned(), api_key: record.into() }
    }
}

/// A key that somebody asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKey {
    /// What its owner calls it; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// What it allows: `readonly`, the default, `readwrite` or `*`.
    scope: Option<String>,
    /// The tables that it is limited to; none for every table.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_tables: Option<Vec<String>>,
    /// The app whose limit it shares: one that its owner looks after.
    #[schema(value_type = Option<Uuid>)]
    app_id: Option<String>,
    /// When it dies by itself; never when not said.
    #[schema(value_type = Option<IsoTime>)]
    expires_at: Option<String>,
}

/// A key that the administrator makes for somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKeyOfUser {
    /// Whose it is to be.
    #[serde(default)]
    #[schema(required, format = "uuid")]
    pub user_id: String,
    /// What its owner calls it; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// What it allows: `readonly`, the default, `readwrite` or `*`.
    scope: Option<String>,
    /// The tables that it is limited to; none for every table.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_tables: Option<Vec<String>>,
    /// The app whose limit it shares.
    #[schema(value_type = Option<Uuid>)]
    app_id: Option<String>,
    /// When it dies by itself; never when not said.
    #[schema(value_type = Option<IsoTime>)]
    expires_at: Option<String>,
}

impl From<NewApiKeyOfUser> for NewApiKey {
    fn from(body: NewApiKeyOfUser) -> Self {
        let NewApiKeyOfUser { name, scope, allowed_tables, app_id, expires_at, .. } = body;
        Self { name, scope, allowed_tables, app_id, expires_at }
    }
}

impl NewApiKey {
    /// The app that it is to share the limit of, and what else it is to be, not checked yet.
    ///
    /// # Errors
    /// 400 for what is neither an identifier nor a time.
    pub fn read(self) -> Result<(Option<AppId>, KeyDraft), ApiError> {
        let wrong_app = || ApiError::field("appId", "An app is named by a UUID.");
        let app = self.app_id.map(|text| AppId::parse(&text).ok_or_else(wrong_app)).transpose()?;
        let wrong_time =
            || ApiError::field("expiresAt", "Write a time as RFC 3339, such as 2030-01-01T00:00:00Z.");
        let end = self.expires_at.map(|text| IsoTime::parse(&text).ok_or_else(wrong_time)).transpose()?;
        let draft = KeyDraft {
            name: self.name,
            scope: self.scope,
            allowed_tables: self.allowed_tables.unwrap_or_default(),
            expires_at: end.map(|end| end.0),
        };
        Ok((app, draft))
    }
}
