//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core §5.3).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ayb_protocol::message::userinfo::UserInfoResponse;
use ayb_protocol::params::Params;
use ayb_protocol::scope::IdentityScope;
use ayb_protocol::time::Timestamp;
use http::HeaderMap;

use crate::app::App;
use crate::http::cors::grant_origin;
use crate::http::extract::{BodyRejection, FormPairs};
use crate::http::headers::no_store;
use crate::oauth::bearer::{Caller, NotAdmitted, admit, insufficient_scope, token};
use crate::oauth::id_token::about_person;

/// Answers with the token in the header.
pub async fn get(State(app): State<App>, headers: HeaderMap) -> Response {
    let now = app.clock.now();
    answer(&app, &headers, None, now).await.unwrap_or_else(IntoResponse::into_response)
}

/// Answers with the token in the header or in the form body (RFC 6750 §2.2).
pub async fn post(
    State(app): State<App>,
    headers: HeaderMap,
    form: Result<FormPairs, BodyRejection>,
) -> Response {
    let now = app.clock.now();
    // A body of another kind is no place for a token; the header may still hold one.
    let params = form.ok().and_then(|form| Params::from_pairs(form.0).ok());
    answer(&app, &headers, params.as_ref(), now).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    form: Option<&Params>,
    now: Timestamp,
) -> Result<Response, NotAdmitted> {
    let token = token(headers, form)?.ok_or(NotAdmitted::Missing)?;
    let Caller::Client(live) = admit(app, &token, now).await? else {
        return Ok(insufficient_scope("openid"));
    };
    let record = live.token();
    let (true, Some(user_id)) = (record.scope.scope().has(IdentityScope::Openid), record.user_id) else {
        return Ok(insufficient_scope("openid"));
    };
    let claims = about_person(app, user_id, record.scope.scope(), &live.found().claims.userinfo).await?;
    let mut response = no_store(Json(UserInfoResponse { sub: user_id.to_string(), claims }));
    grant_origin(&mut response, &live.found().allowed_origins);
    Ok(response)
}
