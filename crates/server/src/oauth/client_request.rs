//! The way in that the token and the revocation endpoint share: read the form, then have the client prove itself.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use ayb_protocol::error::Refusal;
use ayb_protocol::params::Params;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client_auth::AuthenticatedClient;
use http::HeaderMap;

use crate::app::App;
use crate::http::client_ip::ClientIp;
use crate::http::cors::grant_origin;
use crate::http::extract::{BodyRejection, FormPairs};
use crate::oauth::client_auth::{Recall, authenticate};
use crate::oauth::error::OAuthError;

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
        let now = app.clock.now();
        let caller = request.extensions().get::<ClientIp>().copied();
        let caller = caller.unwrap_or(ClientIp(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let headers = request.headers().clone();
        let form = FormPairs::from_request(request, &()).await;
        Ok(Self { app: app.clone(), headers, caller, form, now })
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

impl ClientRequest {
    /// Answers with what `work` makes of the request that `read` reads, for a client that is found in the first of the
    /// `recalls` in which `work` finds it to be what it was. Once the client is known, its own origins may read the
    /// answer, whatever that is.
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
        for recall in recalls {
            let client = authenticate(&app, &headers, &params, *recall, caller, now).await?;
            let outcome = work(Proven { app: &app, client: &client, request: &request, now }).await;
            let Some(outcome) = outcome.transpose() else { continue };
            let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
            grant_origin(&mut response, &client.record().settings.allowed_origins);
            return Ok(response);
        }
        Err(OAuthError::too_many(Seconds(1)))
    }
}
