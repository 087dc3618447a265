//! Whom the transport trusts.

use std::sync::Arc;
use std::time::Duration;

use ayb_client::HttpTransport as _;
use ayb_client::http::{HttpRequest, Method, ReqwestTransport, TransportError};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// A server with a certificate for `localhost` that nobody has signed: its port, and the certificate in PEM.
async fn serve(versions: &[&'static SupportedProtocolVersion]) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not like the certificate hangs up.
            answer(&acceptor, stream).await.unwrap_or_default();
        }
    });
    (port, made.cert.pem())
}

async fn answer(acceptor: &TlsAcceptor, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let _length = stream.read(&mut [0; 4096]).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await?;
    stream.shutdown().await
}

async fn get(transport: &ReqwestTransport, host: &str, port: u16) -> Result<u16, TransportError> {
    let url = Url::parse(&format!("https://{host}:{port}/")).unwrap();
    let request = HttpRequest { method: Method::Get, url, headers: Vec::new(), body: None };
    transport.send(request, Duration::from_secs(5)).await.map(|answer| answer.status)
}

#[tokio::test]
async fn certificates_and_host_names_are_checked_and_a_provider_can_be_pinned() {
    let (port, certificate) = serve(rustls::ALL_VERSIONS).await;
    let (_, another) = serve(rustls::ALL_VERSIONS).await;
    assert_eq!(get(&ReqwestTransport::new().unwrap(), "localhost", port).await, Err(TransportError::Tls));
    for transport in [ReqwestTransport::trusting(&certificate), ReqwestTransport::trusting_only(&certificate)]
    {
        let transport = transport.unwrap();
        assert_eq!(get(&transport, "localhost", port).await, Ok(200));
        assert_eq!(get(&transport, "127.0.0.1", port).await, Err(TransportError::Tls), "another name");
    }
    let pinned = ReqwestTransport::trusting_only(&another).unwrap();
    assert_eq!(get(&pinned, "localhost", port).await, Err(TransportError::Tls), "another pin");
    for bad in ["", "no certificate"] {
        assert!(ReqwestTransport::trusting(bad).is_err() && ReqwestTransport::trusting_only(bad).is_err());
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (port, certificate) = serve(&[version]).await;
        assert_eq!(
            get(&ReqwestTransport::trusting(&certificate).unwrap(), "localhost", port).await,
            Ok(200),
            "{version:?}"
        );
    }
}

/// A server that knows nothing later answers the first message with its own version, TLS 1.1, as RFC 4346 has it.
#[tokio::test]
async fn tls_1_1_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _length = stream.read(&mut [0; 4096]).await;
        let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        let _written = stream.write_all(&hello).await;
        let _end = stream.read(&mut [0; 64]).await;
    });
    assert_eq!(get(&ReqwestTransport::new().unwrap(), "localhost", port).await, Err(TransportError::Tls));
}
