//! [`HttpTransport`] by reqwest, with rustls on aws-lc-rs.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder};

use super::{HttpRequest, HttpResponse, HttpTransport, MAX_ANSWER, Method, TransportError};

/// Sends by HTTP, with the certificates that the system trusts, TLS 1.2 or later, and no redirects.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport that keeps its connections and trusts whom the system trusts.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when TLS cannot be set up on this machine.
    pub fn new() -> Result<Self, TransportError> {
        Self::with(|builder| builder)
    }

    /// The same, trusting these certificates too, in PEM: for providers inside a company.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when the text holds none, or TLS cannot be set up.
    pub fn trusting(pem: &str) -> Result<Self, TransportError> {
        let certificates = certificates(pem)?;
        Self::with(|builder| builder.tls_certs_merge(certificates))
    }

    /// The same, trusting these certificates and no others: the provider is pinned to who signed its certificate.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when the text holds none, or TLS cannot be set up.
    pub fn trusting_only(pem: &str) -> Result<Self, TransportError> {
        let certificates = certificates(pem)?;
        Self::with(|builder| builder.tls_certs_only(certificates))
    }

    fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, TransportError> {
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .user_agent(concat!("ayb-client/", env!("CARGO_PKG_VERSION")))
            .tls_version_min(reqwest::tls::Version::TLS_1_2);
        let client = change(builder).build().map_err(|_| TransportError::Tls)?;
        Ok(Self { client })
    }

    /// The client within, for requests to APIs: it follows no redirect either.
    pub(super) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    async fn exchange(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client.request(method, request.url).timeout(timeout);
        for (name, value) in &request.headers {
            let mut value =
                reqwest::header::HeaderValue::from_str(value).map_err(|_| TransportError::Connect)?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        if let Some(body) = request.body {
            if !request.headers.iter().any(|(name, _)| *name == "content-type") {
                builder = builder.header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            builder = builder.body(body.as_bytes().to_vec());
        }
        let mut response = builder.send().await.map_err(|error| judge(&error))?;
        let status = response.status().as_u16();
        let headers = headers(response.headers());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| judge(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body: Bytes::from(body) })
    }
}

/// The headers that are text.
pub(super) fn headers(all: &reqwest::header::HeaderMap) -> Vec<(String, String)> {
    let text = all.iter().map(|(name, value)| (name.as_str(), value.to_str().ok()));
    text.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, TransportError> {
    let found = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    if found.is_empty() { Err(TransportError::Tls) } else { Ok(found) }
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpResponse, TransportError> {
        self.exchange(request, timeout).await
    }
}

/// What failed, as far as it can be told from the chain of causes. What cannot be told counts as sent: that is the safe
/// side.
pub(super) fn judge(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::TimedOut { sent: !error.is_connect() };
    }
    if !error.is_connect() {
        return TransportError::Broken;
    }
    let mut cause = error.source();
    while let Some(next) = cause {
        if next.to_string().to_ascii_lowercase().contains("dns error") {
            return TransportError::Dns;
        }
        if next.downcast_ref().is_some_and(is_about_tls) {
            return TransportError::Tls;
        }
        cause = next.source();
    }
    TransportError::Connect
}

/// rustls reports everything that it does not take, certificates too, as data that is not valid. The error that says so may be
/// inside another one of its type, which hides it from the chain of causes.
fn is_about_tls(error: &std::io::Error) -> bool {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref());
    error.kind() == std::io::ErrorKind::InvalidData || inside.is_some_and(is_about_tls)
}
