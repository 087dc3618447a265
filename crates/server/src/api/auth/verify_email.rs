//! `POST /api/auth/verify-email`

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::headers::no_store;
use crate::mail_link;
use crate::pages::visit::Visit;

/// The link that shows whose an address is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailVerification {
    /// `token` of the mailed link.
    token: String,
}

/// Verifies an address by a mailed link.
///
/// # Errors
/// 400 for a link that cannot be used.
pub async fn verify_email(
    visit: Visit,
    JsonBody(body): JsonBody<EmailVerification>,
) -> Result<Response, ApiError> {
    if !mail_link::verify_email(&visit.app, &body.token, visit.caller, visit.now).await? {
        return Err(ApiError::bad_request("the link is unknown, used or too old"));
    }
    Ok(no_store(StatusCode::NO_CONTENT))
}
