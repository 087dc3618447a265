//! Stopping: requests in flight end, nothing new begins, and nobody waits for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use ayb_server::http::listener::{ConnectionLimits, Drained};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::kit::{Server, app, get_request, read_to_end, read_until};

/// A route that says when it has begun and answers when it is told to.
fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), released.clone());
    let handler = move || async move {
        tell.notify_one();
        wait.notified().await;
        "done"
    };
    (app().route("/held", get(handler)), begun, released)
}

#[tokio::test]
async fn a_request_in_flight_ends_and_new_connections_are_refused() {
    let (app, begun, released) = held();
    let mut server = Server::start(app, ConnectionLimits::default()).await;
    let mut resting = server.connect().await;
    resting.write_all(get_request("/", false).as_bytes()).await.unwrap();
    read_until(&mut resting, "hello").await;
    let mut stream = server.connect().await;
    stream.write_all(get_request("/held", false).as_bytes()).await.unwrap();
    begun.notified().await;

    server.ask_to_stop();
    assert_eq!(read_to_end(&mut resting).await, "", "a resting connection is closed");
    // The resting connection was told after the sockets had been closed or beside it: ask until they are.
    while let Ok(mut late) = TcpStream::connect(server.address).await {
        assert_eq!(read_to_end(&mut late).await, "", "nobody serves a late connection");
    }
    released.notify_one();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(server.stopped().await, Drained { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_request_without_end_is_cut_when_the_time_is_up() {
    let (app, begun, _released) = held();
    let limits = ConnectionLimits { drain_time: Duration::from_secs(10), ..ConnectionLimits::default() };
    let mut server = Server::start(app, limits).await;
    let mut stream = server.connect().await;
    stream.write_all(get_request("/held", false).as_bytes()).await.unwrap();
    begun.notified().await;
    let start = tokio::time::Instant::now();
    server.ask_to_stop();
    assert_eq!(server.stopped().await, Drained { cut: 1 });
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test(start_paused = true)]
async fn half_a_head_does_not_hold_the_server_up() {
    let mut server = Server::start(app(), ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nX-Half:").await.unwrap();
    let silent = server.connect().await;
    server.ask_to_stop();
    assert_eq!(server.stopped().await, Drained { cut: 0 });
    drop(silent);
}
