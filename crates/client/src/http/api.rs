//! A client of one API that keeps itself authenticated.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use ::http::{HeaderMap, Method};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use url::Url;

use super::attach::{Answered, Attach};
use super::{HttpResponse, ReqwestTransport, TransportError};
use crate::OAuth2;
use crate::error::OAuth2Error;
use crate::tokens::TokenManager;
use crate::types::AccessToken;

/// How long an answer may take, unless something else is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read, unless something else is said.
const MAX_API_ANSWER: usize = 16 * 1024 * 1024;

/// Why an API did not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// There is no access token that counts. Nothing was sent; [`OAuth2Error::recovery`] says what to do.
    #[error("no access token for the API: {0}")]
    NoToken(#[from] OAuth2Error),
    /// The address is of another origin than the client's. Nothing was sent.
    #[error("the address is of another origin than the token's")]
    OtherOrigin,
    /// A header, an address or a body cannot be written. Nothing was sent.
    #[error("the request cannot be written: {0}")]
    Unwritable(&'static str),
    /// No answer came.
    #[error("the API did not answer: {0}")]
    Transport(#[from] TransportError),
}

/// A client of one API: its requests carry an access token, which is renewed once when the API refuses it with 401. No token goes
/// to another origin: other addresses are refused, and redirects are handed to the caller. Clones share everything.
#[derive(Clone)]
pub struct ApiClient(Arc<Api>);

struct Api {
    attach: Attach,
    base: Url,
    client: reqwest::Client,
    timeout: Duration,
    max_answer: usize,
}

impl OAuth2 {
    /// A client of the API at `base`, with the tokens of the default key; see [`ApiClient`].
    ///
    /// # Errors
    /// As [`ApiClient::new`].
    pub fn http_client(&self, base: &str) -> Result<ApiClient, OAuth2Error> {
        ApiClient::new(self, Arc::new(self.default_tokens()), base)
    }
}

impl ApiClient {
    /// A client of the API at `base`, with these tokens of `client`: [`OAuth2::tokens_for`], [`OAuth2::own_tokens`]. `base` ends with a slash if
    /// it has a path that requests begin with.
    ///
    /// # Errors
    /// [`crate::error::ConfigurationError`] when `base` is no https address and not on this machine, or TLS cannot be set up.
    pub fn new(client: &OAuth2, tokens: Arc<dyn TokenManager>, base: &str) -> Result<Self, OAuth2Error> {
        let failed = |_| crate::error::ConfigurationError::Invalid("TLS cannot be set up on this machine");
        Self::over(client, tokens, base, &ReqwestTransport::new().map_err(failed)?)
    }

    /// The same with the certificates and connections of this transport.
    ///
    /// # Errors
    /// As [`ApiClient::new`].
    pub fn over(
        client: &OAuth2,
        tokens: Arc<dyn TokenManager>,
        base: &str,
        transport: &ReqwestTransport,
    ) -> Result<Self, OAuth2Error> {
        let none = |_| crate::error::ConfigurationError::Invalid("the address of the API is none");
        let base = Url::parse(base).map_err(none)?;
        let attach = Attach::new(client.clone(), tokens, &base)?;
        let client = transport.client();
        Ok(Self(Arc::new(Api { attach, base, client, timeout: PATIENCE, max_answer: MAX_API_ANSWER })))
    }

    /// Begins a `GET`. `path` is relative to the base.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// Begins a `POST`.
    pub fn post(&self, path: &str) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// Begins a request of any method.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        let target = self.0.base.join(path).map_err(|_| ApiError::Unwritable("the path"));
        let target = target.and_then(|url| match self.0.attach.covers(&url) {
            true => Ok(url),
            false => Err(ApiError::OtherOrigin),
        });
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let (timeout, max_answer) = (self.0.timeout, self.0.max_answer);
        ApiRequest { api: Arc::clone(&self.0), method, target, headers, body, timeout, max_answer }
    }
}

/// A request that is being made. What is wrong with it is said when it is sent.
#[must_use = "nothing is sent until `send` is awaited"]
pub struct ApiRequest {
    api: Arc<Api>,
    method: Method,
    target: Result<Url, ApiError>,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
    max_answer: usize,
}

impl ApiRequest {
    /// Adds parameters to the address.
    pub fn query<N: AsRef<str>, V: AsRef<str>>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        if let Ok(url) = &mut self.target {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Adds a header. `Authorization` is the client's own and cannot be set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| *name != AUTHORIZATION);
        match (name, HeaderValue::from_str(value)) {
            (Some(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ if self.target.is_ok() => self.target = Err(ApiError::Unwritable("a header")),
            _ => {}
        }
        self
    }

    /// Sends these bytes.
    pub fn body(mut self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.body = bytes.into();
        self.headers.remove(CONTENT_TYPE);
        self.header("content-type", content_type)
    }

    /// Sends this as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(_) => {
                self.target = self.target.and(Err(ApiError::Unwritable("the body")));
                self
            }
        }
    }

    /// How long each attempt may take; 30 seconds unless something else is said.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The largest answer in bytes that is read; 16 MiB unless something else is said.
    pub const fn max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Sends it with a token and reads the answer, whatever its status. When the answer is 401, the token is renewed and the request
    /// sent once more; when it cannot be renewed, the 401 is the answer. A token that is bound to a key goes with a proof (RFC 9449).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn send(self) -> Result<HttpResponse, ApiError> {
        let url = self.target.as_ref().map_err(Clone::clone)?;
        let token = self.api.attach.token(None).await?;
        let answer = self.once(url, &token).await?;
        let decides = Answered {
            status: answer.status,
            challenge: answer.header("www-authenticate").map(str::to_owned),
            nonce: answer.header("dpop-nonce").map(str::to_owned),
        };
        match self.api.attach.after(url, &decides, &token).await {
            Some(token) => self.once(url, &token).await,
            None => Ok(answer),
        }
    }

    async fn once(&self, url: &Url, token: &AccessToken) -> Result<HttpResponse, ApiError> {
        let request = self.api.client.request(self.method.clone(), url.clone());
        let mut request = request.timeout(self.timeout).headers(self.headers.clone()).body(self.body.clone());
        for (name, value) in self.api.attach.proof(self.method.as_str(), url, token)? {
            let mut value =
                HeaderValue::from_str(&value).map_err(|_| ApiError::Unwritable("the access token"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| super::by_reqwest::judge(&error))?;
        let headers = super::by_reqwest::headers(response.headers());
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| super::by_reqwest::judge(&error))? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(TransportError::TooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body: body.freeze() })
    }
}
