//! Peers that do not take their answers, or take them slowly.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use ayb_server::http::listener::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::frames::{self, GOAWAY, RESET, SETTINGS};
use super::kit::{Server, app, get_request, read_to_end, read_until};

/// So large that no buffer of the system holds it.
const LARGE: usize = 15_000_000;

/// A part of a large answer. Tells when it is let go, and with it the memory.
struct Held {
    bytes: Vec<u8>,
    count: Arc<watch::Sender<usize>>,
}

impl Held {
    fn new(count: Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|held| *held += 1);
        Self { bytes: vec![b'x'; LARGE], count }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.count.send_modify(|held| *held -= 1);
    }
}

/// Routes with a large answer at `/large`, and how many of these are in memory.
fn large() -> (Router, watch::Receiver<usize>) {
    let (count, held) = watch::channel(0);
    let count = Arc::new(count);
    let answer = move || async move { Body::from(Bytes::from_owner(Held::new(count))) };
    (app().route("/large", get(answer.clone()).post(answer)), held)
}

/// A connection whose system takes little on its own.
async fn connect_narrow(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(server.address).await.unwrap()
}

/// The opening of a client whose streams may get `window` bytes.
fn opening(window: u32) -> Vec<u8> {
    let setting = [&4_u16.to_be_bytes()[..], &window.to_be_bytes()].concat();
    [frames::PREFACE, &frames::frame(SETTINGS, 0, 0, &setting)].concat()
}

/// Waits until as many large answers are in memory.
async fn held(held: &mut watch::Receiver<usize>, number: usize) {
    timeout(Duration::from_secs(3600), held.wait_for(|held| *held == number)).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_http2_connection_without_a_window_is_closed_and_its_place_is_free() {
    let server =
        Server::start(app(), ConnectionLimits { connections: 1, ..ConnectionLimits::default() }).await;
    let start = Instant::now();
    let mut stream = server.connect().await;
    stream.write_all(&[opening(0), frames::get(1, "/")].concat()).await.unwrap();
    let (mut reset, mut goodbye) = (false, false);
    let end = async {
        while let Some(frame) = frames::read_frame(&mut stream).await {
            reset |= frame.kind == RESET && frame.stream == 1;
            goodbye |= frame.kind == GOAWAY;
        }
    };
    timeout(Duration::from_secs(3600), end).await.expect("the connection ends");
    assert!(reset && goodbye, "reset: {reset}, goodbye: {goodbye}");
    assert!((30..=35).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    // The place is free once the server has seen the end, which is after we have.
    while frames::try_get_over(&mut server.connect().await).await.is_none() {}
}

#[tokio::test(start_paused = true)]
async fn large_answers_without_a_window_are_few_and_are_let_go() {
    let (app, mut count) = large();
    let server = Server::start(app, ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    let requests = (0..8).flat_map(|number| frames::get(2 * number + 1, "/large"));
    stream.write_all(&[opening(1000), requests.collect()].concat()).await.unwrap();
    // A refusal fits into the window. Two fit into 32 MiB.
    let mut refused = 0;
    while refused < 6 {
        let frame = frames::read_frame(&mut stream).await.expect("the connection goes on");
        let text = String::from_utf8_lossy(&frame.payload);
        refused += usize::from(frame.kind == frames::DATA && text.contains("too many large answers"));
    }
    held(&mut count, 2).await;
    let start = Instant::now();
    held(&mut count, 0).await;
    // 30 seconds, and 915 by the size.
    assert!((940..=955).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_taken_is_reset_while_others_have_time_left() {
    let (app, _count) = large();
    let server = Server::start(app, ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    let requests = [frames::get(1, "/"), frames::get(3, "/large")].concat();
    stream.write_all(&[opening(0), requests].concat()).await.unwrap();
    let mut next = 5;
    let start = Instant::now();
    loop {
        // Each of these gets a window of its own, and is so taken at once.
        let window = frames::frame(frames::WINDOW_UPDATE, 0, next, &100_u32.to_be_bytes());
        stream.write_all(&[frames::get(next, "/"), window].concat()).await.unwrap();
        loop {
            let frame = frames::read_frame(&mut stream).await.expect("the connection goes on");
            assert_ne!(frame.kind, GOAWAY, "after {:?}", start.elapsed());
            if frame.kind == RESET && frame.stream == 1 {
                assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
                return;
            }
            if frame.kind == frames::DATA && frame.stream == next {
                break;
            }
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it is reset in time");
        next += 2;
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn large_answers_that_wait_on_many_connections_leave_room_for_no_more() {
    let (app, mut count) = large();
    let server = Server::start(app, ConnectionLimits::default()).await;
    let mut idle = Vec::new();
    // 17 come to 255 MB, and 256 MiB are more than that.
    for number in 1..=17 {
        let mut stream = connect_narrow(&server).await;
        stream.write_all(get_request("/large", true).as_bytes()).await.unwrap();
        held(&mut count, number).await;
        idle.push(stream);
    }
    let mut late = connect_narrow(&server).await;
    late.write_all(get_request("/large", true).as_bytes()).await.unwrap();
    let said = read_to_end(&mut late).await;
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: 5"), "{said}");
    // What was done is told, however full it is.
    let mut done = connect_narrow(&server).await;
    done.write_all(get_request("/large", true).replace("GET", "POST").as_bytes()).await.unwrap();
    assert!(read_until(&mut done, "\r\n").await.starts_with("HTTP/1.1 200 "));
    drop((idle, done));
    held(&mut count, 0).await;
    let mut again = server.connect().await;
    again.write_all(get_request("/large", true).as_bytes()).await.unwrap();
    assert!(read_until(&mut again, "\r\n").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_honest_reader_gets_everything() {
    let (app, _count) = large();
    let server = Server::start(app, ConnectionLimits::default()).await;
    let mut stream = connect_narrow(&server).await;
    stream.write_all(get_request("/large", true).as_bytes()).await.unwrap();
    let start = Instant::now();
    let (mut taken, mut piece) = (0, vec![0; 25 * 1024]);
    loop {
        let length = stream.read(&mut piece).await.unwrap();
        if length == 0 {
            break;
        }
        taken += length;
        // 100 KiB a second.
        sleep(Duration::from_millis(1000 * length as u64 / (100 * 1024))).await;
    }
    assert!(taken > LARGE, "{taken}");
    assert!(start.elapsed() > Duration::from_secs(120), "{:?}", start.elapsed());
}
