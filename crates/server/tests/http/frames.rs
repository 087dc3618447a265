//! HTTP/2, frame by frame.

use std::time::Duration;

use ayb_server::http::listener::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kit::{Server, app};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const DATA: u8 = 0;
const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
const END_STREAM_AND_HEADERS: u8 = 5;

/// RFC 9113 §4.1.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A GET with `:authority: x`, out of the static table of RFC 7541 except for the path.
pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
    let path = [&[0x04, u8::try_from(path.len()).unwrap()], path.as_bytes()].concat();
    frame(HEADERS, END_STREAM_AND_HEADERS, stream, &[&[0x82, 0x86][..], &path, &[0x41, 0x01, b'x']].concat())
}

fn opening() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) async fn read_frame(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], stream: id, payload })
}

/// Sends one request and returns the body of its answer.
pub(super) async fn get_over<IO: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut IO) -> String {
    try_get_over(stream).await.expect("an answer")
}

/// Like [`get_over`]; nothing if the connection ends before the answer.
pub(super) async fn try_get_over<IO: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut IO,
) -> Option<String> {
    stream.write_all(&[opening(), get(1, "/")].concat()).await.ok()?;
    loop {
        let frame = read_frame(stream).await?;
        if frame.kind == DATA && frame.stream == 1 {
            return Some(String::from_utf8(frame.payload).unwrap());
        }
    }
}

#[tokio::test]
async fn http2_is_spoken_in_the_clear_with_prior_knowledge() {
    let server = Server::start(app(), ConnectionLimits::default()).await;
    assert_eq!(get_over(&mut server.connect().await).await, "hello");
}

#[tokio::test]
async fn the_settings_announce_the_limits() {
    let limits = ConnectionLimits { streams: 7, head_bytes: 20 * 1024, ..ConnectionLimits::default() };
    let server = Server::start(app(), limits).await;
    let mut stream = server.connect().await;
    stream.write_all(&opening()).await.unwrap();
    let settings = read_frame(&mut stream).await.unwrap();
    assert_eq!(settings.kind, SETTINGS);
    let value = |id: u16| {
        let entry = settings.payload.chunks(6).find(|entry| entry[..2] == id.to_be_bytes())?;
        Some(u32::from_be_bytes(entry[2..].try_into().ok()?))
    };
    assert_eq!((value(3), value(6)), (Some(7), Some(20 * 1024)), "streams and header list size");
}

#[tokio::test]
async fn a_flood_of_streams_that_are_reset_at_once_ends_the_connection() {
    let server = Server::start(app(), ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    let cancel = 8_u32.to_be_bytes();
    let flood: Vec<u8> =
        (0..200).flat_map(|n| [get(2 * n + 1, "/"), frame(RESET, 0, 2 * n + 1, &cancel)].concat()).collect();
    stream.write_all(&[opening(), flood].concat()).await.unwrap();
    let mut reason = None;
    while let Some(frame) = read_frame(&mut stream).await {
        if frame.kind == GOAWAY {
            reason = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
        }
    }
    assert_eq!(reason, Some(11), "ENHANCE_YOUR_CALM");
    assert_eq!(get_over(&mut server.connect().await).await, "hello", "others are served");
}

#[tokio::test(start_paused = true)]
async fn a_resting_http2_connection_is_closed_with_a_goodbye() {
    let server = Server::start(app(), ConnectionLimits::default()).await;
    let mut stream = server.connect().await;
    assert_eq!(get_over(&mut stream).await, "hello");
    let start = tokio::time::Instant::now();
    let mut goodbye = false;
    while let Some(frame) = read_frame(&mut stream).await {
        goodbye |= frame.kind == GOAWAY;
    }
    assert!(goodbye);
    assert!(start.elapsed() <= Duration::from_secs(80), "{:?}", start.elapsed());
}
