//! `/api/admin/oauth/clients`: the programs that may ask for tokens.

use axum::extract::{Path, State};
use axum::response::Response;
use ayb_protocol::ids::{AppId, ClientId};
use ayb_protocol::time::Seconds;
use ayb_provider::client::{ClientKind, ClientRecord};
use ayb_provider::register::ClientDraft;
use ayb_store::ClientStats;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::AdminCaller;
use crate::admin::clients::{self, ClientType, ClientWithStats};
use crate::api::json::{IsoTime, List, ListQuery, OptionalBody, Patch, answer};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;

/// An OAuth client.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OAuthClient)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// The identifier of its row.
    id: Uuid,
    /// The app that it belongs to; never changes.
    app_id: Uuid,
    /// Its public name: `ayb_cid_` and 48 hexadecimal digits.
    client_id: String,
    /// Shown on the consent page.
    name: String,
    /// Where answers may go.
    redirect_uris: Vec<String>,
    /// What it may ask for.
    scopes: Vec<String>,
    /// `confidential` clients have a secret, `public` ones cannot keep one; never changes.
    client_type: String,
    /// When the secret before the present one stops working; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_expires_at: Option<IsoTime>,
    /// Browser origins that may read its answers; empty for the server's own setting.
    allowed_origins: Vec<String>,
    /// Where a logout may lead.
    post_logout_redirect_uris: Vec<String>,
    /// The form of its access tokens: `opaque` or `jwt`.
    token_format: String,
    /// The algorithm of its ID tokens and JWT access tokens: `RS256`, `ES256` or `EdDSA`.
    signing_alg: String,
    /// `aud` of its JWT access tokens; null for its own client id.
    audience: Option<String>,
    /// Whether it gets refresh tokens.
    refresh_tokens: bool,
    /// Seconds in which a lost refresh answer may be asked for again; 0 for never.
    refresh_grace_seconds: u64,
    /// When it was registered.
    created_at: IsoTime,
    /// When it was last changed.
    updated_at: IsoTime,
    /// When it was revoked; a revoked client can do nothing.
    revoked_at: Option<IsoTime>,
    /// Its access tokens that are alive.
    active_access_token_count: u64,
    /// Its refresh tokens that are alive.
    active_refresh_token_count: u64,
    /// Authorizations that people gave it, as far back as their tokens are kept.
    total_grants: u64,
    /// When it last received a token, as far back as tokens are kept.
    last_token_issued_at: Option<IsoTime>,
}

impl From<ClientWithStats> for ClientView {
    fn from((client, stats): ClientWithStats) -> Self {
        let ClientRecord { settings, .. } = client;
        let texts = |uris: &[_]| uris.iter().map(ToString::to_string).collect();
        Self {
            id: client.id,
            app_id: client.app_id.0,
            client_id: client.client_id.to_string(),
            redirect_uris: texts(&settings.redirect_uris),
            scopes: settings.scopes.words(),
            client_type: client.kind.as_str().to_owned(),
            previous_secret_expires_at: match client.kind {
                ClientKind::Confidential { previous, .. } => {
                    previous.map(|previous| IsoTime(previous.expires_at))
                }
                ClientKind::Public => None,
            },
            post_logout_redirect_uris: texts(&settings.post_logout_redirect_uris),
            token_format: settings.token_format.as_str().to_owned(),
            signing_alg: settings.signing_alg.as_str().to_owned(),
            name: settings.name,
            allowed_origins: settings.allowed_origins,
            audience: settings.audience,
            refresh_tokens: settings.refresh_tokens,
            refresh_grace_seconds: settings.refresh_grace.0,
            created_at: IsoTime(client.created_at),
            updated_at: IsoTime(client.updated_at),
            revoked_at: client.revoked_at.map(IsoTime),
            active_access_token_count: stats.active_access_tokens,
            active_refresh_token_count: stats.active_refresh_tokens,
            total_grants: stats.total_grants,
            last_token_issued_at: stats.last_token_issued_at.map(IsoTime),
        }
    }
}

/// A registered client and its secret.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredClient {
    /// The secret, shown this once; absent for a public client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// The client.
    #[schema(inline = false)]
    client: ClientView,
}

/// A new secret.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewClientSecret {
    /// The secret, shown this once.
    client_secret: String,
}

/// How to replace a secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRotation {
    /// Seconds for which the old secret works beside the new one, at most 604800; 0, the default, ends it at once.
    #[serde(default)]
    #[schema(default = 0, maximum = 604_800)]
    overlap_seconds: u64,
}

/// A new client.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewClient {
    /// The app that it belongs to.
    #[serde(default)]
    #[schema(required, format = "uuid")]
    app_id: String,
    /// Shown on the consent page; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// Where answers may go: https, or http on this machine; no wildcard, no query, no fragment.
    #[serde(default)]
    #[schema(required)]
    redirect_uris: Vec<String>,
    /// What it may ask for: readonly, readwrite, *, openid, profile, email, offline_access.
    #[serde(default)]
    #[schema(required)]
    scopes: Vec<String>,
    /// `confidential`, the default, or `public`.
    client_type: Option<String>,
    /// Browser origins that may read its answers; none for the server's own setting.
    #[serde(default)]
    allowed_origins: Vec<String>,
    /// Where a logout may lead.
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    /// The form of its access tokens: `opaque`, the default, or `jwt`.
    token_format: Option<String>,
    /// The algorithm of its ID tokens and JWT access tokens: `RS256`, the default, `ES256` or `EdDSA`.
    signing_alg: Option<String>,
    /// `aud` of its JWT access tokens; its own client id when not said.
    audience: Option<String>,
    /// Whether it gets refresh tokens; true when not said.
    refresh_tokens: Option<bool>,
    /// Seconds in which a lost refresh answer may be asked for again: 0, the default, to 60.
    refresh_grace_seconds: Option<u64>,
}

/// A change of a client. Type and app never change; of the members that are not required, what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientChange {
    /// Shown on the consent page; 1 to 100 characters.
    #[serde(default)]
    #[schema(required)]
    name: String,
    /// Where answers may go; replaces the list.
    #[serde(default)]
    #[schema(required)]
    redirect_uris: Vec<String>,
    /// What it may ask for; replaces the list.
    #[serde(default)]
    #[schema(required)]
    scopes: Vec<String>,
    /// Browser origins that may read its answers; replaces the list.
    allowed_origins: Option<Vec<String>>,
    /// Where a logout may lead; replaces the list.
    post_logout_redirect_uris: Option<Vec<String>>,
    /// The form of its access tokens: `opaque` or `jwt`.
    token_format: Option<String>,
    /// The algorithm of its ID tokens and JWT access tokens: `RS256`, `ES256` or `EdDSA`.
    signing_alg: Option<String>,
    /// `aud` of its JWT access tokens; null for its own client id.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    audience: Patch<String>,
    /// Whether it gets refresh tokens.
    refresh_tokens: Option<bool>,
    /// Seconds in which a lost refresh answer may be asked for again: 0 to 60.
    refresh_grace_seconds: Option<u64>,
}

impl NewClient {
    /// What it is to be, not checked yet.
    fn draft(self) -> ClientDraft {
        ClientDraft {
            name: self.name,
            redirect_uris: self.redirect_uris,
            scopes: self.scopes,
            allowed_origins: self.allowed_origins,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            token_format: self.token_format,
            signing_alg: self.signing_alg,
            audience: self.audience,
            refresh_tokens: self.refresh_tokens,
            refresh_grace_seconds: self.refresh_grace_seconds,
        }
    }
}

impl ClientChange {
    /// What it is to be after the change, not checked yet: what is absent stays.
    fn over(self, old: ClientDraft) -> ClientDraft {
        ClientDraft {
            name: self.name,
            redirect_uris: self.redirect_uris,
            scopes: self.scopes,
            allowed_origins: self.allowed_origins.unwrap_or(old.allowed_origins),
            post_logout_redirect_uris: self
                .post_logout_redirect_uris
                .unwrap_or(old.post_logout_redirect_uris),
            token_format: self.token_format.or(old.token_format),
            signing_alg: self.signing_alg.or(old.signing_alg),
            audience: self.audience.into_change().unwrap_or(old.audience),
            refresh_tokens: self.refresh_tokens.or(old.refresh_tokens),
            refresh_grace_seconds: self.refresh_grace_seconds.or(old.refresh_grace_seconds),
        }
    }
}

/// `GET /api/admin/oauth/clients`
pub async fn list(
    State(app): State<App>,
    admin: AdminCaller,
    query: Result<QueryPairs, BodyRejection>,
) -> Result<Response, ApiError> {
    let query = ListQuery::read(query, &["appId"])?;
    let of = query.parsed("appId", "An app is named by a UUID.", AppId::parse)?;
    let found = clients::list(&app, &admin, query.page, of).await?;
    Ok(answer(List::new(query.page, found, ClientView::from)))
}

/// `GET /api/admin/oauth/clients/{client_id}`
pub async fn get(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(ClientView::from(clients::get(&app, &admin, &named(&id)?).await?)))
}

/// `POST /api/admin/oauth/clients`
pub async fn create(
    State(app): State<App>,
    admin: AdminCaller,
    JsonBody(body): JsonBody<NewClient>,
) -> Result<Response, ApiError> {
    let wrong_app = || ApiError::field("appId", "An app is named by a UUID.");
    let app_id = AppId::parse(&body.app_id).ok_or_else(wrong_app)?;
    let wrong_type = || ApiError::field("clientType", "Choose confidential or public.");
    let client_type = match body.client_type.as_deref() {
        Some(word) => ClientType::parse(word).ok_or_else(wrong_type)?,
        None => ClientType::default(),
    };
    let (client, secret) = clients::create(&app, &admin, app_id, client_type, &body.draft()).await?;
    let mut response = answer(RegisteredClient {
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        client: (client, ClientStats::default()).into(),
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `PUT /api/admin/oauth/clients/{client_id}`
pub async fn update(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ClientChange>,
) -> Result<Response, ApiError> {
    let changed = clients::update(&app, &admin, &named(&id)?, |old| body.over(old)).await?;
    Ok(answer(ClientView::from(changed)))
}

/// `DELETE /api/admin/oauth/clients/{client_id}`
pub async fn revoke(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    clients::revoke(&app, &admin, &named(&id)?).await?;
    Ok(no_store(StatusCode::NO_CONTENT))
}

/// `POST /api/admin/oauth/clients/{client_id}/rotate-secret`
pub async fn rotate_secret(
    State(app): State<App>,
    admin: AdminCaller,
    Path(id): Path<String>,
    OptionalBody(rotation): OptionalBody<SecretRotation>,
) -> Result<Response, ApiError> {
    let overlap = Seconds(rotation.overlap_seconds);
    let secret = clients::rotate_secret(&app, &admin, &named(&id)?, overlap).await?;
    Ok(answer(NewClientSecret { client_secret: secret.expose().to_owned() }))
}

/// What is no client id, such as the identifier of a row, names no client.
fn named(text: &str) -> Result<ClientId, ApiError> {
    ClientId::parse(text).ok_or_else(|| ApiError::not_found("there is no such client"))
}
