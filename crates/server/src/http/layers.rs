//! What every request passes on its way in and every answer on its way out, in one place and one order.

use std::convert::Infallible;
use std::fmt;
use std::future::{poll_fn, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_LENGTH, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use tower::Service;
use tower::layer::layer_fn;

use crate::clock::{Clock, Stopwatch};
use crate::entropy::Entropy;
use crate::error::{ApiError, LogDetail, RETRY_SOON};
use crate::http::accept::prefers_page;
use crate::http::body::{self, BodyError};
use crate::http::client_ip::{ClientIp, Peer, TrustedProxies};
use crate::http::cors::Cors;
use crate::http::extract::BodyRejection;
use crate::http::headers::{self, X_REQUEST_ID};
use crate::http::host;
use crate::http::request_id::RequestId;
use crate::http::waiting::{self, Waiting};
use crate::telemetry;

/// The rules at the edge of the server.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Tells the time that identifiers start with.
    pub clock: Clock,
    /// Draws identifiers.
    pub entropy: Entropy,
    /// Whose word about the client's address is taken.
    pub proxies: TrustedProxies,
    /// Which origins may read answers of the API.
    pub cors: Cors,
    /// The most bytes that any request body may have; endpoints may allow less.
    pub body_limit: usize,
    /// How long a request body may take to arrive.
    pub body_time: Duration,
    /// How long an answer may take.
    pub request_time: Duration,
    /// How many bytes of large answers may wait to be taken.
    pub waiting: Waiting,
    /// Whether the public address is https.
    pub https: bool,
    /// What an error of the edge itself (400, 413, 500, 503) looks like.
    pub fault: Fault,
}

/// Where an error of the edge happened.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The path that was asked for.
    pub path: &'a str,
    /// Whether a page is asked for rather than JSON.
    pub prefers_page: bool,
    /// The request's identifier.
    pub request_id: &'a RequestId,
}

type Shape = dyn Fn(&At<'_>, ApiError) -> Response + Send + Sync;

/// Turns an error of the edge into the answer for a request: an envelope, an OAuth error or a page.
#[derive(Clone)]
pub struct Fault(Arc<Shape>);

impl Fault {
    /// Answers by `shape`.
    pub fn new(shape: impl Fn(&At<'_>, ApiError) -> Response + Send + Sync + 'static) -> Self {
        Self(Arc::new(shape))
    }

    /// The envelope, whatever the request.
    pub fn envelope() -> Self {
        Self::new(|_, error| error.into_response())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fault(..)")
    }
}

/// Puts the edge around all routes of `router`, its fallback included.
pub fn wrap(router: Router, edge: Edge) -> Router {
    let edge = Arc::new(edge);
    router.layer(layer_fn(move |inner| Guarded { inner, edge: edge.clone() }))
}

/// A route with the edge around it. The middleware of axum's own would cost each request two more allocations and a copy
/// of the route.
#[derive(Clone)]
struct Guarded<S> {
    inner: S,
    edge: Arc<Edge>,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let edge = self.edge.clone();
        let passage = Passage::enter(&edge, &mut request);
        if let Some(answer) = edge.answer_early(&passage, &request) {
            return Box::pin(ready(Ok(passage.leave(&edge, answer))));
        }
        // Nothing of the handler runs before its future is polled, which is where a panic is caught.
        let handled = self.inner.call(edge.guard(request));
        Box::pin(async move {
            let answer = edge.run(&passage, handled).await;
            let answer = edge.hold(&passage, answer);
            Ok(passage.leave(&edge, answer))
        })
    }
}

/// What the edge remembers of a request while the handler has it.
struct Passage {
    stopwatch: Stopwatch,
    id: RequestId,
    client: ClientIp,
    /// What waits on the connection, where that can be several answers.
    waiting: Option<Waiting>,
    method: Method,
    address: Uri,
    route: Option<MatchedPath>,
    origin: Option<HeaderValue>,
    prefers_page: bool,
}

impl Passage {
    fn enter(edge: &Edge, request: &mut Request) -> Self {
        let stopwatch = Stopwatch::start();
        // Without a listener (in a test of the router) nobody knows the peer: an address that no one trusts.
        let peer = request.extensions_mut().remove::<Peer>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let client = edge.proxies.client(peer, request.headers());
        let trusted = edge.proxies.contains(peer);
        let waiting = request.extensions_mut().remove::<Waiting>();
        let id = RequestId::of(request.headers(), trusted, &edge.entropy, edge.clock.now());
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(client);
        Self {
            stopwatch,
            id,
            client,
            waiting,
            method: request.method().clone(),
            address: request.uri().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            origin: request.headers().get(ORIGIN).cloned(),
            prefers_page: prefers_page(request.headers()),
        }
    }

    /// The answer to an error of the edge.
    fn fault(&self, edge: &Edge, error: ApiError) -> Response {
        let at = At { path: self.address.path(), prefers_page: self.prefers_page, request_id: &self.id };
        (edge.fault.0)(&at, error)
    }

    fn leave(self, edge: &Edge, mut answer: Response) -> Response {
        if Cors::covers(self.address.path()) {
            edge.cors.write(self.origin.as_ref(), &mut answer);
        }
        // Room for what is added here, at once.
        answer.headers_mut().reserve(8);
        headers::secure_by_default(answer.headers_mut(), edge.https);
        if let Some(id) = self.id.header() {
            answer.headers_mut().insert(X_REQUEST_ID, id);
        }
        let detail = answer.extensions_mut().remove::<LogDetail>();
        telemetry::log_request(&telemetry::RequestLine {
            method: &self.method,
            route: self.route.as_ref().map(MatchedPath::as_str),
            status: answer.status(),
            duration: self.stopwatch.elapsed(),
            request_id: self.id.as_str(),
            client: self.client,
            detail: detail.as_ref().map(|detail| detail.0.as_str()),
        });
        answer
    }
}

impl Edge {
    fn answer_early(&self, passage: &Passage, request: &Request) -> Option<Response> {
        if !host::is_named(request.version(), request.headers()) {
            return Some(
                passage
                    .fault(self, ApiError::bad_request("the request needs one Host field with a host in it")),
            );
        }
        if Cors::covers(passage.address.path())
            && let Some(answer) = self.cors.preflight(&passage.method, request.headers())
        {
            return Some(answer);
        }
        // Before the body is asked for: a client that waits for "100 Continue" need not send it.
        let too_large =
            announced_length(request.headers()).is_some_and(|length| length > self.body_limit as u64);
        too_large.then(|| passage.fault(self, BodyRejection::Body(BodyError::TooLarge).into()))
    }

    /// The request with its body under guard. Most requests have none.
    fn guard(&self, request: Request) -> Request {
        if request.body().is_end_stream() {
            return request;
        }
        request.map(|body| body::guard(body, self.body_limit, self.body_time))
    }

    async fn run(
        &self,
        passage: &Passage,
        handled: impl Future<Output = Result<Response, Infallible>>,
    ) -> Response {
        let mut handled = pin!(AssertUnwindSafe(handled).catch_unwind());
        // What waits for nothing needs no clock.
        let outcome = match poll_fn(|cx| Poll::Ready(handled.as_mut().poll(cx))).await {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => tokio::time::timeout(self.request_time, handled).await,
        };
        match outcome {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Err(_)) => passage.fault(self, ApiError::internal("a handler panicked")),
            Err(_) => {
                let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long")
                    .retry_after(RETRY_SOON)
                    .detail("the handler ran out of time");
                passage.fault(self, error)
            }
        }
    }

    /// The answer, if there is room for it until it has been taken.
    fn hold(&self, passage: &Passage, answer: Response) -> Response {
        // Only a read can be asked for again: what was written must be told.
        let reads = passage.method.is_safe();
        waiting::admit(answer, reads, passage.waiting.as_ref(), &self.waiting).unwrap_or_else(|| {
            let message = "too many large answers wait to be taken; read those, or ask for less at once";
            let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(RETRY_SOON);
            passage.fault(self, error)
        })
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
