//! A server on loopback and a client that writes bytes by hand.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ayb_protocol::time::Timestamp;
use ayb_server::clock::Clock;
use ayb_server::entropy::Entropy;
use ayb_server::http::client_ip::TrustedProxies;
use ayb_server::http::cors::Cors;
use ayb_server::http::extract::{FormPairs, JsonBody};
use ayb_server::http::layers::{Edge, Fault, wrap};
use ayb_server::http::listener::{ConnectionLimits, Drained, Listener};
use ayb_server::http::tls::TlsIdentity;
use ayb_server::http::waiting::Waiting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) fn edge() -> Edge {
    Edge {
        clock: Clock::manual(Timestamp::from_seconds(1_700_000_000)),
        entropy: Entropy::open().unwrap(),
        proxies: TrustedProxies::default(),
        cors: Cors::any(),
        body_limit: 1024,
        body_time: Duration::from_secs(20),
        request_time: Duration::from_secs(30),
        waiting: Waiting::in_all(),
        https: false,
        fault: Fault::envelope(),
    }
}

/// Routes that read what a request can carry.
pub(crate) fn app() -> Router {
    let json = |JsonBody(body): JsonBody<serde_json::Value>| async move { body.to_string() };
    let form = |FormPairs(pairs): FormPairs| async move { pairs.len().to_string() };
    let panicking = || async { panic_in_handler() };
    let endless = || async { std::future::pending::<Response>().await };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/item/{name}", get(|| async { "item" }))
        .route("/api/json", post(json))
        .route("/api/form", post(form))
        .route("/api/panic", get(panicking).post(panicking))
        .route("/api/endless", get(endless))
}

fn panic_in_handler() -> Response {
    let secret = String::from("CANARY-panic");
    assert!(secret.is_empty(), "{secret}");
    "not reached".into_response()
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl Server {
    pub(crate) async fn start(app: Router, limits: ConnectionLimits) -> Self {
        Self::serve(Listener::bind("127.0.0.1", 0, limits).await.unwrap(), app)
    }

    pub(crate) async fn start_tls(app: Router, limits: ConnectionLimits, identity: TlsIdentity) -> Self {
        Self::serve(Listener::bind("127.0.0.1", 0, limits).await.unwrap().with_tls(identity), app)
    }

    /// Serves `app` behind the edge.
    pub(crate) fn serve(listener: Listener, app: Router) -> Self {
        let address = listener.addresses()[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(wrap(app, edge()), async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), served }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub(crate) async fn stopped(self) -> Drained {
        self.served.await.unwrap()
    }
}

/// Sends text and reads until the server closes.
pub(crate) async fn exchange(mut stream: TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

/// Reads until the server closes, cleanly or not.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length) = stream.read(&mut piece).await {
        if length == 0 {
            break;
        }
        text.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads until `end` has been seen.
pub(crate) async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut text = String::new();
    let mut piece = [0; 4096];
    while !text.contains(end) {
        let length = stream.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    text
}

/// A GET that keeps the connection, or closes it.
pub(crate) fn get_request(path: &str, close: bool) -> String {
    let connection = if close { "Connection: close\r\n" } else { "" };
    format!("GET {path} HTTP/1.1\r\nHost: ayb.test\r\n{connection}\r\n")
}
