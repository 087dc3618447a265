//! TLS by certificate files, which may be renewed while the server runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// Where the certificate chain and its private key are, both in PEM form.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub private_key: PathBuf,
}

/// Why the certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, not readable or not PEM.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was wrong with it; never its contents.
        cause: String,
    },
    /// The file has no certificate in it.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// The key is protected by a passphrase, which nobody is there to type.
    #[error("the private key {} is protected by a passphrase", .0.display())]
    Protected(PathBuf),
    /// The key does not belong to the certificate, or is of a kind that TLS does not know.
    #[error("the private key does not fit the certificate: {0}")]
    Mismatch(rustls::Error),
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl TlsError {
    /// What the operator can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "check the path, the file's permissions, and that it is in PEM form",
            Self::NoCertificate(_) => "the certificate file must hold the full chain, the server's own first",
            Self::Protected(_) => {
                "store it without one, readable for ayb only: `openssl pkey -in OLD -out NEW`"
            }
            Self::Mismatch(_) => "certificate and key must come from the same order or renewal",
            Self::Setup(_) => "this is a fault of the program; please report it",
        }
    }
}

/// The server's certificate. Clones share it; a renewal reaches all of them.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    files: TlsFiles,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current {
    key: ArcSwap<CertifiedKey>,
    /// When the files that `key` came from were written.
    stamp: ArcSwap<Stamp>,
}

type Stamp = [Option<SystemTime>; 2];

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}

impl TlsIdentity {
    /// Reads the files and sets TLS up: version 1.2 or 1.3, HTTP/2 or HTTP/1.1 by ALPN (RFC 7301).
    ///
    /// # Errors
    /// [`TlsError`] says which file is at fault and [`TlsError::hint`] what to do.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let (stamp, key) = (stamp(&files), read(&files)?);
        let current =
            Arc::new(Current { key: ArcSwap::from_pointee(key), stamp: ArcSwap::from_pointee(stamp) });
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
        Ok(Self { files, current, config: Arc::new(config) })
    }

    /// The chain as it is shown to clients, the server's own certificate first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.current.key.load().cert.clone()
    }

    /// Reads the files again. New connections get the new certificate; on an error they keep the old one.
    ///
    /// # Errors
    /// As [`TlsIdentity::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        // Before the files: a renewal in between is seen by the next look.
        let stamp = stamp(&self.files);
        let key = read(&self.files)?;
        self.current.key.store(Arc::new(key));
        self.current.stamp.store(Arc::new(stamp));
        Ok(())
    }

    /// Reloads whenever the files change (looked at every `interval`) or SIGHUP comes. Runs until it is dropped.
    pub async fn watch(self, interval: Duration) {
        let mut hangup = Hangup::listen();
        loop {
            let asked = tokio::select! {
                () = hangup.recv() => true,
                () = tokio::time::sleep(interval) => false,
            };
            let identity = self.clone();
            let look = move || (asked || identity.has_changed()).then(|| identity.reload());
            match tokio::task::spawn_blocking(look).await {
                Ok(Some(Ok(()))) => tracing::info!("the TLS certificate was loaded again"),
                Ok(Some(Err(error))) => tracing::error!(%error, "the TLS certificate stays as it was"),
                Ok(None) | Err(_) => {}
            }
        }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }

    fn has_changed(&self) -> bool {
        **self.current.stamp.load() != stamp(&self.files)
    }
}

/// The signal that operators and log rotation send to make a server read its files again.
struct Hangup(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangup {
    #[cfg(unix)]
    fn listen() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self()
    }

    async fn recv(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    [written(&files.certificate), written(&files.private_key)]
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let text = read_file(&files.certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.certificate.clone()));
    }
    let text = zeroize::Zeroizing::new(read_file(&files.private_key)?);
    if is_protected(&text) {
        return Err(TlsError::Protected(files.private_key.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| unreadable(&files.private_key, &error))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(TlsError::Mismatch)
}

/// Whether a key in PEM form is encrypted, as a whole (RFC 5958 §3) or by a head line (RFC 1421 §4.6.1.1).
fn is_protected(pem: &[u8]) -> bool {
    let marks: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    marks.iter().any(|mark| pem.windows(mark.len()).any(|part| part == *mark))
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error: io::Error| unreadable(path, &error))
}

fn unreadable(path: &Path, cause: &impl ToString) -> TlsError {
    TlsError::Unreadable { path: path.to_owned(), cause: cause.to_string() }
}
