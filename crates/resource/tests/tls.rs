//! Keys over TLS: from whom the client takes them.

use std::sync::Arc;

use ayb_resource::{Fetch as _, FetchError, HttpFetch, Url};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A server with a certificate for `localhost` that nobody has signed: its port, and the certificate in PEM.
async fn serve() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
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
    let mut head = [0; 4096];
    let _length = stream.read(&mut head).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await?;
    stream.shutdown().await
}

#[tokio::test]
async fn documents_come_from_whom_a_trusted_authority_vouches_for_and_from_nobody_else() {
    let (port, certificate) = serve().await;
    let named = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let unnamed = Url::parse(&format!("https://127.0.0.1:{port}/")).unwrap();
    let usual = HttpFetch::new().unwrap();
    let trusting = HttpFetch::trusting(&certificate).unwrap();
    assert_eq!(usual.get(&named).await.err(), Some(FetchError::Connection));
    assert_eq!(trusting.get(&unnamed).await.err(), Some(FetchError::Connection), "another name");
    assert_eq!(trusting.get(&named).await.unwrap().body, "{}");
    for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(HttpFetch::trusting(bad).is_err(), "{bad}");
    }
}
