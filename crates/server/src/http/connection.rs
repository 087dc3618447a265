//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::http::client_ip::Peer;
use crate::http::listener::{Door, Phase};
use crate::http::pace::{Pace, PacedBody, PacedIo};

/// How long a connection without a request in flight may take to say good-bye.
const LINGER: Duration = Duration::from_secs(1);

/// Serves one connection until it ends or must end.
pub(super) async fn serve(
    door: &Door,
    stream: TcpStream,
    peer: SocketAddr,
    mut phase: watch::Receiver<Phase>,
) {
    let patience = door.limits.patience();
    let Some(acceptor) = &door.tls else {
        return speak(door, stream, peer, Pace::start(patience), phase).await;
    };
    let handshake = timeout(door.limits.handshake_time, acceptor.accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
    };
    match shaken {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            speak(door, stream, peer, Pace::start_framed(patience), phase).await;
        }
        Ok(Ok(stream)) => speak(door, stream, peer, Pace::start(patience), phase).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn speak<IO>(door: &Door, stream: IO, peer: SocketAddr, pace: Pace, mut phase: watch::Receiver<Phase>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(PacedIo::new(stream, pace.clone()));
    let service = service_fn(|request| answer(door.app.clone(), request, peer, pace.clone()));
    let mut conversation = pin!(door.protocol.serve_connection(stream, service));
    tokio::select! {
        biased;
        // How it ended is the peer's business: most errors here are connections that were closed by it.
        _ = conversation.as_mut() => return,
        () = pace.overdue() => {}
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
    }
    conversation.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = conversation.as_mut() => {}
        () = quiet_for_long(&pace) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
    }
}

/// Returns when nothing has been in flight for the time it takes to say good-bye.
async fn quiet_for_long(pace: &Pace) {
    loop {
        sleep(LINGER).await;
        if pace.is_quiet() {
            return;
        }
    }
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    pace: Pace,
) -> Result<Response<PacedBody>, Infallible> {
    let exchange = pace.begin();
    // Most requests have no body, and then none needs a place of its own.
    let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
    request.extensions_mut().insert(Peer(peer));
    let response = app.oneshot(request).await?;
    Ok(response.map(|body| PacedBody::new(body, exchange)))
}
