//! Apps: the products that clients belong to.

use ayb_protocol::ids::{AppId, UserId};
use ayb_protocol::time::Seconds;
use ayb_provider::app::{AppRecord, RateLimit};
use ayb_provider::register::{check_description, check_name, check_origins};
use ayb_store::error::StoreError;
use ayb_store::{DeletedApp, Page};
use serde_json::json;

use crate::admin::AdminCaller;
use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;

/// The most requests in one window that a limit can name.
const MAX_REQUESTS: u32 = 1_000_000_000;
/// The longest window: a week.
const MAX_WINDOW: u64 = 7 * 24 * 3600;

/// A new app.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// See [`AppRecord::name`].
    pub name: String,
    /// See [`AppRecord::description`].
    pub description: String,
    /// Who looks after it, if anybody does.
    pub owner: Option<UserId>,
    /// See [`RateLimit::requests`].
    pub requests: Option<u64>,
    /// See [`RateLimit::window`].
    pub window: Option<u64>,
    /// See [`AppRecord::allowed_origins`].
    pub allowed_origins: Vec<String>,
}

/// A change of an app; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AppChange {
    /// See [`AppRecord::name`].
    pub name: String,
    /// See [`AppRecord::description`].
    pub description: Option<String>,
    /// Who looks after it: `Some(None)` for nobody.
    pub owner: Option<Option<UserId>>,
    /// See [`RateLimit::requests`].
    pub requests: Option<u64>,
    /// See [`RateLimit::window`].
    pub window: Option<u64>,
    /// See [`AppRecord::allowed_origins`]; replaces the list.
    pub allowed_origins: Option<Vec<String>>,
}

/// One page of all apps, and how many there are.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App, _: &AdminCaller, page: Page) -> Result<(Vec<AppRecord>, u64), ApiError> {
    Ok(app.store.list_apps(page).await?)
}

/// An app.
///
/// # Errors
/// 404 when there is none.
pub async fn get(app: &App, _: &AdminCaller, id: AppId) -> Result<AppRecord, ApiError> {
    app.store.app(id).await?.ok_or_else(unknown)
}

/// Makes an app.
///
/// # Errors
/// 400 with the field that breaks a rule, an unknown owner included.
pub async fn create(app: &App, admin: &AdminCaller, new: NewApp) -> Result<AppRecord, ApiError> {
    let now = admin.now();
    let record = AppRecord {
        id: AppId(app.mint.uuid(now)?),
        name: name(&new.name)?,
        description: description(&new.description)?,
        owner_user_id: new.owner,
        rate_limit: rate_limit(RateLimit::default(), new.requests, new.window)?,
        allowed_origins: origins(&new.allowed_origins)?,
        created_at: now,
        updated_at: now,
    };
    app.store.insert_app(&record).await.map_err(no_owner)?;
    admin.note(app, "app.created", about(record.id));
    Ok(record)
}

/// Changes an app.
///
/// # Errors
/// 404 when there is none, 400 with the field that breaks a rule.
pub async fn update(
    app: &App,
    admin: &AdminCaller,
    id: AppId,
    change: AppChange,
) -> Result<AppRecord, ApiError> {
    let old = get(app, admin, id).await?;
    let record = AppRecord {
        name: name(&change.name)?,
        description: change
            .description
            .map_or_else(|| Ok(old.description.clone()), |text| description(&text))?,
        owner_user_id: change.owner.unwrap_or(old.owner_user_id),
        rate_limit: rate_limit(old.rate_limit, change.requests, change.window)?,
        allowed_origins: change
            .allowed_origins
            .map_or_else(|| Ok(old.allowed_origins.clone()), |list| origins(&list))?,
        updated_at: admin.now(),
        ..old
    };
    if !app.store.update_app(&record).await.map_err(no_owner)? {
        return Err(unknown());
    }
    admin.note(app, "app.updated", about(id));
    Ok(record)
}

/// Deletes an app. One that still has clients stays, revoked ones included: their tokens, grants and trail point to it.
/// So does one that has API keys.
///
/// # Errors
/// 404 when there is none, 409 when something belongs to it; `data.clients` and `data.apiKeys` say how much.
pub async fn delete(app: &App, admin: &AdminCaller, id: AppId) -> Result<(), ApiError> {
    match app.store.delete_app(id).await? {
        DeletedApp::Deleted => {
            admin.note(app, "app.deleted", about(id));
            Ok(())
        }
        DeletedApp::NotFound => Err(unknown()),
        DeletedApp::InUse { clients, api_keys } => {
            let text = if clients > 0 {
                "OAuth clients belong to the app, and revoked ones count: revoke them and keep the app"
            } else {
                "API keys belong to the app: revoke them, and delete the app a day later, when they are gone"
            };
            Err(ApiError::conflict(text).data(json!({"clients": clients, "apiKeys": api_keys})))
        }
    }
}

fn name(text: &str) -> Result<String, ApiError> {
    check_name(text).map_err(|message| ApiError::field("name", message))
}

fn description(text: &str) -> Result<String, ApiError> {
    check_description(text).map_err(|message| ApiError::field("description", message))
}

fn origins(list: &[String]) -> Result<Vec<String>, ApiError> {
    check_origins(list).map_err(|message| ApiError::field("allowedOrigins", message))
}

fn rate_limit(old: RateLimit, requests: Option<u64>, window: Option<u64>) -> Result<RateLimit, ApiError> {
    let requests = requests.unwrap_or_else(|| old.requests.into());
    let window = window.unwrap_or(old.window.0);
    let requests =
        u32::try_from(requests).ok().filter(|requests| *requests <= MAX_REQUESTS).ok_or_else(|| {
            ApiError::field(
                "rateLimitRps",
                "A limit is at most 1000000000 requests in a window; 0 is no limit.",
            )
        })?;
    if window == 0 || window > MAX_WINDOW {
        let message = "A window lasts from 1 second to 604800 seconds, a week.";
        return Err(ApiError::field("rateLimitWindowSeconds", message));
    }
    Ok(RateLimit { requests, window: Seconds(window) })
}

fn no_owner(error: StoreError) -> ApiError {
    match error {
        StoreError::ForeignKey => ApiError::field("ownerUserId", "There is no such user."),
        error => error.into(),
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such app")
}

fn about(id: AppId) -> Subject {
    Subject { detail: Some(json!({"appId": id})), ..Subject::default() }
}
