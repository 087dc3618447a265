//! A layer of tower that attaches a token to requests of one origin.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use super::attach::{Answered, Attach};
use crate::OAuth2;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::tokens::TokenManager;
use crate::types::AccessToken;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError<E> {
    /// There is no access token that counts. The request was not sent.
    #[error("no access token for the request: {0}")]
    NoToken(OAuth2Error),
    /// The access token cannot be written into a header. The request was not sent.
    #[error("the access token cannot be written into a header")]
    Unwritable,
    /// The service within failed.
    #[error(transparent)]
    Inner(E),
}

/// Makes a second body for a second attempt.
pub trait Repeat<B>: Clone + Send + 'static {
    /// The same body again; nothing when it cannot be had.
    fn repeat(&self, body: &B) -> Option<B>;
}

/// No body is sent twice: a 401 is the answer.
#[derive(Clone, Copy, Debug)]
pub struct Never;

impl<B> Repeat<B> for Never {
    fn repeat(&self, _: &B) -> Option<B> {
        None
    }
}

/// Bodies whose clone is the same body again.
#[derive(Clone, Copy, Debug)]
pub struct ByClone;

impl<B: Clone> Repeat<B> for ByClone {
    fn repeat(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B, F: Fn(&B) -> Option<B> + Clone + Send + 'static> Repeat<B> for F {
    fn repeat(&self, body: &B) -> Option<B> {
        self(body)
    }
}

/// Attaches a token to requests of one origin. Requests to other origins go through as they are, and so does one that has an
/// `Authorization` already. A client within that follows redirects has to drop the header when it leaves the origin.
///
/// ```no_run
/// # #[cfg(feature = "tower")]
/// # fn make<S>(client: ayb_client::OAuth2, inner: S) -> Result<(), ayb_client::OAuth2Error> {
/// use ayb_client::http::{ByClone, TokenLayer};
/// use tower_layer::Layer as _;
///
/// let layer = TokenLayer::only("https://api.example", &client, client.own_tokens(["orders.read"]))?.repeating(ByClone);
/// let service = layer.layer(inner);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenLayer<R = Never> {
    attach: Attach,
    repeat: R,
}

impl TokenLayer {
    /// For the origin of this address, with tokens of `client`. A request that is answered with 401 is not repeated, unless
    /// [`TokenLayer::repeating`] says how.
    ///
    /// # Errors
    /// [`ConfigurationError`] when it is no https address and not on this machine.
    pub fn only(origin: &str, client: &OAuth2, tokens: Arc<dyn TokenManager>) -> Result<Self, OAuth2Error> {
        let none = |_| ConfigurationError::Invalid("the origin is no address");
        let address = Url::parse(origin).map_err(none)?;
        Ok(Self { attach: Attach::new(client.clone(), tokens, &address)?, repeat: Never })
    }

    /// Renews the token after a 401 and sends the request once more, if `repeat` gives its body again: [`ByClone`], or a function.
    #[must_use]
    pub fn repeating<R>(self, repeat: R) -> TokenLayer<R> {
        TokenLayer { attach: self.attach, repeat }
    }
}

impl<S, R: Clone> Layer<S> for TokenLayer<R> {
    type Service = TokenService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        TokenService { inner, attach: self.attach.clone(), repeat: self.repeat.clone() }
    }
}

/// What [`TokenLayer`] makes of a service.
#[derive(Clone)]
pub struct TokenService<S, R = Never> {
    inner: S,
    attach: Attach,
    repeat: R,
}

type Answering<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, R, B, A> Service<Request<B>> for TokenService<S, R>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    R: Repeat<B>,
    B: Send + 'static,
    A: Send,
{
    type Response = Response<A>;
    type Error = LayerError<S::Error>;
    type Future = Answering<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(LayerError::Inner)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled is ready; its clone is not.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let (attach, repeat) = (self.attach.clone(), self.repeat.clone());
        Box::pin(async move { send(ready, attach, repeat, request).await })
    }
}

async fn send<S, R, B, A>(
    mut inner: S,
    attach: Attach,
    repeat: R,
    mut request: Request<B>,
) -> Result<Response<A>, LayerError<S::Error>>
where
    S: Service<Request<B>, Response = Response<A>>,
    R: Repeat<B>,
{
    let address = Url::parse(&request.uri().to_string()).ok().filter(|address| attach.covers(address));
    let Some(address) = address.filter(|_| !request.headers().contains_key(AUTHORIZATION)) else {
        return inner.call(request).await.map_err(LayerError::Inner);
    };
    let token = attach.token(None).await.map_err(LayerError::NoToken)?;
    let again = again(&request, &repeat);
    prove(&attach, &address, &mut request, &token)?;
    let answer = inner.call(request).await.map_err(LayerError::Inner)?;
    let decides = answered(&answer);
    let Some(mut again) = again else { return Ok(answer) };
    let Some(token) = attach.after(&address, &decides, &token).await else { return Ok(answer) };
    prove(&attach, &address, &mut again, &token)?;
    poll_fn(|context| inner.poll_ready(context)).await.map_err(LayerError::Inner)?;
    inner.call(again).await.map_err(LayerError::Inner)
}

fn answered<A>(answer: &Response<A>) -> Answered {
    let text = |name| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    let status = answer.status().as_u16();
    Answered { status, challenge: text("www-authenticate"), nonce: text("dpop-nonce") }
}

/// The same request once more, if its body can be had.
fn again<B>(request: &Request<B>, repeat: &impl Repeat<B>) -> Option<Request<B>> {
    let mut again = Request::new(repeat.repeat(request.body())?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

fn prove<B, E>(
    attach: &Attach,
    address: &Url,
    request: &mut Request<B>,
    token: &AccessToken,
) -> Result<(), LayerError<E>> {
    let proof = attach.proof(request.method().as_str(), address, token).map_err(LayerError::NoToken)?;
    for (name, value) in proof {
        let mut value = HeaderValue::from_str(&value).map_err(|_| LayerError::Unwritable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(())
}
