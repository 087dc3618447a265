//! `POST /api/auth/register`

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::{begin, limited};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::pages::signup::{Draft, SignUpError, create};
use crate::pages::visit::Visit;
use crate::sign_in::SignInError;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The address to sign in with.
    email: String,
    /// The password, at least `auth.min_password_length` characters.
    password: String,
    /// Name to show; at most 200 characters.
    #[serde(default)]
    name: Option<String>,
}

/// Makes an account, signs in, and sends a link to verify the address.
pub async fn register(visit: Visit, JsonBody(body): JsonBody<Registration>) -> Response {
    limited(&visit, async |attempt| {
        let name = body.name.as_deref().unwrap_or_default();
        let draft = Draft { email: &body.email, password: &body.password, name };
        let user = create(&visit.app, attempt, &draft, visit.now).await?;
        // Nothing is begun when somebody has set another password, or disabled the account, in this moment.
        let begun = begin(&visit, user).await?.ok_or(SignInError::Wrong)?;
        let mut response = begun.tokens(&visit)?;
        *response.status_mut() = StatusCode::CREATED;
        Ok(response)
    })
    .await
}

impl From<SignUpError> for ApiError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Problems(problems) => match problems.into_iter().next() {
                Some((field, text)) => Self::field(field, text),
                None => Self::bad_request("the account breaks a rule"),
            },
            SignUpError::Taken => Self::conflict("no account can be made with this address"),
            SignUpError::Closed => {
                Self::forbidden("new accounts are made by the administrator of this server")
            }
            SignUpError::Fault(fault) => fault.into(),
        }
    }
}
