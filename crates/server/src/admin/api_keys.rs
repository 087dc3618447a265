//! API keys of people, as the administrator looks after them.

use ayb_protocol::ids::{ApiKeyId, AppId, UserId};
use ayb_provider::api_key::{ApiKeyRecord, KeyDraft, settle};
use ayb_store::Page;

use crate::admin::AdminCaller;
use crate::api_keys::{self, NewKey, made, revoked, unknown};
use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;

/// One page of all keys, or of those of one person, and how many there are.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &App,
    _: &AdminCaller,
    page: Page,
    of: Option<UserId>,
) -> Result<(Vec<ApiKeyRecord>, u64), ApiError> {
    Ok(match of {
        Some(user) => app.store.list_api_keys_of(user, page).await?,
        None => app.store.list_api_keys(page).await?,
    })
}

/// Makes a key of a person.
///
/// # Errors
/// 400 with the field that breaks a rule, an unknown person or app included; 409 when they have too many.
pub async fn create(
    app: &App,
    admin: &AdminCaller,
    owner: UserId,
    app_id: Option<AppId>,
    draft: &KeyDraft,
) -> Result<NewKey, ApiError> {
    let settings = settle(draft, admin.now())?;
    if app.store.user(owner).await?.is_none() {
        return Err(ApiError::field("userId", "There is no such user."));
    }
    if let Some(id) = app_id
        && app.store.app(id).await?.is_none()
    {
        return Err(ApiError::field("appId", "There is no such app."));
    }
    let (record, secret) = api_keys::make(app, owner, app_id, settings, admin.now()).await?;
    admin.note(app, "api_key.created", made(&record, Subject::default()));
    Ok((record, secret))
}

/// Revokes a key: it is dead at once.
///
/// # Errors
/// 404 when there is none, or when it was revoked before.
pub async fn revoke(app: &App, admin: &AdminCaller, id: ApiKeyId) -> Result<(), ApiError> {
    if !app.store.revoke_api_key(id, None, admin.now()).await? {
        return Err(unknown());
    }
    admin.note(app, "api_key.revoked", revoked(id, Subject::default()));
    Ok(())
}
