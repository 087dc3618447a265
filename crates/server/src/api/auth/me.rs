//! `GET /api/auth/me`

use axum::response::Response;

use super::user::UserView;
use crate::api::json::answer;
use crate::caller::{Caller, for_caller};
use crate::error::ApiError;
use crate::pages::visit::Visit;

/// Who the bearer of a token is. A session token shows all of the account, a client's access token and an API key what
/// their scope allows; a client that speaks for itself is nobody here.
pub async fn me(visit: Visit) -> Response {
    for_caller(&visit, async |caller| show(&visit, caller).await).await
}

async fn show(visit: &Visit, caller: &Caller) -> Result<Response, ApiError> {
    if let Caller::Session(present) = caller {
        return Ok(answer(UserView::whole(present.user().clone())));
    }
    let Some(person) = caller.person() else {
        return Err(ApiError::forbidden("the token belongs to a client, not to a person"));
    };
    let user = visit.app.store.user(person.id).await?;
    let user = user.ok_or_else(|| ApiError::unauthorized("the account is gone"))?;
    Ok(answer(UserView::within(user, &caller.scope())))
}
