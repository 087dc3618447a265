//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core §5.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use ayb_protocol::message::userinfo::UserInfoResponse;
use ayb_protocol::params::Params;
use ayb_protocol::scope::IdentityScope;
use ayb_provider::bearer::LiveToken;

use crate::app::App;
use crate::caller::{Caller, NotAdmitted, admit, insufficient_scope, token};
use crate::http::extract::{BodyRejection, FormPairs};
use crate::http::headers::no_store;
use crate::oauth::id_token::about_person;
use crate::pages::visit::Visit;

/// Answers with the token in the header.
pub async fn get(visit: Visit) -> Response {
    answer(&visit, None).await.unwrap_or_else(IntoResponse::into_response)
}

/// Answers with the token in the header or in the form body (RFC 6750 §2.2).
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    // A body of another kind is no place for a token; the header may still hold one.
    let params = form.ok().and_then(|form| Params::from_pairs(form.0).ok());
    answer(&visit, params.as_ref()).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(visit: &Visit, form: Option<&Params>) -> Result<Response, NotAdmitted> {
    let app = &visit.app;
    let token = token(&visit.headers, form)?.ok_or(NotAdmitted::Missing)?;
    let admitted = admit(app, &token, visit.caller, visit.now).await?;
    let response = match &admitted.caller {
        Caller::Token(live) => about(app, live).await?,
        Caller::Session(_) | Caller::ApiKey(_) => insufficient_scope("openid"),
    };
    Ok(admitted.finish(response))
}

async fn about(app: &App, live: &LiveToken) -> Result<Response, NotAdmitted> {
    let record = live.token();
    let (true, Some(user_id)) = (record.scope.scope().has(IdentityScope::Openid), record.user_id) else {
        return Ok(insufficient_scope("openid"));
    };
    let claims = about_person(app, user_id, record.scope.scope(), &live.found().claims.userinfo).await?;
    Ok(no_store(Json(UserInfoResponse { sub: user_id.to_string(), claims })))
}
