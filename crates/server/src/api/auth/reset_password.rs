//! `POST /api/auth/reset-password`

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::limited;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::headers::no_store;
use crate::mail_link::{self, ResetError};
use crate::pages::visit::Visit;

/// A new password, and the link that allows it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// `token` of the mailed link.
    token: String,
    /// The password from now on.
    password: String,
}

/// Sets a new password by a mailed link. All sessions end, all grants are revoked, and nobody is signed in.
pub async fn reset_password(visit: Visit, JsonBody(body): JsonBody<PasswordReset>) -> Response {
    limited(&visit, async |attempt| {
        mail_link::set_password(&visit.app, attempt, &body.token, &body.password, visit.now).await?;
        Ok(no_store(StatusCode::NO_CONTENT))
    })
    .await
}

impl From<ResetError> for ApiError {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Dead => Self::bad_request("the link is unknown, used or too old"),
            ResetError::Password(text) => Self::field("password", text),
            ResetError::Fault(fault) => fault.into(),
        }
    }
}
