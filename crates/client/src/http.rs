//! How requests leave: a trait of one function. No HTTP client's type is part of the public interface.

#[cfg(feature = "reqwest")]
mod api;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod attach;
#[cfg(feature = "reqwest")]
mod by_reqwest;
#[cfg(feature = "tower")]
mod layer;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;
use zeroize::Zeroizing;

#[cfg(feature = "reqwest")]
pub use ::http::Method as ApiMethod;
#[cfg(feature = "reqwest")]
pub use api::{ApiClient, ApiError, ApiRequest};
#[cfg(feature = "reqwest")]
pub use by_reqwest::ReqwestTransport;
#[cfg(feature = "tower")]
pub use layer::{ByClone, LayerError, Never, Repeat, TokenLayer, TokenService};

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// How a request is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`, with a form unless the header says otherwise.
    Post,
    /// `PUT`, with whatever the header says.
    Put,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request, ready to be sent. Headers and body hold secrets; none of it is printed.
#[derive(Clone)]
pub struct HttpRequest {
    /// How.
    pub method: Method,
    /// Where to. It has been checked: https, or this machine.
    pub url: Url,
    /// Headers, in lower case.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The body: `application/x-www-form-urlencoded`, unless there is a header `content-type`.
    pub body: Option<Zeroizing<String>>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &without_query(&self.url))
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// An answer that arrived whole.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Bytes,
}

impl HttpResponse {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why no answer came. What was sent before the failure decides whether a request may be repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The name of the host is not known. Nothing was sent.
    #[error("the host was not found")]
    Dns,
    /// Nobody listens there. Nothing was sent.
    #[error("no connection")]
    Connect,
    /// No TLS: no common version, or a certificate that is not to be trusted. Nothing was sent.
    #[error("no secure connection")]
    Tls,
    /// The time was over.
    #[error("it took too long")]
    TimedOut {
        /// Whether bytes of the request may have arrived.
        sent: bool,
    },
    /// The connection broke while the request was on its way, or in the middle of the answer.
    #[error("the connection broke")]
    Broken,
    /// More than [`MAX_ANSWER`].
    #[error("the answer is too large")]
    TooLarge,
}

/// Sends requests.
///
/// Whoever implements it follows no redirect, reads no more than [`MAX_ANSWER`] bytes, checks certificates and host names,
/// speaks TLS 1.2 or later, and prints nothing of requests and answers.
#[async_trait]
pub trait HttpTransport: Send + Sync + 'static {
    /// Sends one request and reads its answer, whatever the status, within `timeout`.
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpResponse, TransportError>;
}

/// An address as it may be shown.
pub(crate) fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both only fail for addresses that have no host, which none of ours is.
    let _user = shown.set_username("");
    let _password = shown.set_password(None);
    shown.into()
}

/// A form that is being filled in. Its values may be secrets.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    pub(crate) fn add(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        self
    }

    /// Puts other names in the place of some.
    pub(crate) fn rename(&mut self, names: &BTreeMap<String, String>) {
        for (name, _) in &mut self.0 {
            if let Some(other) = names.get(name) {
                name.clone_from(other);
            }
        }
    }

    /// The same as an object in JSON.
    pub(crate) fn encode_json(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        let members: BTreeMap<_, _> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        serde_json::to_string(&members).map(Zeroizing::new)
    }

    pub(crate) fn encode(&self) -> Zeroizing<String> {
        let mut writer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            writer.append_pair(name, value);
        }
        Zeroizing::new(writer.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_of_a_request_is_printed() {
        let mut form = Form::default();
        form.add("code", "canary-code");
        assert_eq!(form.encode().as_str(), "code=canary-code");
        let request = HttpRequest {
            method: Method::Post,
            url: Url::parse("https://u:canary@id.example/token?a=canary#canary").unwrap(),
            headers: vec![("authorization", Zeroizing::new("Basic canary".to_owned()))],
            body: Some(form.encode()),
        };
        let shown = format!("{request:?}");
        assert!(!shown.contains("canary") && shown.contains("https://id.example/token"), "{shown}");
    }
}
