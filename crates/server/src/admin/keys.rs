//! The keys that tokens are signed with.

use ayb_provider::keys::{KeyRecord, Rotation};
use serde_json::json;

use crate::admin::AdminCaller;
use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;
use crate::keys::KeysError;

/// All signing keys, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App, _: &AdminCaller) -> Result<Vec<KeyRecord>, ApiError> {
    Ok(app.store.list_keys().await?)
}

/// Replaces the signing keys and answers the new set. The next keys are published first and sign when everybody can
/// have read them, unless `rotation` says otherwise.
///
/// # Errors
/// When the store fails or a key does not open.
pub async fn rotate(app: &App, admin: &AdminCaller, rotation: Rotation) -> Result<Vec<KeyRecord>, ApiError> {
    app.keys.tend(rotation, admin.now()).await.map_err(|error| match error {
        KeysError::Store(error) => error.into(),
        error => ApiError::internal(error),
    })?;
    let withdraw = rotation == Rotation::Withdraw;
    let detail = Some(json!({"now": withdraw || rotation == Rotation::AtOnce, "withdraw": withdraw}));
    admin.note(app, "keys.rotated", Subject { detail, ..Subject::default() });
    list(app, admin).await
}
