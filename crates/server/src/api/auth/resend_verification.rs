//! `POST /api/auth/resend-verification`

use axum::response::Response;
use http::StatusCode;

use super::session::own_session;
use crate::error::ApiError;
use crate::http::headers::no_store;
use crate::mail_link;
use crate::pages::visit::Visit;

/// Sends another link to verify the address of the person who is signed in.
pub async fn resend_verification(visit: Visit) -> Response {
    own_session(&visit, async |present| {
        if present.user().email_verified {
            return Err(ApiError::conflict("the address is verified already"));
        }
        mail_link::send_verification(&visit.app, present.user(), visit.now);
        Ok(no_store(StatusCode::ACCEPTED))
    })
    .await
}
