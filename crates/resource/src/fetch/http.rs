//! [`Fetch`] by reqwest, with rustls on aws-lc-rs.

use ayb_protocol::time::Seconds;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{ACCEPT, AGE, CACHE_CONTROL};
use reqwest::Certificate;
use reqwest::redirect::Policy;
use url::Url;

use super::{Document, Fetch, FetchError, Fetching, MAX_DOCUMENT};
use crate::error::BuildError;

/// Fetches by HTTP, with the certificates that the system trusts. Redirects are not followed: an issuer that was named
/// cannot lead to an address that was not.
#[derive(Clone, Debug)]
pub struct HttpFetch {
    client: reqwest::Client,
}

impl HttpFetch {
    /// A client that keeps its connections.
    ///
    /// # Errors
    /// [`BuildError::Client`].
    pub fn new() -> Result<Self, BuildError> {
        Self::with(Vec::new())
    }

    /// The same, trusting these authorities too: certificates in PEM, for issuers inside a company.
    ///
    /// # Errors
    /// [`BuildError::Certificate`] or [`BuildError::Client`].
    pub fn trusting(pem: &str) -> Result<Self, BuildError> {
        let authorities = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        if authorities.is_empty() { Err(BuildError::Certificate) } else { Self::with(authorities) }
    }

    fn with(authorities: Vec<Certificate>) -> Result<Self, BuildError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .user_agent(concat!("ayb-resource/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(authorities)
            .build()
            .map_err(|_| BuildError::Client)?;
        Ok(Self { client })
    }

    async fn read(&self, address: &Url) -> Result<Document, FetchError> {
        let request = self.client.get(address.clone()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|_| FetchError::Connection)?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let max_age = max_age(response.headers());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Connection)? {
            if body.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body: Bytes::from(body), max_age })
    }
}

impl Fetch for HttpFetch {
    fn get<'a>(&'a self, address: &'a Url) -> Fetching<'a> {
        Box::pin(self.read(address))
    }
}

/// What `Cache-Control` and `Age` leave (RFC 9111 §4.2.1, §4.2.3); nothing when they say nothing that can be read.
fn max_age(headers: &HeaderMap) -> Option<Seconds> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut found = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Seconds(0));
        }
        if name.eq_ignore_ascii_case("max-age") {
            found = value.trim_matches('"').parse().ok();
        }
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.parse().ok()).unwrap_or(0_u64);
    found.map(|seconds: u64| Seconds(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn said(control: &'static str, age: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        max_age(&headers).map(|seconds| seconds.0)
    }

    #[test]
    fn what_an_answer_says_about_its_age_is_read() {
        let table = [
            ("public, max-age=600", None, Some(600)),
            ("Max-Age=600", Some("100"), Some(500)),
            ("max-age=60", Some("100"), Some(0)),
            ("max-age=600, no-store", None, Some(0)),
            ("no-cache", None, Some(0)),
            ("public", None, None),
            ("max-age=soon", None, None),
            ("max-age=-1", None, None),
            ("max-age=600", Some("old"), Some(600)),
        ];
        for (control, age, expected) in table {
            assert_eq!(said(control, age), expected, "{control} {age:?}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
