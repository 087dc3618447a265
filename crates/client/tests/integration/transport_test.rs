//! The transport that ships, on real sockets: what it follows, how much it reads, and what it says when it fails.

use std::time::Duration;

use ayb_client::http::{HttpRequest, MAX_ANSWER, Method, ReqwestTransport, TransportError};
use ayb_client::{Algorithm, ClientCredentials, HttpTransport as _, OAuth2};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

/// Answers every connection with these bytes, of which `PORT` becomes the port, and closes it.
async fn serve(answer: impl Into<Vec<u8>>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.into();
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = vec![0; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(&answer).await;
        }
    });
    Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
}

async fn get(url: Url) -> Result<(u16, usize), TransportError> {
    let request = HttpRequest { method: Method::Get, url, headers: Vec::new(), body: None };
    let transport = ReqwestTransport::new().unwrap();
    let answer = transport.send(request, Duration::from_secs(5)).await?;
    Ok((answer.status, answer.body.len()))
}

fn with_body(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = serve(with_body("200 OK", "{}")).await;
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(get(serve(answer).await).await, Ok((307, 0)));
}

#[tokio::test]
async fn a_megabyte_is_read_and_no_byte_more_announced_or_not() {
    let (most, more) = (" ".repeat(MAX_ANSWER), " ".repeat(MAX_ANSWER + 1));
    assert_eq!(get(serve(with_body("200 OK", &most)).await).await, Ok((200, MAX_ANSWER)));
    assert_eq!(get(serve(with_body("200 OK", &more)).await).await, Err(TransportError::TooLarge));
    let unannounced = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{more}");
    assert_eq!(get(serve(unannounced).await).await, Err(TransportError::TooLarge));
}

#[tokio::test]
async fn failures_before_and_after_sending_are_told_apart() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap()
    };
    assert_eq!(get(closed).await, Err(TransportError::Connect));
    let torn = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access";
    assert_eq!(get(serve(torn).await).await, Err(TransportError::Broken));
    assert_eq!(get(serve("").await).await, Err(TransportError::Broken));
    assert_eq!(get("http://no-such-host.invalid/".parse().unwrap()).await, Err(TransportError::Dns));
    let mut plain = serve("this is not TLS\r\n\r\n").await;
    plain.set_scheme("https").unwrap();
    assert_eq!(get(plain).await, Err(TransportError::Tls));
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let request = HttpRequest { method: Method::Post, url, headers: Vec::new(), body: None };
    let transport = ReqwestTransport::new().unwrap();
    let answer = transport.send(request, Duration::from_millis(50)).await;
    assert!(matches!(answer, Err(TransportError::TimedOut { sent: true })), "{answer:?}");
}

#[tokio::test]
async fn a_document_is_discovered_over_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let document = include_str!("../fixtures/discovery_document.json").replace("PORT", &port.to_string());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _read = stream.read(&mut [0; 4096]).await;
            stream.write_all(with_body("200 OK", &document).as_bytes()).await.unwrap();
        }
    });
    let issuer = format!("http://127.0.0.1:{port}");
    let client = OAuth2::discover(&issuer, ClientCredentials::public("app")).await.unwrap();
    assert_eq!(client.provider().issuer.as_deref(), Some(issuer.as_str()));
    assert_eq!(
        client.provider().id_token_algorithms.as_deref(),
        Some(&[Algorithm::RS256][..]),
        "what is not spoken is left out"
    );
}
