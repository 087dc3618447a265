//! Making API keys, for whichever door.

use ayb_protocol::ids::{ApiKeyId, AppId, UserId};
use ayb_protocol::secret::{ApiKey, Secret};
use ayb_protocol::time::Timestamp;
use ayb_provider::api_key::{ApiKeyRecord, KeySettings, MOST_OF_ONE_PERSON};
use ayb_store::KeyInsertion;
use serde_json::json;

use crate::app::App;
use crate::audit::Subject;
use crate::error::ApiError;

/// A key and its text, which is answered once and never again: only its hash is kept.
pub type NewKey = (ApiKeyRecord, Secret<ApiKey>);

/// Makes a key of `owner`. Whether they and the app exist was looked at before; one that is deleted at the same moment
/// makes it 409.
///
/// # Errors
/// 409 when the owner has as many keys as one person may have.
pub async fn make(
    app: &App,
    owner: UserId,
    app_id: Option<AppId>,
    settings: KeySettings,
    now: Timestamp,
) -> Result<NewKey, ApiError> {
    let secret = app.mint.api_key()?;
    let record = settings.record(ApiKeyId(app.mint.uuid(now)?), &secret, owner, app_id, now);
    match app.store.insert_api_key(&record, MOST_OF_ONE_PERSON).await? {
        KeyInsertion::Inserted => Ok((record, secret)),
        KeyInsertion::TooMany => {
            Err(ApiError::conflict("one person has at most 100 API keys: revoke some first"))
        }
    }
}

/// What the trail says about a new key.
#[must_use]
pub fn made(record: &ApiKeyRecord, subject: Subject) -> Subject {
    let detail = json!({"keyId": record.id, "scope": record.scope.as_str(), "appId": record.app_id});
    Subject { user_id: Some(record.user_id), ..subject }.detail(detail)
}

/// What the trail says about a key that was revoked.
#[must_use]
pub fn revoked(id: ApiKeyId, subject: Subject) -> Subject {
    subject.detail(json!({"keyId": id}))
}

/// There is no such key, or none that the asker may know of.
pub fn unknown() -> ApiError {
    ApiError::not_found("there is no such API key")
}
