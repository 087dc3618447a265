//! Client authentication at the token and revocation endpoints.

use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::ClientId;
use ayb_protocol::message::client_auth::Credentials;
use ayb_protocol::params::Params;
use ayb_protocol::time::Timestamp;
use ayb_provider::client_auth::{AuthenticatedClient, verify};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::app::App;
use crate::http::client_ip::ClientIp;
use crate::oauth::error::OAuthError;
use crate::sign_in::limited;

/// Where the record of a client comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recall {
    /// What this process read last will do: the write that follows tells whether it still holds.
    Allowed,
    /// The database is asked.
    Never,
}

/// Reads the credentials, finds the client, checks the proof.
///
/// Only failures count against the caller's address, so machines that sign in correctly are never slowed down by it.
///
/// # Errors
/// What the request is refused with.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    recall: Recall,
    caller: ClientIp,
    now: Timestamp,
) -> Result<AuthenticatedClient, OAuthError> {
    let outcome = check(app, headers, params, recall, now).await;
    if outcome.as_ref().is_err_and(|error| error.refusal().code == ErrorCode::InvalidClient) {
        limited(app.limits.failure(caller, now).await)?;
    }
    outcome
}

async fn check(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    recall: Recall,
    now: Timestamp,
) -> Result<AuthenticatedClient, OAuthError> {
    let credentials = Credentials::read(authorization(headers)?, params)?;
    let Some(client_id) = ClientId::parse(&credentials.client_id) else {
        return Ok(verify(&credentials, None, now)?);
    };
    if recall == Recall::Allowed
        && let Some(remembered) = app.store.recall_client(&client_id)
        && let Ok(client) = verify(&credentials, Some(remembered), now)
    {
        return Ok(client);
    }
    // Nobody is refused on the strength of what may be out of date.
    Ok(verify(&credentials, app.store.load_client(&client_id).await?, now)?)
}

/// The one `Authorization` header; two, or one that is not text, prove nothing.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "The Authorization header was sent twice."));
    }
    first.map(|value| value.to_str()).transpose().map_err(|_| {
        Refusal::new(ErrorCode::InvalidClient, "The Authorization header is not valid Basic authentication.")
    })
}
