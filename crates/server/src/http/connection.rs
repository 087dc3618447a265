//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use http::{Request, Response, Version};
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
use crate::http::outgoing::{self, PacedBody};
use crate::http::pace::{Pace, PacedIo};
use crate::http::waiting::Waiting;

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
    let waiting = Waiting::on_a_connection();
    let service =
        service_fn(|request| answer(door.app.clone(), request, peer, pace.clone(), waiting.clone()));
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

/// Returns when nothing has been in flight for the time it takes to say good-bye, or nothing of it moves any more.
async fn quiet_for_long(pace: &Pace) {
    loop {
        sleep(LINGER).await;
        if pace.is_quiet() || pace.nothing_moves() {
            return;
        }
    }
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    pace: Pace,
    waiting: Waiting,
) -> Result<Response<PacedBody>, Infallible> {
    let exchange = pace.begin();
    // Most requests have no body, and then none needs a place of its own.
    let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
    request.extensions_mut().insert(Peer(peer));
    // Before HTTP/2 a connection has one answer at a time.
    if request.version() == Version::HTTP_2 {
        request.extensions_mut().insert(waiting);
    }
    let response = app.oneshot(request).await?;
    Ok(outgoing::send(response, exchange))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::http::listener::ConnectionLimits;

    const LARGE: usize = 1_600_000;

    /// The peer's end of a connection that holds 4 KiB on its way, unlike a socket, whose system holds megabytes. The
    /// other value is ready when the server has left.
    fn connect() -> (DuplexStream, impl Future<Output = ()>) {
        let app = Router::new().route("/", get(|| async { "x".repeat(LARGE) }));
        let (ours, theirs) = duplex(4096);
        let served = async move {
            let door = Door::new(app, None, ConnectionLimits::default());
            let (_serving, phase) = watch::channel(Phase::Serving);
            let pace = Pace::start(door.limits.patience());
            speak(&door, ours, (Ipv4Addr::LOCALHOST, 1).into(), pace, phase).await;
        };
        (theirs, served)
    }

    /// Takes `length` bytes now and then; says how many there were until the end.
    async fn take(mut stream: DuplexStream, length: usize, pause: Duration) -> usize {
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let (mut taken, mut piece) = (0, vec![0; length]);
        while let Ok(more @ 1..) = stream.read(&mut piece).await {
            taken += more;
            sleep(pause).await;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_drips_is_cut() {
        let (stream, served) = connect();
        let start = Instant::now();
        let drip = tokio::spawn(take(stream, 4096, Duration::from_secs(15)));
        timeout(Duration::from_secs(3600), served).await.expect("the server leaves");
        // 30 seconds, 97 by the size, and a second for the good-bye.
        assert_eq!(start.elapsed().as_secs(), 128);
        assert!(drip.await.unwrap() < 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_keeps_the_least_rate_gets_everything() {
        let (stream, served) = connect();
        let start = Instant::now();
        let reader = tokio::spawn(take(stream, 4096, Duration::from_millis(240)));
        served.await;
        assert!(reader.await.unwrap() > LARGE);
        assert!(start.elapsed() > Duration::from_secs(90), "{:?}", start.elapsed());
    }
}
