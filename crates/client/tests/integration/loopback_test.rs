//! The port that receives the answer: it takes the one that belongs to the sign-in, and nothing else ends the wait.

use std::time::Duration;

use ayb_client::error::NetworkError;
use ayb_client::loopback::Loopback;
use ayb_client::mock::TestAuthServer;
use ayb_client::{AuthorizationParams, OAuth2Error};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// What a browser gets there.
async fn visit(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut page = String::new();
    let _end = stream.read_to_string(&mut page).await;
    page
}

fn address(url: &Url) -> String {
    format!("127.0.0.1:{}", url.port().unwrap())
}

#[tokio::test]
async fn the_answer_is_taken_and_everything_else_is_turned_away() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let loopback = Loopback::bind().await.unwrap();
    let at = address(loopback.redirect_uri());
    let start =
        client.start(AuthorizationParams::new(loopback.redirect_uri().clone()).scopes(["openid"])).unwrap();
    let back = idp.approve(&start.url);
    let browser = tokio::spawn(async move {
        let forged = "/callback?code=evil&state=evil&iss=https%3A%2F%2Fid.test";
        for (target, status) in
            [("/favicon.ico", "404"), (forged, "400"), ("/callback", "400"), ("/callback?state=x", "400")]
        {
            assert!(visit(&at, target).await.starts_with(&format!("HTTP/1.1 {status}")), "{target}");
        }
        drop(TcpStream::connect(&at).await.unwrap());
        let page = visit(&at, &format!("{}?{}", back.path(), back.query().unwrap())).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("You are signed in"), "{page}");
        assert!(page.contains("default-src 'none'") && !page.contains("canary"), "{page}");
    });
    let callback = loopback.wait(&start.pending, Duration::from_secs(20)).await.unwrap();
    browser.await.unwrap();
    assert!(client.finish(start.pending, callback).await.is_ok());
}

#[tokio::test]
async fn a_refusal_ends_the_wait_and_its_words_are_not_on_the_page() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let loopback = Loopback::bind().await.unwrap();
    let at = address(loopback.redirect_uri());
    let start = client.start(AuthorizationParams::new(loopback.redirect_uri().clone())).unwrap();
    let target = format!("/callback?error=%3Cscript%3E&state={}", start.state);
    let browser = tokio::spawn(async move { visit(&at, &target).await });
    let callback = loopback.wait(&start.pending, Duration::from_secs(20)).await.unwrap();
    assert_eq!(callback.error.as_deref(), Some("<script>"));
    let page = browser.await.unwrap();
    assert!(page.contains("refused") && !page.contains("script"), "{page}");
}

#[tokio::test]
async fn it_does_not_wait_for_ever() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let loopback = Loopback::bind().await.unwrap();
    let start = client.start(AuthorizationParams::new(loopback.redirect_uri().clone())).unwrap();
    let late = loopback.wait(&start.pending, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(late, OAuth2Error::Network(NetworkError::Timeout { .. })), "{late}");
}
