//! `POST /api/auth/forgot-password`

use axum::response::Response;
use ayb_provider::user::parse_email;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::limited;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::headers::no_store;
use crate::mail_link;
use crate::pages::visit::Visit;

/// Who cannot sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPassword {
    /// The address of the account.
    email: String,
}

/// Sends a link for a new password. The answer is 202 whether there is such an account or not.
pub async fn forgot_password(visit: Visit, JsonBody(body): JsonBody<ForgottenPassword>) -> Response {
    limited(&visit, async |_| {
        let email = parse_email(&body.email).map_err(|text| ApiError::field("email", text))?;
        mail_link::send_reset(&visit.app, email, visit.now);
        Ok(no_store(StatusCode::ACCEPTED))
    })
    .await
}
