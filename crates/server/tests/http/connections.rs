//! What one connection may take: time, header fields, bytes; and how many there may be.

use std::time::Duration;

use ayb_server::http::listener::{ConnectionLimits, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::kit::{Server, app, exchange, get_request, read_to_end, read_until};

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        head_time: Duration::from_secs(15),
        idle_time: Duration::from_secs(75),
        ..ConnectionLimits::default()
    }
}

#[tokio::test]
async fn a_request_is_answered_with_the_defaults_of_the_edge() {
    let server = Server::start(app(), limits()).await;
    let answer = exchange(server.connect().await, &get_request("/", true)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for header in ["x-request-id: ", "x-content-type-options: nosniff", "cache-control: no-store", "date: "] {
        assert!(answer.contains(header), "{header} in {answer}");
    }
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_cut() {
    let server = Server::start(app(), limits()).await;
    let start = Instant::now();
    assert_eq!(read_to_end(&mut server.connect().await).await, "");
    assert!((15..=17).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_head_is_cut() {
    let server = Server::start(app(), limits()).await;
    for head in
        ["GET / HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n......"]
    {
        let start = Instant::now();
        let (mut reader, mut writer) = server.connect().await.into_split();
        let drip = tokio::spawn(async move {
            for byte in head.bytes() {
                if writer.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        read_to_end(&mut reader).await;
        assert!((15..=17).contains(&start.elapsed().as_secs()), "{head}: {:?}", start.elapsed());
        drip.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_between_requests_but_not_for_ever() {
    let server = Server::start(app(), limits()).await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(get_request("/", false).as_bytes()).await.unwrap();
        read_until(&mut stream, "hello").await;
        sleep(Duration::from_secs(60)).await;
    }
    let start = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!((14..=17).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_body_is_told_and_cut() {
    let server = Server::start(app(), limits()).await;
    let start = Instant::now();
    let (mut reader, mut writer) = server.connect().await.into_split();
    let drip = tokio::spawn(async move {
        let head = "POST /api/form HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n\r\n";
        writer.write_all(head.as_bytes()).await.unwrap();
        while writer.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let answer = read_to_end(&mut reader).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        answer.contains(r#"{"code":408,"message":"the request body did not arrive in time"}"#),
        "{answer}"
    );
    assert!((20..=23).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    drip.abort();
}

#[tokio::test]
async fn too_many_or_too_long_header_fields_are_refused() {
    let server = Server::start(app(), ConnectionLimits { head_fields: 20, ..limits() }).await;
    let many = (0..21).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let long = format!("X-Long: {}\r\n", "a".repeat(64 * 1024));
    for fields in [many, long] {
        let mut stream = server.connect().await;
        // The server may close before it has read everything, so the write may fail.
        let _ = stream.write_all(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).await;
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
        assert!(!answer.contains("hello"));
    }
    let fine = (0..17).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let answer = exchange(
        server.connect().await,
        &format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fine}\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = Server::start(app(), limits()).await;
    let ask = async |line: &str, hosts: &str| {
        let text = format!("{line}\r\n{hosts}Connection: close\r\n\r\n");
        let answer = exchange(server.connect().await, &text).await;
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a/b\r\n", "Host: u@a\r\n"] {
        assert_eq!(ask("GET / HTTP/1.1", hosts).await, "400", "{hosts:?}");
    }
    assert_eq!(ask("GET http://a/ HTTP/1.1", "").await, "400", "an absolute address is no substitute");
    for (line, hosts) in [
        ("GET / HTTP/1.1", "Host: a:8090\r\n"),
        ("GET / HTTP/1.1", "host: [::1]:8090\r\n"),
        ("GET / HTTP/1.1", "Host:\r\n"),
        ("GET / HTTP/1.0", ""),
    ] {
        assert_eq!(ask(line, hosts).await, "200", "{line} {hosts:?}");
    }
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(app(), limits()).await;
    let head = "POST /api/json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Expect: 100-continue\r\nConnection: close\r\nContent-Length: 1025\r\n\r\n";
    let answer = exchange(server.connect().await, head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#"{"code":413,"message":"the request body is too large"}"#), "{answer}");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused() {
    let server = Server::start(app(), limits()).await;
    let head = "POST /api/json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    let answer = exchange(server.connect().await, &format!("{head}{chunk}1\r\n1\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_request_that_could_be_read_in_two_ways_is_refused() {
    let server = Server::start(app(), limits()).await;
    let both = "POST /api/json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\n1\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let lengths = "POST /api/json HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n1111";
    let answer = exchange(server.connect().await, both).await;
    assert!(!answer.contains("hello"), "a request was smuggled: {answer}");
    let answer = exchange(server.connect().await, lengths).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn connections_above_the_limit_are_closed_and_the_others_go_on() {
    let server = Server::start(app(), ConnectionLimits { connections: 2, ..limits() }).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for stream in [&mut first, &mut second] {
        stream.write_all(get_request("/", false).as_bytes()).await.unwrap();
        read_until(stream, "hello").await;
    }
    assert_eq!(read_to_end(&mut server.connect().await).await, "", "the third is closed at once");
    first.write_all(get_request("/", true).as_bytes()).await.unwrap();
    assert!(read_to_end(&mut first).await.ends_with("hello"));
    // The place is free once the server has seen the end, which is after we have.
    loop {
        let mut next = server.connect().await;
        if next.write_all(get_request("/", true).as_bytes()).await.is_ok()
            && read_to_end(&mut next).await.ends_with("hello")
        {
            break;
        }
    }
}

#[tokio::test]
async fn localhost_is_both_loopback_addresses() {
    let expected = if std::net::TcpListener::bind("[::1]:0").is_ok() { 2 } else { 1 };
    let mut listener = Listener::bind("localhost", 0, limits()).await.unwrap();
    // The port that the system chose for one address may be taken on the other.
    for _ in 0..20 {
        if listener.addresses().len() < expected {
            listener = Listener::bind("localhost", 0, limits()).await.unwrap();
        }
    }
    let addresses = listener.addresses();
    assert_eq!(addresses.len(), expected);
    let server = Server::serve(listener, app());
    for address in addresses {
        assert!(address.ip().is_loopback() && address.port() == server.address.port(), "{address}");
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        assert!(exchange(stream, &get_request("/", true)).await.ends_with("hello"), "{address}");
    }
}

#[tokio::test]
async fn ipv6_is_bound_with_and_without_brackets() {
    for host in ["::1", "[::1]"] {
        match Listener::bind(host, 0, limits()).await {
            Ok(listener) => assert!(listener.addresses()[0].is_ipv6()),
            // A machine without IPv6 says so instead of listening elsewhere.
            Err(error) => assert_eq!(error.cause.kind(), std::io::ErrorKind::AddrNotAvailable),
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_bound_says_why_and_what_to_do() {
    let taken = Listener::bind("127.0.0.1", 0, limits()).await.unwrap();
    let port = taken.addresses()[0].port();
    let error = Listener::bind("127.0.0.1", port, limits()).await.unwrap_err();
    assert_eq!(error.message, format!("cannot listen on 127.0.0.1:{port}"));
    assert!(error.hint.contains("another program"), "{}", error.hint);
    let error = Listener::bind("192.0.2.1", 0, limits()).await.unwrap_err();
    assert!(error.hint.contains("no such address"), "{}: {}", error, error.hint);
    for host in ["", "not a host", "[::1", "256.0.0.1"] {
        assert!(Listener::bind(host, 0, limits()).await.is_err(), "{host}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection_and_nothing_else() {
    let server = Server::start(app(), limits()).await;
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(garbage.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains("hello"));
    }
    assert!(exchange(server.connect().await, &get_request("/", true)).await.ends_with("hello"));
}
