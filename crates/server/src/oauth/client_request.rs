//! The way in that the token and the revocation endpoint share: read the form, then have the client prove itself.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use ayb_protocol::error::Refusal;
use ayb_protocol::params::Params;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::{ClientKind, ClientRecord};
use ayb_provider::client_auth::AuthenticatedClient;
use http::HeaderMap;

use crate::app::App;
use crate::http::client_ip::ClientIp;
use crate::http::cors::grant_origin;
use crate::http::extract::{BodyRejection, FormPairs};
use crate::oauth::client_auth::{Recall, authenticate};
use crate::oauth::error::OAuthError;
use crate::sign_in::limited;

/// What somebody sent who says to be a client, with the time at which it is answered.
pub struct ClientRequest {
    app: App,
    headers: HeaderMap,
    caller: ClientIp,
    form: Result<FormPairs, BodyRejection>,
    now: Timestamp,
}

impl FromRequest<App> for ClientRequest {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        let caller = request.extensions().get::<ClientIp>().copied();
        let caller = caller.unwrap_or(ClientIp(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let (head, body) = request.into_parts();
        let form = FormPairs::read(&head.headers, body).await;
        // Only now: a body may take its time, and a code must not live longer for it.
        let now = app.clock.now();
        Ok(Self { app: app.clone(), headers: head.headers, caller, form, now })
    }
}

/// A request that was read, and the client that proved to have sent it.
pub struct Proven<'a, R> {
    /// The server.
    pub app: &'a App,
    /// Who asks.
    pub client: &'a AuthenticatedClient,
    /// What is asked.
    pub request: &'a R,
    /// The time, read once.
    pub now: Timestamp,
}

/// Under which name the requests of a client count. Anybody can say the name of a public client, so those of each address
/// count by themselves: nobody uses up the limit of somebody else.
fn counted_as(client: &ClientRecord, caller: ClientIp) -> Cow<'_, str> {
    match client.kind {
        ClientKind::Confidential { .. } => Cow::Borrowed(client.client_id.as_str()),
        ClientKind::Public => Cow::Owned(format!("{} {caller}", client.client_id)),
    }
}

/// Whether a client is still what it was.
async fn is_current(app: &App, client: &ClientRecord) -> Result<bool, OAuthError> {
    let now = app.store.load_client(&client.client_id).await?;
    Ok(now.is_some_and(|now| now.version == client.version && now.revoked_at == client.revoked_at))
}

impl ClientRequest {
    /// Answers with what `work` makes of the request that `read` reads, for a client that is found in the first of the
    /// `recalls` in which `work` finds it to be what it was. Once the client is known, its own origins and its
    /// app's may read the answer, whatever that is.
    pub async fn answer<R>(
        self,
        recalls: &[Recall],
        read: fn(&Params) -> Result<R, Refusal>,
        work: impl AsyncFn(Proven<'_, R>) -> Result<Option<Response>, OAuthError>,
    ) -> Response {
        self.attempt(recalls, read, work).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn attempt<R>(
        self,
        recalls: &[Recall],
        read: fn(&Params) -> Result<R, Refusal>,
        work: impl AsyncFn(Proven<'_, R>) -> Result<Option<Response>, OAuthError>,
    ) -> Result<Response, OAuthError> {
        let Self { app, headers, caller, form, now } = self;
        let params = Params::from_pairs(form?.0)?;
        let request = read(&params)?;
        for (round, recall) in recalls.iter().enumerate() {
            let client = authenticate(&app, &headers, &params, *recall, caller, now).await?;
            if round == 0 {
                limited(app.limits.client(&counted_as(client.record(), caller), now).await)?;
            }
            let outcome = work(Proven { app: &app, client: &client, request: &request, now }).await;
            let Some(outcome) = outcome.transpose() else { continue };
            // Nobody is refused on the strength of what may be out of date.
            if outcome.is_err() && *recall == Recall::Allowed && !is_current(&app, client.record()).await? {
                continue;
            }
            let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
            let record = client.record();
            grant_origin(&mut response, [&record.app_allowed_origins, &record.settings.allowed_origins]);
            return Ok(response);
        }
        Err(OAuthError::too_many(Seconds(1)))
    }
}
