//! Sessions of the account API: a short-lived token, and a refresh token that is used once.

use axum::response::{IntoResponse, Response};
use ayb_protocol::ids::SessionId;
use ayb_protocol::secret::{Secret, SessionRefresh};
use ayb_provider::session::{Present, SessionRecord};
use ayb_provider::user::UserRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user::UserView;
use crate::api::json::answer;
use crate::app::App;
use crate::caller::{Caller, for_caller};
use crate::error::ApiError;
use crate::limits::Attempt;
use crate::oauth::error::OAuthError;
use crate::pages::visit::Visit;
use crate::session_token::{self, SessionClaims};
use crate::sign_in;

/// What somebody gets who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionTokens {
    /// The bearer token for this API, a JWT.
    token: String,
    /// For one use at `/api/auth/refresh`, or at `/api/auth/logout`.
    refresh_token: String,
    /// The person.
    user: UserView,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshToken {
    /// The refresh token that was issued last.
    pub(super) refresh_token: String,
}

impl RefreshToken {
    /// The secret and the session that it was made for; `None` when it was made for none.
    pub(super) fn locate(&self, app: &App) -> Option<(Secret<SessionRefresh>, SessionId)> {
        let secret = Secret::<SessionRefresh>::parse(&self.refresh_token)?;
        let session = SessionId(secret.named_row(app.mint.mask())?);
        Some((secret, session))
    }
}

/// A session that has just begun.
pub(super) struct Begun {
    id: SessionId,
    secret: Secret<SessionRefresh>,
    user: UserRecord,
}

impl Begun {
    /// The answer that hands out both tokens.
    ///
    /// # Errors
    /// When the session token cannot be signed.
    pub(super) fn tokens(self, visit: &Visit) -> Result<Response, ApiError> {
        tokens(visit, self.id, &self.secret, self.user)
    }
}

/// Begins a session. It is always a new one. `None` when the password of `user` is another by now or the account is
/// disabled.
///
/// # Errors
/// When the store cannot keep it.
pub(super) async fn begin(visit: &Visit, user: UserRecord) -> Result<Option<Begun>, OAuthError> {
    let Visit { app, now, .. } = visit;
    let id = SessionId(app.mint.uuid(*now)?);
    let secret = app.mint.named::<SessionRefresh>(id.0)?;
    let record = SessionRecord {
        id,
        hash: secret.hash(),
        user_id: user.id,
        auth_time: *now,
        amr: vec!["pwd".to_owned()],
        user_agent: visit.user_agent(),
        ip: Some(visit.caller.to_string()),
        created_at: *now,
        last_used_at: *now,
        expires_at: now.plus(app.config.auth.refresh_token_duration),
        revoked_at: None,
    };
    let stored = app.store.insert_api_session(&record, sign_in::verified(&user)).await?;
    Ok(stored.then_some(Begun { id, secret, user }))
}

/// The answer that hands out both tokens of a session.
///
/// # Errors
/// When the session token cannot be signed.
pub(super) fn tokens(
    visit: &Visit,
    session: SessionId,
    secret: &Secret<SessionRefresh>,
    user: UserRecord,
) -> Result<Response, ApiError> {
    let claims = SessionClaims { user: user.id, session };
    let lifetime = visit.app.config.auth.token_duration;
    let token = session_token::sign(&visit.app, claims, lifetime, visit.now).map_err(ApiError::internal)?;
    Ok(answer(SessionTokens {
        token,
        refresh_token: secret.expose().to_owned(),
        user: UserView::whole(user),
    }))
}

/// Lets an attempt through if its address has any left, and says how many.
pub(super) async fn limited(
    visit: &Visit,
    work: impl AsyncFnOnce(&Attempt) -> Result<Response, ApiError>,
) -> Response {
    let attempt = match Attempt::count(&visit.app, visit.caller, visit.now).await {
        Ok(attempt) => attempt,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let mut response = work(&attempt).await.unwrap_or_else(IntoResponse::into_response);
    attempt.write(response.headers_mut());
    response
}

/// Does something that only somebody who is signed in may do: neither a client's access token nor an API key suffices.
pub(super) async fn own_session(
    visit: &Visit,
    work: impl AsyncFnOnce(&Present) -> Result<Response, ApiError>,
) -> Response {
    for_caller(visit, async |caller| match caller {
        Caller::Session(present) => work(present).await,
        Caller::Token(_) | Caller::ApiKey(_) => Err(ApiError::forbidden(
            "this needs a session token: neither a client's token nor an API key will do",
        )),
    })
    .await
}
