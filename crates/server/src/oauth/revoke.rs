//! `POST /oauth/revoke`, also `/api/auth/revoke` (RFC 7009).

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ayb_protocol::message::revoke::RevocationRequest;
use ayb_protocol::params::Params;
use ayb_protocol::time::Timestamp;
use ayb_provider::revoke::{Revocable, classify_token, revoke};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::http::client_ip::ClientIp;
use crate::http::cors::grant_origin;
use crate::http::extract::{BodyRejection, FormPairs};
use crate::http::headers::no_store;
use crate::oauth::client_auth::{Recall, authenticate};
use crate::oauth::error::OAuthError;

/// Answers a revocation request: 200 for every well-formed one, whatever the token was, and an error only when it is
/// malformed, the client did not prove itself, or the store could not do it (RFC 7009 §2.2.1).
pub async fn post(
    State(app): State<App>,
    Extension(caller): Extension<ClientIp>,
    headers: HeaderMap,
    form: Result<FormPairs, BodyRejection>,
) -> Response {
    let now = app.clock.now();
    answer(&app, &headers, caller, form, now).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    caller: ClientIp,
    form: Result<FormPairs, BodyRejection>,
    now: Timestamp,
) -> Result<Response, OAuthError> {
    let params = Params::from_pairs(form?.0)?;
    let request = RevocationRequest::read(&params)?;
    let client = authenticate(app, headers, &params, Recall::Never, caller, now).await?;
    let mask = app.mint.mask();
    let place = match classify_token(&request.token) {
        Revocable::Opaque(secret) => {
            let (row, hash) = secret.locate(mask);
            Some((row, hash.untyped()))
        }
        Revocable::Refresh(secret) => {
            let (row, hash) = secret.locate(mask);
            Some((row, hash.untyped()))
        }
        Revocable::Jwt { row, hash } => Some((row, hash.untyped())),
        Revocable::Unknown => None,
    };
    let origins = client.record().settings.allowed_origins.clone();
    if let Some((row, hash)) = place {
        app.store.revoke_token(row, now, move |found| revoke(found, hash, &client)).await?;
    }
    let mut response = no_store(StatusCode::OK);
    grant_origin(&mut response, &origins);
    Ok(response)
}
