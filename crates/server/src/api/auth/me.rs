//! `GET /api/auth/me`

use axum::response::{IntoResponse, Response};

use super::user::UserView;
use crate::api::json::answer;
use crate::error::ApiError;
use crate::oauth::bearer::{Caller, caller};
use crate::pages::visit::Visit;

/// Who the bearer of a token is. A session token shows all of the account, a client's access token what its scope
/// allows; a client that speaks for itself is nobody here.
pub async fn me(visit: Visit) -> Response {
    match caller(&visit.app, &visit.headers, visit.now).await {
        Ok(caller) => show(&visit, caller).await.unwrap_or_else(IntoResponse::into_response),
        Err(refused) => refused.envelope(),
    }
}

async fn show(visit: &Visit, caller: Caller) -> Result<Response, ApiError> {
    let live = match caller {
        Caller::Session(present) => return Ok(answer(UserView::whole(present.user().clone()))),
        Caller::Client(live) => live,
    };
    let Some(id) = live.token().user_id else {
        return Err(ApiError::forbidden("the token belongs to a client, not to a person"));
    };
    let user = visit.app.store.user(id).await?;
    let user = user.ok_or_else(|| ApiError::unauthorized("the account is gone"))?;
    Ok(answer(UserView::within(user, live.token().scope.scope())))
}
