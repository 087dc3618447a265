//! TLS: the handshake, its time, its versions of HTTP, and renewal of the certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ayb_server::http::listener::ConnectionLimits;
use ayb_server::http::tls::{TlsError, TlsFiles, TlsIdentity};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::frames::{PING, frame, get_over};
use super::kit::{Server, app, exchange, get_request, read_to_end};

/// A fresh certificate for `localhost` in two files; returns what a client has to trust.
fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("cert.pem"), private_key: folder.join("key.pem") }
}

async fn shake(
    server: &Server,
    trust: &CertificateDer<'static>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trust.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, server.connect().await).await
}

async fn start(folder: &TempDir) -> (Server, TlsIdentity, CertificateDer<'static>) {
    let trust = write_certificate(folder.path());
    let identity = TlsIdentity::load(files(folder.path())).unwrap();
    let server = Server::start_tls(app(), ConnectionLimits::default(), identity.clone()).await;
    (server, identity, trust)
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_tls() {
    let folder = TempDir::new().unwrap();
    let (server, _, trust) = start(&folder).await;
    let mut stream = shake(&server, &trust, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    assert_eq!(get_over(&mut stream).await, "hello");
    for alpn in [&[b"http/1.1".as_slice()][..], &[]] {
        let mut stream = shake(&server, &trust, alpn).await.unwrap();
        stream.write_all(get_request("/", true).as_bytes()).await.unwrap();
        assert!(read_to_end(&mut stream).await.ends_with("hello"));
    }
}

#[tokio::test]
async fn plain_http_on_a_tls_port_gets_nothing() {
    let folder = TempDir::new().unwrap();
    let (server, _, _) = start(&folder).await;
    let answer = exchange(server.connect().await, &get_request("/", true)).await;
    assert!(!answer.contains("HTTP/") && !answer.contains("hello"), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_cut() {
    let folder = TempDir::new().unwrap();
    let (server, _, _) = start(&folder).await;
    let begin = Instant::now();
    assert_eq!(read_to_end(&mut server.connect().await).await, "");
    assert_eq!(begin.elapsed().as_secs(), ConnectionLimits::default().handshake_time.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_ping_does_not_shorten_the_rest_of_an_http2_connection() {
    let folder = TempDir::new().unwrap();
    let (server, _, trust) = start(&folder).await;
    let mut stream = shake(&server, &trust, &[b"h2"]).await.unwrap();
    assert_eq!(get_over(&mut stream).await, "hello");
    let begin = Instant::now();
    stream.write_all(&frame(PING, 0, 0, &[0; 8])).await.unwrap();
    read_to_end(&mut stream).await;
    assert!(begin.elapsed() >= ConnectionLimits::default().idle_time, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_renewed_certificate_serves_new_connections() {
    let folder = TempDir::new().unwrap();
    let (server, identity, old) = start(&folder).await;
    let new = write_certificate(folder.path());
    assert!(shake(&server, &new, &[]).await.is_err(), "not before it is loaded");
    identity.reload().unwrap();
    assert!(shake(&server, &new, &[]).await.is_ok());
    assert!(shake(&server, &old, &[]).await.is_err());
}

#[tokio::test]
async fn a_broken_renewal_leaves_the_old_certificate_in_service() {
    let folder = TempDir::new().unwrap();
    let (server, identity, old) = start(&folder).await;
    let other = TempDir::new().unwrap();
    write_certificate(other.path());
    fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    assert!(matches!(identity.reload(), Err(TlsError::Mismatch(_))));
    assert!(shake(&server, &old, &[]).await.is_ok());
}

#[tokio::test]
async fn a_change_of_the_files_is_seen_without_a_signal() {
    let folder = TempDir::new().unwrap();
    let (server, identity, _) = start(&folder).await;
    let watching = tokio::spawn(identity.watch(Duration::from_millis(5)));
    let new = write_certificate(folder.path());
    // Some file systems keep times coarsely: make sure that the time of the file differs.
    let later = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    fs::File::options()
        .write(true)
        .open(folder.path().join("cert.pem"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    let seen = async { while shake(&server, &new, &[]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
    watching.abort();
}

#[test]
fn unusable_files_are_named_with_a_hint() {
    let folder = TempDir::new().unwrap();
    let load = || TlsIdentity::load(files(folder.path())).unwrap_err();
    let error = load();
    assert!(error.to_string().contains("cert.pem") && error.hint().contains("path"), "{error}");

    write_certificate(folder.path());
    fs::write(folder.path().join("cert.pem"), "").unwrap();
    assert!(matches!(load(), TlsError::NoCertificate(_)));
    fs::write(folder.path().join("cert.pem"), "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(matches!(load(), TlsError::Unreadable { .. }));

    for protected in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
    ] {
        write_certificate(folder.path());
        fs::write(folder.path().join("key.pem"), protected).unwrap();
        let error = load();
        assert!(matches!(error, TlsError::Protected(_)) && error.hint().contains("openssl pkey"), "{error}");
    }

    write_certificate(folder.path());
    fs::write(folder.path().join("key.pem"), "CANARY").unwrap();
    let error = load();
    assert!(error.to_string().contains("key.pem") && !error.to_string().contains("CANARY"), "{error}");
}
