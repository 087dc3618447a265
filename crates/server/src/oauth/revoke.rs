//! `POST /oauth/revoke`, also `/api/auth/revoke` (RFC 7009).

use axum::response::Response;
use ayb_protocol::message::revoke::RevocationRequest;
use ayb_provider::revoke::{Revocable, classify_token, revoke};
use http::StatusCode;

use crate::http::headers::no_store;
use crate::oauth::client_auth::Recall;
use crate::oauth::client_request::{ClientRequest, Proven};
use crate::oauth::error::OAuthError;

/// Answers a revocation request: 200 for every well-formed one, whatever the token was, and an error only when it is
/// malformed, the client did not prove itself, or the store could not do it (RFC 7009 §2.2.1).
pub async fn post(sent: ClientRequest) -> Response {
    sent.answer(&[Recall::Never], RevocationRequest::read, end).await
}

async fn end(proven: Proven<'_, RevocationRequest>) -> Result<Option<Response>, OAuthError> {
    let Proven { app, client, request, now } = proven;
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
    if let Some((row, hash)) = place {
        let asking = client.clone();
        let revoked = app.store.revoke_token(row, now, move |found| revoke(found, hash, &asking)).await;
        // Whatever the reason is: the token is as it was, and the client should try again (RFC 7009 §2.2.1).
        let revoked = revoked.map_err(|error| OAuthError::not_now(&error))?;
        app.audit.revoked(client.record(), &revoked, now);
    }
    Ok(Some(no_store(StatusCode::OK)))
}
