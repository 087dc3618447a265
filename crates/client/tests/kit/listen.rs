//! The test server on a socket, for other processes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ayb_client::HttpTransport as _;
use ayb_client::http::{HttpRequest, Method};
use ayb_client::mock::TestAuthServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Serves on a port of this machine. Every `lost`th answer is lost on its way, after the server acted; every 20th request is long
/// on its way, so that whoever does not wait for others is overtaken.
pub(crate) async fn listen(idp: TestAuthServer, lost: u32) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        static ANSWERS: AtomicU32 = AtomicU32::new(1);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let number = ANSWERS.fetch_add(1, Ordering::Relaxed);
            let delay = if number.is_multiple_of(20) { Duration::from_millis(1200) } else { Duration::ZERO };
            let is_lost = number.is_multiple_of(lost);
            // A client that was killed in the middle is no concern of the others.
            tokio::spawn(serve(idp.clone(), stream, is_lost, delay));
        }
    });
    port
}

async fn serve(idp: TestAuthServer, mut stream: TcpStream, is_lost: bool, delay: Duration) -> Option<()> {
    let mut text = Vec::new();
    let (head, length) = loop {
        let mut part = [0; 2048];
        let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
        text.extend_from_slice(&part[..count]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length =
            head.to_ascii_lowercase().split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
        if body.len() >= length {
            break (head.to_owned(), length);
        }
    };
    let path = head.split(' ').nth(1)?;
    let body = String::from_utf8_lossy(&text[text.len() - length..]).into_owned();
    let url = Url::parse(&format!("{}{path}", idp.issuer())).ok()?;
    let request = HttpRequest { method: Method::Post, url, headers: Vec::new(), body: Some(body.into()) };
    tokio::time::sleep(delay).await;
    // A request that was on its way when its process was killed never arrived.
    if !delay.is_zero() && stream.try_read(&mut [0]).is_ok_and(|count| count == 0) {
        return None;
    }
    let answer = idp.send(request, Duration::from_secs(5)).await.ok().filter(|_| !is_lost)?;
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&answer.body).await.ok()
}
