//! `/api/admin/keys`: the keys that tokens are signed with. Private parts are never shown.

use axum::extract::State;
use axum::response::Response;
use ayb_provider::keys::{KeyRecord, Rotation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::{AdminCaller, keys};
use crate::api::json::{IsoTime, Items, OptionalBody, answer};
use crate::app::App;
use crate::error::ApiError;

/// A signing key.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Its identifier: the thumbprint of the public key (RFC 7638).
    kid: String,
    /// `RS256`, `ES256` or `EdDSA`.
    algorithm: String,
    /// `next`: published, not signing yet; `active`: signing; `retired`: published for the tokens that it signed,
    /// and known for hints when they are dead.
    state: String,
    /// When it was made.
    created_at: IsoTime,
    /// Since when everybody can read its public part.
    published_at: IsoTime,
    /// When it began to sign.
    activated_at: Option<IsoTime>,
    /// When it stopped signing.
    retired_at: Option<IsoTime>,
    /// When its last token is dead: it is published no longer then, and goes when no session can be hinted at with it.
    expires_at: Option<IsoTime>,
}

impl From<KeyRecord> for KeyView {
    fn from(key: KeyRecord) -> Self {
        Self {
            algorithm: key.algorithm.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            created_at: IsoTime(key.created_at),
            published_at: IsoTime(key.published_at),
            activated_at: key.activated_at.map(IsoTime),
            retired_at: key.retired_at.map(IsoTime),
            expires_at: key.expires_at.map(IsoTime),
            kid: key.kid,
        }
    }
}

/// How to rotate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// Whether the next keys sign at once. Whoever keeps the old key set refuses new tokens for a while then. False when not
    /// said.
    #[serde(default)]
    now: bool,
    /// Whether fresh keys sign at once and every other key leaves the key set, the next ones too: for keys that somebody may
    /// have copied. APIs that verify signatures refuse what they signed. False when not said.
    #[serde(default)]
    withdraw: bool,
}

impl KeyRotation {
    fn rotation(&self) -> Rotation {
        match self {
            Self { withdraw: true, .. } => Rotation::Withdraw,
            Self { now: true, .. } => Rotation::AtOnce,
            Self { now: false, .. } => Rotation::Begin,
        }
    }
}

/// `GET /api/admin/keys`
pub async fn list(State(app): State<App>, admin: AdminCaller) -> Result<Response, ApiError> {
    Ok(shown(keys::list(&app, &admin).await?))
}

/// `POST /api/admin/keys/rotate`
pub async fn rotate(
    State(app): State<App>,
    admin: AdminCaller,
    OptionalBody(rotation): OptionalBody<KeyRotation>,
) -> Result<Response, ApiError> {
    Ok(shown(keys::rotate(&app, &admin, rotation.rotation()).await?))
}

fn shown(keys: Vec<KeyRecord>) -> Response {
    answer(Items { items: keys.into_iter().map(KeyView::from).collect() })
}
