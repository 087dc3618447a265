//! Accounts of people, as the administrator looks after them.

use ayb_protocol::ids::UserId;
use ayb_provider::user::{UserRecord, check_password, parse_email, parse_name, parse_picture};
use ayb_store::{NewPassword, Page, UserInsertion};
use serde_json::json;
use zeroize::Zeroizing;

use crate::admin::AdminCaller;
use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;

/// A new account.
pub struct NewUser {
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// See [`UserRecord::name`].
    pub name: Option<String>,
    /// See [`UserRecord::picture`].
    pub picture: Option<String>,
    /// See [`UserRecord::email_verified`].
    pub email_verified: bool,
}

/// A change of an account; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// See [`UserRecord::name`]: `Some(None)` for no name.
    pub name: Option<Option<String>>,
    /// See [`UserRecord::picture`]: `Some(None)` for no picture.
    pub picture: Option<Option<String>>,
    /// See [`UserRecord::email_verified`].
    pub email_verified: Option<bool>,
}

/// One page of the people whose address or name holds `search`, and how many there are.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &App,
    _: &AdminCaller,
    page: Page,
    search: &str,
) -> Result<(Vec<UserRecord>, u64), ApiError> {
    Ok(app.store.list_users(page, search).await?)
}

/// A person.
///
/// # Errors
/// 404 when there is none.
pub async fn get(app: &App, _: &AdminCaller, id: UserId) -> Result<UserRecord, ApiError> {
    app.store.user(id).await?.ok_or_else(unknown)
}

/// Makes an account.
///
/// # Errors
/// 400 with the field that breaks a rule, 409 when the address is taken.
pub async fn create(app: &App, admin: &AdminCaller, new: NewUser) -> Result<UserRecord, ApiError> {
    let now = admin.now();
    let email = parse_email(&new.email).map_err(|message| ApiError::field("email", message))?;
    let (name, picture) = (name(new.name.as_deref())?, picture(new.picture.as_deref())?);
    let hash = hash(app, new.password).await?;
    let user = UserRecord {
        id: UserId(app.mint.uuid(now)?),
        email,
        password_hash: Some(hash),
        email_verified: new.email_verified,
        name,
        picture,
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    if app.store.insert_user(&user).await? == UserInsertion::EmailTaken {
        let taken = ApiError::conflict("another account has the address");
        return Err(taken.data(json!({"field": "email"})));
    }
    admin.note(app, "user.created", about(user.id));
    Ok(user)
}

/// Changes what is known about a person.
///
/// # Errors
/// 404 when there is none, 400 with the field that breaks a rule.
pub async fn update(
    app: &App,
    admin: &AdminCaller,
    id: UserId,
    change: UserChange,
) -> Result<UserRecord, ApiError> {
    let old = get(app, admin, id).await?;
    let user = UserRecord {
        name: change.name.map_or_else(|| Ok(old.name.clone()), |text| name(text.as_deref()))?,
        picture: change.picture.map_or_else(|| Ok(old.picture.clone()), |text| picture(text.as_deref()))?,
        email_verified: change.email_verified.unwrap_or(old.email_verified),
        updated_at: admin.now(),
        ..old
    };
    if !app.store.update_user(&user).await? {
        return Err(unknown());
    }
    admin.note(app, "user.updated", about(id));
    Ok(user)
}

/// Locks an account: its tokens are dead while it is locked, and its sessions end for good.
///
/// # Errors
/// 404 when there is none.
pub async fn disable(app: &App, admin: &AdminCaller, id: UserId) -> Result<UserRecord, ApiError> {
    let user = get(app, admin, id).await?;
    let now = admin.now();
    let since = user.disabled_at.unwrap_or(now);
    if !app.store.set_user_disabled(id, Some(since), now).await? {
        return Err(unknown());
    }
    app.store.end_sessions(id, None, now).await?;
    admin.note(app, "user.disabled", about(id));
    get(app, admin, id).await
}

/// Unlocks an account.
///
/// # Errors
/// 404 when there is none.
pub async fn enable(app: &App, admin: &AdminCaller, id: UserId) -> Result<UserRecord, ApiError> {
    if !app.store.set_user_disabled(id, None, admin.now()).await? {
        return Err(unknown());
    }
    admin.note(app, "user.enabled", about(id));
    get(app, admin, id).await
}

/// Gives a person a new password. Sessions end and what they granted to clients is revoked: whoever knew the old
/// password is out.
///
/// # Errors
/// 404 when there is none, 400 when the password breaks a rule.
pub async fn set_password(
    app: &App,
    admin: &AdminCaller,
    id: UserId,
    password: Zeroizing<String>,
) -> Result<(), ApiError> {
    get(app, admin, id).await?;
    let new = NewPassword { hash: hash(app, password).await?, keep: None, revoke_grants: true };
    if !app.store.set_password_hash(id, new, admin.now()).await? {
        return Err(unknown());
    }
    admin.note(app, "user.password_set", about(id));
    Ok(())
}

/// Ends all sessions of a person, what they granted to clients and their API keys, and forgets their consents: for an
/// account that somebody else has got into, or a device that was lost. The password stays.
///
/// # Errors
/// 404 when there is none.
pub async fn revoke_access(app: &App, admin: &AdminCaller, id: UserId) -> Result<(), ApiError> {
    if !app.store.revoke_access(id, admin.now()).await? {
        return Err(unknown());
    }
    admin.note(app, "user.access_revoked", about(id));
    Ok(())
}

/// Deletes a person with everything that is theirs. Apps that they looked after stay, with no owner.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(app: &App, admin: &AdminCaller, id: UserId) -> Result<(), ApiError> {
    if !app.store.delete_user(id).await? {
        return Err(unknown());
    }
    admin.note(app, "user.deleted", about(id));
    Ok(())
}

async fn hash(app: &App, password: Zeroizing<String>) -> Result<String, ApiError> {
    check_password(&password, app.config.auth.min_password_length)
        .map_err(|message| ApiError::field("password", message))?;
    Ok(app.passwords.hash(password).await?.as_str().to_owned())
}

fn name(text: Option<&str>) -> Result<Option<String>, ApiError> {
    parse_name(text.unwrap_or_default()).map_err(|message| ApiError::field("name", message))
}

fn picture(text: Option<&str>) -> Result<Option<String>, ApiError> {
    parse_picture(text.unwrap_or_default()).map_err(|message| ApiError::field("picture", message))
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such user")
}

fn about(id: UserId) -> Subject {
    Subject { user_id: Some(id), ..Subject::default() }
}
