//! OAuth clients: the programs that may ask for tokens. Only the administrator makes them.

use ayb_protocol::ids::{AppId, ClientId};
use ayb_protocol::secret::{ClientSecret, Secret};
use ayb_protocol::time::Seconds;
use ayb_provider::client::{ClientKind, ClientRecord, MAX_SECRET_OVERLAP};
use ayb_provider::register::{ClientDraft, check};
use ayb_store::error::StoreError;
use ayb_store::{ClientStats, ClientUpdate, Page, SecretReplacement};

use crate::admin::AdminCaller;
use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;

/// A client and what it has been up to.
pub type ClientWithStats = (ClientRecord, ClientStats);

/// The client types of RFC 6749 §2.1, as somebody chooses one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientType {
    /// It keeps a secret.
    #[default]
    Confidential,
    /// It cannot keep a secret.
    Public,
}

impl ClientType {
    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "confidential" => Some(Self::Confidential),
            "public" => Some(Self::Public),
            _ => None,
        }
    }
}

/// One page of all clients, or of those of one app, and how many there are.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &App,
    admin: &AdminCaller,
    page: Page,
    of: Option<AppId>,
) -> Result<(Vec<ClientWithStats>, u64), ApiError> {
    Ok(app.store.list_clients(page, of, admin.now()).await?)
}

/// A client, revoked or not.
///
/// # Errors
/// 404 when there is none.
pub async fn get(app: &App, admin: &AdminCaller, id: &ClientId) -> Result<ClientWithStats, ApiError> {
    app.store.client_with_stats(id, admin.now()).await?.ok_or_else(unknown)
}

/// Registers a client. The secret of a confidential one is answered here and never again: only its hash is kept.
///
/// # Errors
/// 400 with the field that breaks a rule, an unknown app included.
pub async fn create(
    app: &App,
    admin: &AdminCaller,
    app_id: AppId,
    client_type: ClientType,
    draft: &ClientDraft,
) -> Result<(ClientRecord, Option<Secret<ClientSecret>>), ApiError> {
    let settings = check(draft)?;
    let of = app.store.app(app_id).await?.ok_or_else(unknown_app)?;
    let now = admin.now();
    let secret = match client_type {
        ClientType::Confidential => Some(app.mint.client_secret()?),
        ClientType::Public => None,
    };
    let kind = secret.as_ref().map_or(ClientKind::Public, |secret| ClientKind::confidential(secret.hash()));
    let record = ClientRecord {
        id: app.mint.uuid(now)?,
        app_id,
        client_id: app.mint.client_id()?,
        kind,
        settings,
        created_at: now,
        updated_at: now,
        revoked_at: None,
        version: 1,
        app_allowed_origins: of.allowed_origins,
    };
    app.store.insert_client(&record).await.map_err(no_app)?;
    admin.note(app, "client.created", about(&record.client_id));
    Ok((record, secret))
}

/// Changes a client. Its type and its app stay what they are; `change` says what becomes of the settings.
///
/// # Errors
/// 404 when there is none, 400 when it is revoked, and 400 with the field that breaks a rule.
pub async fn update(
    app: &App,
    admin: &AdminCaller,
    id: &ClientId,
    change: impl FnOnce(ClientDraft) -> ClientDraft,
) -> Result<ClientWithStats, ApiError> {
    let old = app.store.client(id).await?.ok_or_else(unknown)?;
    if old.revoked_at.is_some() {
        return Err(revoked());
    }
    let settings = check(&change(ClientDraft::from(&old.settings)))?;
    match app.store.update_client(id, &settings, admin.now()).await? {
        ClientUpdate::Updated => {}
        ClientUpdate::NotFound => return Err(unknown()),
        ClientUpdate::Revoked => return Err(revoked()),
    }
    admin.note(app, "client.updated", about(id));
    get(app, admin, id).await
}

/// Revokes a client: from now on it can do nothing, and all its tokens are dead.
///
/// # Errors
/// 404 when there is none, or when it was revoked before.
pub async fn revoke(app: &App, admin: &AdminCaller, id: &ClientId) -> Result<(), ApiError> {
    if !app.store.revoke_client(id, admin.now()).await? {
        return Err(unknown());
    }
    admin.note(app, "client.revoked", about(id));
    Ok(())
}

/// Gives a confidential client another secret, answered here and never again. The old one works for `overlap` longer, so
/// that a client of many processes can change over, and without one is dead at once; the client's tokens live on.
///
/// # Errors
/// 404 when there is none, 400 when it is public or revoked, or the overlap is longer than [`MAX_SECRET_OVERLAP`].
pub async fn rotate_secret(
    app: &App,
    admin: &AdminCaller,
    id: &ClientId,
    overlap: Seconds,
) -> Result<Secret<ClientSecret>, ApiError> {
    if overlap > MAX_SECRET_OVERLAP {
        let most = format!("at most {} seconds, which is a week", MAX_SECRET_OVERLAP.0);
        return Err(ApiError::field("overlapSeconds", most));
    }
    let (secret, now) = (app.mint.client_secret()?, admin.now());
    let until = (overlap.0 > 0).then(|| now.plus(overlap));
    match app.store.replace_client_secret(id, secret.hash(), until, now).await? {
        SecretReplacement::Replaced => {}
        SecretReplacement::NotFound => return Err(unknown()),
        SecretReplacement::Revoked => return Err(revoked()),
        SecretReplacement::Public => return Err(ApiError::bad_request("a public client has no secret")),
    }
    let about = about(id).detail(serde_json::json!({"overlap_seconds": overlap.0}));
    admin.note(app, "client.secret_rotated", about);
    Ok(secret)
}

fn no_app(error: StoreError) -> ApiError {
    match error {
        StoreError::ForeignKey => unknown_app(),
        error => error.into(),
    }
}

fn unknown_app() -> ApiError {
    ApiError::field("appId", "There is no such app.")
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such client")
}

fn revoked() -> ApiError {
    ApiError::bad_request("the client is revoked")
}

fn about(id: &ClientId) -> Subject {
    Subject { client_id: Some(id.clone()), ..Subject::default() }
}
