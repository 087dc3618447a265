//! The trail of what matters for security.

use ayb_store::{AuditEntry, AuditFilter, Page};

use crate::admin::AdminCaller;
use crate::app::App;
use crate::error::ApiError;

/// One page of the events that `filter` lets through, latest first, and how many there are.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &App,
    _: &AdminCaller,
    page: Page,
    filter: &AuditFilter,
) -> Result<(Vec<AuditEntry>, u64), ApiError> {
    Ok(app.store.list_audit(page, filter).await?)
}
