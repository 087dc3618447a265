//! `POST /api/auth/login`

use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::{begin, limited};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::pages::visit::Visit;
use crate::sign_in::{self, SignInError};

/// Who somebody is, and how they show it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Email address.
    email: String,
    /// Password.
    password: String,
}

/// Signs in.
pub async fn login(visit: Visit, JsonBody(body): JsonBody<Login>) -> Response {
    limited(&visit, async |attempt| {
        let Login { email, password } = &body;
        let begin = async |user| begin(&visit, user).await;
        let begun = sign_in::with_password(&visit.app, attempt, email, password, visit.now, begin);
        begun.await?.tokens(&visit)
    })
    .await
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => {
                Self::unauthorized("that email address and password do not belong together")
            }
            SignInError::Fault(fault) => fault.into(),
        }
    }
}
